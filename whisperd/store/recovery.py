"""After a crash or damage: jobs of a dead daemon go back into the queue, a damaged file is moved aside and replaced.

Owns: what is done at start about what an earlier daemon left, and the check of the whole file. Leaves to others:
backups themselves (`backups`), and when each of these is called (`whisperd.app`).
"""

import contextlib
import logging
import os
import shutil
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import anyio
import msgspec

from whisperd.errors import DatabaseCorruptError, DatabaseDisplacedError, DatabaseError, WhisperdError
from whisperd.jobs import retry
from whisperd.jobs.retry import RetrySettings
from whisperd.jobs.transitions import Command
from whisperd.store import backups, jobs, order
from whisperd.store.backups import Backup
from whisperd.store.connection import Database, connect
from whisperd.store.faults import explained
from whisperd.store.jobs import JobChanges, JobRow, Transitioned
from whisperd.store.salvage import Salvaged, salvage
from whisperd.store.thread import SerialThread

_CLOSE_TIMEOUT = 5.0

_LARGEST = 1 << 40
"""Bytes that no database of ours has: a header that states more is damaged itself."""

_log = logging.getLogger(__name__)


class Rebuilt(msgspec.Struct, frozen=True):
    """A damaged database was moved to `aside`; in its place stands what could be read of it with what `backup` had of
    the rest, or, where nothing could be `salvaged`, the backup alone, or an empty one."""

    aside: Path
    backup: Path | None
    salvaged: Salvaged | None = None

    @property
    def message(self) -> str:
        aside = f"the database was damaged and is now at {self.aside}"
        if self.salvaged is not None:
            read = f"{self.salvaged.jobs} jobs and {self.salvaged.transcripts} transcripts were read from it"
            back = (
                f", {self.salvaged.came_back} more came from the backup {self.backup}"
                if self.salvaged.came_back
                else ""
            )
            only = self.salvaged.only_aside
            return f"{aside}; {read}{back}; " + (f"up to {only} are in that file alone" if only else "none is missing")
        if self.backup is None:
            return f"{aside}; nothing of it could be read and there was no good backup, so it starts empty"
        return f"{aside}; nothing of it could be read, so it was restored from the backup {self.backup}"


def requeue_running(conn: sqlite3.Connection, settings: RetrySettings, now: float) -> list[Transitioned]:
    """Put the jobs that an earlier daemon was running back into the queue, at their checkpoints.

    None is charged: how a daemon ended says nothing of the files. A job that was there too often, without a checkpoint
    in between, stands behind the others of its class and runs alone until it has one. Of jobs that ran beside each
    other nobody knows which it was: their starts do not count, and each runs alone at once.
    """
    ids = [row[0] for row in conn.execute("SELECT id FROM jobs WHERE state = 'running' ORDER BY id")]
    running = jobs.get_many(conn, ids)
    companies = Counter(job.company for job in running if job.company)
    return [
        jobs.transition(
            conn,
            job.id,
            Command.REQUEUE,
            now,
            reason="daemon restarted",
            changes=_after_a_lost_start(conn, job, settings, beside_others=companies[job.company or ""] > 1),
        )
        for job in running
    ]


def _after_a_lost_start(
    conn: sqlite3.Connection, job: JobRow, settings: RetrySettings, *, beside_others: bool
) -> JobChanges:
    if beside_others:
        return JobChanges(alone=True)
    if retry.is_suspect(job.unfinished_starts, settings):
        last = order.last_position(conn, job.priority)
        return JobChanges(unfinished_starts=job.unfinished_starts, alone=True, position=last + 1)
    return JobChanges(unfinished_starts=job.unfinished_starts)


def release_held(conn: sqlite3.Connection, now: float) -> list[Transitioned]:
    """Let the queued jobs start that are held back for a batch whose items they are no more."""
    rows = conn.execute("SELECT id FROM jobs WHERE state = 'queued' AND hold IS NOT NULL AND batch IS NULL").fetchall()
    return [jobs.release(conn, job_id, now, "its batch is no more") for (job_id,) in rows]


async def quick_check(database: Database) -> None:
    """Look at every page of the open database. Raises DatabaseCorruptError with the first findings.

    In a connection and thread of its own, since it reads the whole file and nobody shall wait for it; cancelling ends
    it.
    """
    thread = SerialThread("database-check")
    opened: list[sqlite3.Connection] = []
    try:
        await thread.call(lambda: opened.append(connect(database.path)))
        await thread.call(lambda: _check(opened[0], database.path))
    finally:
        for connection in opened:
            connection.interrupt()
        with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True):  # or it would still hold a file that is moved aside
            await thread.call(lambda: _close(opened))
        thread.end()


def _close(connections: list[sqlite3.Connection]) -> None:
    for connection in connections:
        connection.close()


async def back_up_if_due(database: Database, now: float, interval: float, *, keep: int) -> bool:
    """Make a backup unless one was made within `interval` seconds before `now`; whether one was made. One whose time
    is yet to come was made while the clock was wrong, and counts for nothing.

    In a connection and thread of its own. Raises DatabaseCorruptError, DiskFullError.
    """
    earlier, present = (_stamp(at) for at in (now - interval, now))
    if any(earlier < backup.made <= present for backup in backups.found(database.path)):
        return False

    def back_up() -> None:
        with explained(database.path):
            connection = connect(database.path)
            try:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                backups.create(connection, database.path, version, now, keep=keep)
            finally:
                connection.close()

    thread = SerialThread("database-backup")
    try:
        await thread.call(back_up)
    finally:
        thread.end()
    return True


def _check(connection: sqlite3.Connection, path: Path) -> None:
    with explained(path):
        connection.execute("PRAGMA query_only = ON")
        findings = [row[0] for row in connection.execute("PRAGMA quick_check(5)")]
    if findings != ["ok"]:
        raise DatabaseCorruptError(
            f"{path} is damaged: {'; '.join(findings)}",
            hint="restart whisperd: it moves the file aside and goes on from the newest good backup",
        )


def rebuild(path: Path, now: float) -> Rebuilt:
    """Move the closed, damaged database aside (nothing is deleted), and put in its place what can be read of it and
    what its newest good backup has of the rest."""
    good = next((backup for backup in backups.found(path) if backups.is_good(backup.path)), None)
    restored = path.with_name(path.name + ".restoring")
    salvaged = _salvage(path, good, restored, now)
    if salvaged is None and good is not None:  # should there be no space for it, everything stays as it is
        shutil.copyfile(good.path, restored)
        restored.chmod(0o600)
        backups.sync(restored)
    aside = _set_aside(path, "damaged", now)
    if salvaged is not None or good is not None:
        restored.rename(path)
    backups.sync(path.parent)
    return Rebuilt(aside=aside, backup=good.path if good else None, salvaged=salvaged)


def _salvage(path: Path, good: Backup | None, target: Path, now: float) -> Salvaged | None:
    """Make a sound database at `target` of what can be read; None where that is nothing, or it can't be made.

    A copy is read, since SQLite writes to what it opens, and the damaged file may be wanted as it is.
    """
    copy = path.with_name(path.name + ".reading")
    files = [copy, *(copy.with_name(copy.name + suffix) for suffix in ("-wal", "-shm"))]
    try:
        for source, file in ((path, files[0]), (path.with_name(path.name + "-wal"), files[1])):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(source, file)
                file.chmod(0o600)
        _complete(copy)
        target.unlink(missing_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        found = salvage(copy, good.path if good else None, target, now)
        if backups.is_good(target):
            backups.sync(target)
            return found
    except (sqlite3.Error, WhisperdError, OSError) as error:
        _log.error("nothing could be read of the damaged database: %s", error)
    finally:
        for file in files:
            file.unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    return None


def _complete(path: Path) -> None:
    """Give a file that was cut off the length that its header states, since SQLite reads nothing of a shorter one."""
    with path.open("r+b") as file:
        beginning = file.read(32)  # sqlite.org/fileformat2.html: the page size, of which 1 means 65,536, and the count
        size = int.from_bytes(beginning[16:18], "big") * int.from_bytes(beginning[28:32], "big")
        if beginning.startswith(b"SQLite format 3\0") and path.stat().st_size < size < _LARGEST:
            file.truncate(size)


class PutBack(msgspec.Struct, frozen=True):
    """A database that another program had deleted or replaced is in its place again; what stood there is at `aside`."""

    path: Path
    aside: Path | None

    @property
    def message(self) -> str:
        found = f"; what stood in its place is at {self.aside}" if self.aside else ""
        return (
            f"another program deleted, replaced or changed {self.path} while whisperd ran; it was put back with all "
            f"it held{found}"
        )


async def rescue(database: Database) -> bool:
    """Where the open database's file is no longer in its place, copy all it holds to where `put_back` finds it.

    Whether that was so. Raises DatabaseCorruptError where the copy is not sound, DatabaseError where none can be made.
    """
    try:
        await database.check_place()
    except DatabaseDisplacedError:
        rescued = _rescued(database.path)
        try:
            await database.copy(rescued)
        except OSError as error:
            raise DatabaseError(
                f"{database.path} was taken away by another program and can't be put back ({error.strerror})",
                hint=f"see to it that {rescued.parent} is there and can be written",
            ) from error
        if not backups.is_good(rescued):
            rescued.unlink()
            raise DatabaseCorruptError(f"{database.path} was changed by another program and is damaged") from None
        backups.sync(rescued)
        return True
    return False


def put_back(path: Path, now: float) -> PutBack:
    """Put what was rescued in the closed database's place; what stands there is moved aside."""
    aside = _set_aside(path, "replaced", now)
    _rescued(path).rename(path)
    backups.sync(path.parent)
    return PutBack(path, aside if aside.exists() else None)


def _rescued(path: Path) -> Path:
    return path.with_name(path.name + ".rescued")


def _set_aside(path: Path, what: str, now: float) -> Path:
    aside = path.with_name(f"{path.name}.{what}-{_stamp(now)}")
    for suffix in ("-wal", "-shm", ""):  # the file last: without it, whoever comes next would take the log for its own
        _move(path.with_name(path.name + suffix), aside.with_name(aside.name + suffix))
    return aside


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S%fZ")


def _move(source: Path, target: Path) -> None:
    if source.exists():
        source.rename(target)
