"""Copies of the database beside it, as single files: made before every migration, and the way back from damage.

Owns: making, naming, checking and thinning out backups. Leaves to others: when one is made (`migrations`) and used
(`recovery`). To go back by hand: stop whisperd, remove `whisperd.db-wal` and `whisperd.db-shm`, copy the backup over
`whisperd.db`, start whisperd.
"""

import os
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from whisperd.errors import DatabaseCorruptError

KEEP: Final = 3
"""Days of which a backup is kept; what is older is removed once a newer one is complete."""

_NAME: Final = re.compile(r"\.v(?P<version>\d+)\.(?P<made>\d{8}T\d{6}\d{6}Z)\.backup$")


class Backup(msgspec.Struct, frozen=True, order=True):
    """A backup's file. `made` is its time as in its name, which sorts; `version` that of its tables."""

    made: str
    version: int
    path: Path


def create(conn: sqlite3.Connection, path: Path, version: int, now: float, *, keep: int = KEEP) -> Backup:
    """Copy the open database, complete and on the disk before the file has its name, and thin out older ones.

    Raises DatabaseCorruptError, and leaves the older backups alone, when the copy is not sound.
    """
    made = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = path.with_name(f"{path.name}.v{version}.{made}.backup")
    unfinished = target.with_name(target.name + ".tmp")
    try:
        copy(conn, unfinished)
        if not is_good(unfinished):
            raise DatabaseCorruptError(
                f"{path} is damaged: a copy of it does not pass SQLite's check",
                hint="restart whisperd: it moves the file aside and goes on from the newest good backup",
            )
        sync(unfinished)
        unfinished.rename(target)
        sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    for old in superseded(found(path), keep):
        old.path.unlink(missing_ok=True)
    return Backup(made=made, version=version, path=target)


def found(path: Path) -> list[Backup]:
    """The backups of the database at `path`, newest first."""
    backups = [
        Backup(made=match["made"], version=int(match["version"]), path=file)
        for file in path.parent.iterdir()
        if file.name.startswith(path.name) and (match := _NAME.fullmatch(file.name, len(path.name)))
    ]
    return sorted(backups, reverse=True)


def superseded(newest_first: Sequence[Backup], keep: int) -> list[Backup]:
    """What is removed of these: all but the last two, and the last of each of `keep` days, so that many changes in a
    day leave a way back beyond it. A copy of older tables, made before a migration, stands for a day of its own."""
    last: dict[tuple[str, int], Backup] = {}
    for backup in newest_first:
        last.setdefault((backup.made[:8], backup.version), backup)
    kept = [*newest_first[: min(keep, 2)], *list(last.values())[:keep]]
    return [backup for backup in newest_first if backup not in kept]


def newest(path: Path, *, at_most: int) -> Backup | None:
    """The newest backup whose tables are of version `at_most` or older."""
    return next((backup for backup in found(path) if backup.version <= at_most), None)


def is_good(path: Path) -> bool:
    """Whether a database file that nobody has open is sound from beginning to end."""
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            return connection.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
        finally:
            connection.close()
    except sqlite3.DatabaseError:
        return False


def copy(conn: sqlite3.Connection, target: Path) -> None:
    """Copy the open database to a file of its own, in place of any that is there."""
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    # SQLite's backup interface rather than VACUUM INTO: that takes a name in UTF-8 only.
    made = sqlite3.connect(target, isolation_level=None)
    try:
        conn.backup(made)
        made.execute("PRAGMA journal_mode = DELETE")  # a single file, without a log beside it
    finally:
        made.close()


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
