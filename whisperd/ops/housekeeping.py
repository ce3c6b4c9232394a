"""What a daemon tidies: temporary files of one that was killed, spooled input that nobody needs, and a daily backup.

Owns: which of these are left-overs, and when a backup is due. Leaves to others: removing temporary files safely
(`whisperd.transcripts.writer`), making backups (`whisperd.store.backups`).
"""

import fcntl
import logging
import math
import os
import sqlite3
import time
from collections.abc import Collection
from pathlib import Path

import anyio
import anyio.to_thread

from whisperd.config.current import Current
from whisperd.errors import DatabaseBusyError, DiskFullError, WhisperdError
from whisperd.store import recovery
from whisperd.store.connection import Database
from whisperd.transcripts.writer import remove_leftovers

_log = logging.getLogger(__name__)

TIDY_DEADLINE = 10.0
"""Seconds for tidying at start; folders on a file system that hangs are left for the next start."""

FRESH = 60.0
"""Seconds for which spooled input is left alone: its client may not have submitted it yet."""

LOOK_INTERVAL = 2.0
"""Seconds between two looks at the database's file: the kernel's events would come with each of our own writes."""

BACKUP_INTERVAL = 24 * 3600.0
"""Seconds between checks, and backups, of a database that seldom changes."""

BUSY_INTERVAL = 3600.0
"""Seconds between backups of one that changes much."""

MANY_CHANGES = 200
"""Transactions that are worth a backup before its day: those of about a dozen files."""


async def tidy(database: Database, state_dir: Path) -> None:
    """Remove what a killed daemon or client left behind. To be called while nothing runs."""
    folders = await database.read(_output_folders)
    spool = state_dir / "spool"
    needed = await database.read(lambda c: _needed(c, spool))
    with anyio.move_on_after(TIDY_DEADLINE):
        await anyio.to_thread.run_sync(lambda: _tidy(folders, spool, needed), abandon_on_cancel=True)


def _output_folders(connection: sqlite3.Connection) -> list[str]:
    """The folders that started and unfinished jobs write to."""
    rows = connection.execute(
        """SELECT coalesce(moved_to, path), json_extract(options, '$.output_dir') FROM jobs
        WHERE finished_at IS NULL AND started_at IS NOT NULL AND json_array_length(options, '$.formats') > 0"""
    )
    return sorted({folder or os.path.dirname(os.fsdecode(path)) for path, folder in rows})  # noqa: PTH120


def _needed(connection: sqlite3.Connection, spool: Path) -> frozenset[bytes]:
    """The spooled files that unfinished and failed jobs read."""
    prefix = os.fsencode(spool) + b"/"
    rows = connection.execute(
        "SELECT path FROM jobs WHERE state NOT IN ('completed', 'cancelled') AND path >= ? AND path < ?",
        (prefix, prefix[:-1] + b"0"),  # 0 follows / in ASCII
    )
    return frozenset(path for (path,) in rows)


def _tidy(folders: Collection[str], spool: Path, needed: Collection[bytes]) -> None:
    for folder in folders:
        try:
            removed = remove_leftovers(Path(folder))
        except WhisperdError as error:
            _log.info("%s", error.message)
        else:
            if removed:
                _log.info("%d unfinished transcript files were removed", removed)
    if spool.is_dir():
        for file in spool.iterdir():
            if file.name.startswith("stdin-") and os.fsencode(file) not in needed and _is_abandoned(file):
                file.unlink(missing_ok=True)


def _is_abandoned(file: Path) -> bool:
    """Whether no client writes the file any more: the writer holds a lock, or has only just made the file."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return time.time() - os.fstat(descriptor).st_mtime > FRESH
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


async def watch_over(database: Database) -> None:
    """Look for ever whether the database's file is still in its place. Raises DatabaseDisplacedError."""
    while True:
        await anyio.sleep(LOOK_INTERVAL)
        await database.check_place()


async def check_and_back_up(database: Database, current: Current) -> None:
    """For ever: check the whole database once a day, and back it up then and after many changes.

    Raises DatabaseCorruptError.
    """
    due_at, backed_up = -math.inf, 0
    while True:
        if anyio.current_time() >= due_at:
            await recovery.quick_check(database)
            due_at = anyio.current_time() + BACKUP_INTERVAL
        interval = BUSY_INTERVAL if database.commits - backed_up >= MANY_CHANGES else BACKUP_INTERVAL
        keep, commits = current.settings.state.backups, database.commits
        try:
            if keep and await recovery.back_up_if_due(database, time.time(), interval, keep=keep):
                backed_up = commits
                _log.info("the database was backed up")
        except (DatabaseBusyError, DiskFullError) as error:
            _log.error("the database could not be backed up: %s", error.message)
        await anyio.sleep(BUSY_INTERVAL / 6)
