"""The open database: one connection that writes and one that reads, each in a thread of its own.

Owns: how connections are opened, transactions, and SQLite's errors as ours. Leaves to others: tables (`migrations`),
queries (one module a table group), damage (`recovery`). One process only: the daemon's lock sees to that.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Self, TypeVar

import anyio

from whisperd.errors import DatabaseError
from whisperd.store import backups, migrations, place
from whisperd.store.faults import explained
from whisperd.store.thread import SerialThread

T = TypeVar("T")

BUSY_TIMEOUT = 2.0
"""Seconds to wait for a lock that another program holds. We have one writer, so that this is always a stranger (a
backup tool, a database browser), and whoever asked is told rather than kept waiting."""

_CLOSE_TIMEOUT = 5.0


class Database:
    """The daemon's database. Made by `Database.open`; the functions given to `write` and `read` run in its threads."""

    def __init__(
        self, path: Path, writer: SerialThread, reader: SerialThread, connections: list[sqlite3.Connection]
    ) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._writing, self._reading = connections
        self._turn = anyio.Lock()
        self._place = place.look(path)
        self.commits = 0
        """Transactions that were written since it was opened."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, path: Path, *, busy_timeout: float = BUSY_TIMEOUT, keep_backups: int = backups.KEEP
    ) -> AsyncGenerator[Self]:
        """Open the database, made or migrated as needed; it is closed at the end of the block.

        Raises DatabaseError: DatabaseCorruptError where `recovery.rebuild` helps, DatabaseBusyError where waiting
        does; DiskFullError.
        """
        writer, reader = SerialThread("database-writer"), SerialThread("database-reader")
        connections: list[sqlite3.Connection] = []
        try:
            with anyio.CancelScope(shield=True):  # a migration may be under way, and what is opened must be closed
                connections.append(await writer.call(lambda: _open_writer(path, busy_timeout, keep_backups)))
                connections.append(await reader.call(lambda: _open_reader(path, busy_timeout)))
            yield cls(path, writer, reader, connections)
        finally:
            # The reader first: the last one to close brings the log back into the file, which is the writer's work.
            with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True):
                for thread, connection in reversed(list(zip((writer, reader), connections, strict=False))):
                    await thread.call(connection.close)
            writer.end()
            reader.end()

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` in a transaction and return its result once that is on the disk.

        What the function raises rolls everything back. Raises DatabaseDisplacedError, and then nothing is written,
        where another program has deleted, replaced or changed the file since. A cancelled caller that still waits for
        its turn leaves nothing behind; once begun, the transaction is brought to its end and the caller told how it
        ended.
        """
        async with self._turn:
            with anyio.CancelScope(shield=True):
                return await self._writer.call(lambda: self._write(function))
        raise AssertionError("unreachable: nobody cancels that scope")

    def _write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        def in_place(connection: sqlite3.Connection) -> T:
            result = function(connection)
            place.check(self.path, self._place, _size(connection))  # before anybody is told that it is kept
            return result

        result = _transaction(self._writing, self.path, "IMMEDIATE", in_place)
        self._place = place.look(self.path)
        self.commits += 1
        return result

    async def check_place(self) -> None:
        """Raises DatabaseDisplacedError where the file is no longer the one that was opened, or was changed."""

        def check() -> None:
            with explained(self.path):
                place.check(self.path, self._place, _size(self._writing))

        await self._writer.call(check)  # never while it is written

    async def copy(self, target: Path) -> None:
        """Copy all that is committed, even from a file that has no name any more, to a new one. Raises OSError,
        DatabaseError."""

        def copy_all() -> None:
            with explained(self.path):
                backups.copy(self._reading, target)

        await self._reader.call(copy_all)

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` on one consistent view of what is committed."""
        return await self._reader.call(lambda: _transaction(self._reading, self.path, "DEFERRED", function))


def connect(path: Path, busy_timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """A connection that begins no transaction by itself, in any version of Python."""
    connection = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _open_writer(path: Path, busy_timeout: float, keep_backups: int) -> sqlite3.Connection:
    _make_private(path)
    with explained(path):
        connection = connect(path, busy_timeout)
        try:
            migrations.check(connection, path)
            if connection.execute("PRAGMA page_count").fetchone() == (0,):
                # Only while the file is empty can it be made to give free pages back to the file system.
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise DatabaseError(
                    f"{path} can't have a write-ahead log where it lies", hint="choose a state folder on a local disk"
                )
            # In a log, FULL syncs it at every commit: what was acknowledged outlives a power cut.
            connection.execute("PRAGMA synchronous = FULL")
            migrations.migrate(connection, path, time.time(), keep_backups=keep_backups)
        except BaseException:
            connection.close()
            raise
    return connection


def _make_private(path: Path) -> None:
    """See that the file is there, and its owner's alone if it is new; SQLite gives its log the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise DatabaseError(
            f"{path} can't be opened for writing ({error.strerror})",
            hint=f"make the folder {path.parent} and the files in it writable for this user, "
            "or choose another state folder",
        ) from error


def _open_reader(path: Path, busy_timeout: float) -> sqlite3.Connection:
    with explained(path):
        connection = connect(path, busy_timeout)
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            # Has all its files open from now on: once they have lost their names it is the way to what they hold.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
    return connection


def _size(connection: sqlite3.Connection) -> int:
    """Bytes that all pages take, those in the log included."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return pages * size


def _transaction(
    connection: sqlite3.Connection, path: Path, kind: str, function: Callable[[sqlite3.Connection], T]
) -> T:
    with explained(path):
        connection.execute(f"BEGIN {kind}")
        try:
            result = function(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # some errors, such as a full disk, have rolled back already
                connection.execute("ROLLBACK")
            raise
    return result
