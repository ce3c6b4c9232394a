"""From files that may be finished to rows and jobs.

Owns: one folder's looks at single files, and the transaction in which what is decided about them is stored. Leaves to
others: which files, and when (`folder`); the rules (`finished`, `orphans`).
"""

import os
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from whisperd.job_commands import JobCommands
from whisperd.jobs.company import WATCHED, company_of
from whisperd.jobs.folder import FileState
from whisperd.jobs.job import Kind, Options, Priority
from whisperd.jobs.version import signature
from whisperd.store import watch
from whisperd.store.connection import Database
from whisperd.store.jobs import JobRow, NewJob, Transitioned
from whisperd.store.watch import FileRow, FolderRow, NewFile
from whisperd.transcripts.writer import output_path
from whisperd.watch import inspecting
from whisperd.watch.disk import Disk
from whisperd.watch.finished import Settling
from whisperd.watch.inspecting import Candidate, Inspected
from whisperd.watch.orphans import Decision, concerns, decide
from whisperd.watch.root import Root
from whisperd.watch.scanner import Entry, Key

T = TypeVar("T")

CHUNK: Final = 200
"""Files that are looked at, and queued in one transaction, together: a commit keeps other writers waiting."""


class Taker:
    """One folder's; `row` for its id, path and rules, `options` with nothing left open."""

    def __init__(self, row: FolderRow, options: Options, disk: Disk, database: Database, commands: JobCommands) -> None:
        self._row = row
        self._options = options
        self._disk = disk
        self._database = database
        self._commands = commands

    def path(self, key: Key) -> bytes:
        return os.path.join(self._row.path, *key)  # noqa: PTH118 - bytes

    async def concerned(self, parent: bytes, entries: Sequence[Entry], *, again: bool) -> list[Entry]:
        """Those of a folder's files that must be looked into."""

        def look(connection: sqlite3.Connection) -> list[Entry]:
            known = watch.states(connection, self._row.id, parent)
            return [entry for entry in entries if concerns(known.get(entry.name), entry.version, again=again)]

        return await self._database.read(look)

    async def refuse(self, refused: Sequence[tuple[bytes, Entry]]) -> None:
        """Remember files, with their parents, that can't be taken whatever happens. Raises NotFoundError."""
        now = time.time()

        def note_all(connection: sqlite3.Connection, part: Sequence[tuple[bytes, Entry]]) -> None:
            watch.folder(connection, self._row.id)  # it may have been removed meanwhile
            for parent, entry in part:
                new = NewFile(parent, entry.name, entry.version)
                watch.note(connection, self._row.id, new, FileState.SKIPPED, entry.refusal, now)

        for part in parts(refused):
            await self._database.write(lambda c, part=part: note_all(c, part))

    async def inspect(self, root: Root, keys: Sequence[Key], before: Mapping[Key, Settling | None]) -> list[Inspected]:
        """Look at files again. Raises UnresponsiveError."""
        candidates = [Candidate(key, before.get(key), self._outputs(key)) for key in keys]
        settle = self._row.rules.settle
        return await self._disk.call(lambda: inspecting.inspect(root.path, candidates, settle, remote=root.remote))

    async def moved(self, root: Root, finished: Sequence[Inspected]) -> dict[Key, FileRow]:
        """Those that are known under another path where they no longer are. Raises UnresponsiveError."""

        def look(connection: sqlite3.Connection) -> list[tuple[Key, FileRow]]:
            return [
                (one.key, twin) for one in finished for twin in watch.elsewhere(connection, self._row.id, new_file(one))
            ]

        twins = await self._database.read(look)
        if not twins:
            return {}
        names = [((twin.parent, twin.name), twin.version) for _, twin in twins]
        there = await self._disk.call(lambda: inspecting.still_there(root.path, names))
        return {key: twin for (key, twin), still in zip(twins, there, strict=True) if not still}

    async def take(self, root: Root, finished: Sequence[Inspected], again: Collection[Key]) -> list[JobRow]:
        """Do what is to be done about finished files, at most a chunk of them; the jobs that were queued.

        Raises NotFoundError when the folder is not watched any more, QueueFullError, DatabaseError, DiskFullError,
        UnresponsiveError; then nothing is changed.
        """
        moved = await self.moved(root, finished)
        return await self._commands.admit(len(finished), lambda c: self._commit(c, finished, moved, again))

    def _commit(
        self,
        connection: sqlite3.Connection,
        finished: Sequence[Inspected],
        moved: Mapping[Key, FileRow],
        again: Collection[Key],
    ) -> list[Transitioned]:
        """In one transaction: what is decided about each file, its row and its job."""
        watch.folder(connection, self._row.id)  # it may have been removed meanwhile
        queued = [self._settle(connection, one, moved.get(one.key), again=one.key in again) for one in finished]
        return [job for job in queued if job]

    def _settle(
        self, connection: sqlite3.Connection, one: Inspected, twin: FileRow | None, *, again: bool
    ) -> Transitioned | None:
        now, new, folder = time.time(), new_file(one), self._row.id
        row = watch.file(connection, folder, *one.key)
        known = (row.version, row.state) if row else None
        if one.refusal:
            if concerns(known, new.version, again=again):
                watch.note(connection, folder, new, FileState.SKIPPED, one.refusal, now)
            return None
        decision = decide(known, new.version, again=again, moved=twin is not None, transcribed=one.transcribed)
        if decision is Decision.FOLLOW:
            assert twin is not None
            resumed = watch.follow(connection, folder, twin, new, self.path(one.key), now)
            if resumed or twin.state is not FileState.GONE:
                return resumed
            decision = Decision.QUEUE
        if decision is Decision.QUEUE:
            return watch.queue(connection, folder, new, self._job(new, linked=one.linked), now)
        if decision is Decision.DONE:
            watch.note(connection, folder, new, FileState.DONE, "its transcript was there already", now)
        return None

    def _job(self, new: NewFile, *, linked: bool) -> NewJob:
        options, path = self._options_in(new.parent), self.path((new.parent, new.name))
        return NewJob(
            path=path,
            kind=Kind.WATCH,
            priority=Priority.LOW,
            options=options,
            signature=signature(new.version, options, path if linked else None),
            size=new.version.size,
            company=company_of(WATCHED, options),
        )

    def _options_in(self, parent: bytes) -> Options:
        """A job's options name its folder in the mirrored tree; a name that is not UTF-8 is written with escapes."""
        tree = self._options.output_dir
        if tree is None or not parent:
            return self._options
        return msgspec.structs.replace(self._options, output_dir=f"{tree}/{parent.decode('utf-8', 'backslashreplace')}")

    def _outputs(self, key: Key) -> tuple[bytes, ...]:
        """Where the file's transcripts would be written."""
        audio, options = Path(os.fsdecode(self.path(key))), self._options_in(key[0])
        folder = Path(options.output_dir) if options.output_dir else None
        return tuple(os.fsencode(output_path(audio, form, folder)) for form in options.formats)


def new_file(one: Inspected) -> NewFile:
    assert one.after is not None
    return NewFile(*one.key, one.after.version)


def parts(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[at : at + CHUNK] for at in range(0, len(items), CHUNK)]
