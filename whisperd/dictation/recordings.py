"""The recordings of dictations on disk: where they lie, which still need a transcript, which have had their time.

Owns: names and folders (`YYYY-MM-DD/HHMMSS-voice-note.wav`), and that no recording is removed before it has a
transcript, or was found to hold nothing. Leaves to others: writing them (the recorder), the rows (`whisperd.store`).
"""

import contextlib
import datetime
import logging
import os
import time
from pathlib import Path

import anyio.to_thread

from whisperd.recorder.wav import HEADER
from whisperd.store import recordings
from whisperd.store.connection import Database

_log = logging.getLogger(__name__)

STEM_SUFFIX = "-voice-note"


def recordings_folder(state_dir: Path) -> Path:
    return state_dir / "recordings"


class Shelf:
    """The folder of all recordings, and the one for those that nothing is to be kept of."""

    def __init__(self, database: Database, folder: Path, private: Path) -> None:
        self._database = database
        self._folder = folder
        self._private = private

    async def place(self, *, private: bool) -> tuple[Path, str]:
        """A folder, which exists, and the name (without suffix) for a recording that begins now. Raises OSError."""
        now = datetime.datetime.now().astimezone()
        folder = self._private if private else self._folder / now.strftime("%Y-%m-%d")
        await anyio.to_thread.run_sync(lambda: folder.mkdir(mode=0o700, parents=True, exist_ok=True))
        return folder, now.strftime("%H%M%S") + STEM_SUFFIX

    async def remove(self, path: bytes) -> None:
        """For a recording that was cancelled, or is private."""
        await anyio.to_thread.run_sync(_remove, path)

    async def settle(self, path: bytes, outcome: str) -> None:
        await self._database.write(lambda c: recordings.settle(c, path, outcome, time.time()))

    async def left_behind(self) -> dict[bytes, float]:
        """The recordings there are, and when each was last written; private ones are removed. Raises OSError."""
        await anyio.to_thread.run_sync(_empty, self._private)
        return await anyio.to_thread.run_sync(_all_below, self._folder)

    async def orphans(self, found: dict[bytes, float]) -> list[bytes]:
        """Those of these recordings that have neither a transcript nor a job, oldest first."""
        unsettled = await self._unsettled(found)
        have_jobs = await self._database.read(lambda c: recordings.with_jobs(c, unsettled))
        return sorted(unsettled - have_jobs)

    async def clear(self, limit: float) -> None:
        """Remove the recordings that need nothing more and were last written at `limit` (unix seconds) or earlier."""
        found = await anyio.to_thread.run_sync(_all_below, self._folder)
        old = {path for path, written in found.items() if written <= limit}
        done = old - await self._unsettled(dict.fromkeys(old, 0.0))
        if done:
            await anyio.to_thread.run_sync(lambda: [_remove(path) for path in sorted(done)])
            await self._database.write(lambda c: recordings.forget(c, done))
            _log.info("%d recordings of dictations were removed after their time", len(done))

    async def _unsettled(self, found: dict[bytes, float]) -> set[bytes]:
        settled = await self._database.write(lambda c: recordings.settled(c, found, time.time()))
        return set(found) - settled


def _all_below(folder: Path) -> dict[bytes, float]:
    """Every recording that holds anything, and when it was last written."""
    found: dict[bytes, float] = {}
    for day in folder.iterdir() if folder.is_dir() else ():
        for file in day.glob(f"*{STEM_SUFFIX}*.wav") if day.is_dir() else ():
            with contextlib.suppress(OSError):
                status = file.lstat()
                if status.st_size > HEADER:
                    found[os.fsencode(file)] = status.st_mtime
    return found


def _remove(path: bytes) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108 (bytes)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(path))  # noqa: PTH106, PTH120 (when it was the day's last)


def _empty(folder: Path) -> None:
    for file in folder.glob("*.wav") if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            file.unlink()
