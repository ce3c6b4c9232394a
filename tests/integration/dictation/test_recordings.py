"""Recordings are kept until they have a transcript, and for their time."""

import os
import time
from pathlib import Path

import anyio

from whisperd.dictation.recordings import Shelf
from whisperd.jobs.job import Kind, Priority
from whisperd.store import jobs
from whisperd.store.connection import Database
from whisperd.store.jobs import NewJob


def recording(folder: Path, name: str, age: float, content: bytes = bytes(2_000)) -> bytes:
    path = folder / "recordings" / "2026-01-31" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    written = path.stat().st_mtime - age
    os.utime(path, (written, written))
    return os.fsencode(path)


def test_only_what_has_a_transcript_and_has_had_its_time_is_removed(tmp_path: Path) -> None:
    async def run() -> None:
        async with Database.open(tmp_path / "whisperd.db", keep_backups=0) as database:
            shelf = Shelf(database, tmp_path / "recordings", tmp_path / "private")
            old = recording(tmp_path, "090000-voice-note.wav", 7200)
            young = recording(tmp_path, "100000-voice-note.wav", 10)
            unread = recording(tmp_path, "080000-voice-note.wav", 7200)
            other = recording(tmp_path, "mine.wav", 7200)
            for path in (old, young):
                await shelf.settle(path, "transcribed")
            await shelf.clear(time.time() - 3600)
        left = {os.fsencode(path) for path in (tmp_path / "recordings").glob("*/*")}
        assert left == {young, unread, other}

    anyio.run(run)


def test_an_orphan_was_there_before_and_has_neither_transcript_nor_job_nor_is_empty(tmp_path: Path) -> None:
    async def run() -> None:
        async with Database.open(tmp_path / "whisperd.db", keep_backups=0) as database:
            shelf = Shelf(database, tmp_path / "recordings", tmp_path / "private")
            later = recording(tmp_path, "100000-voice-note.wav", 0)
            first = recording(tmp_path, "090000-voice-note-2.wav", 0)
            queued = recording(tmp_path, "110000-voice-note.wav", 0)
            settled = recording(tmp_path, "120000-voice-note.wav", 0)
            recording(tmp_path, "130000-voice-note.wav", 0, bytes(44))
            new = NewJob(path=queued, kind=Kind.DICTATION, priority=Priority.LOW)
            await database.write(lambda c: jobs.insert(c, new, 0.0))
            await shelf.settle(settled, "nothing_heard")
            (tmp_path / "private").mkdir()
            (tmp_path / "private" / "x-voice-note.wav").write_bytes(bytes(100))
            found = await shelf.left_behind()
            recording(tmp_path, "140000-voice-note.wav", 0)  # a session's, which is no orphan
            assert await shelf.orphans(found) == [first, later]
            assert list((tmp_path / "private").iterdir()) == []

    anyio.run(run)
