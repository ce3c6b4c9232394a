"""How a new or older database becomes the present one.

Owns: the list of migrations, counted by `user_version`. Leaves to others: the tables (`tables`), the queries (one
module a table group) and opening the file (`connection`). A migration is never changed once it is released; the next
one is appended.
"""

import shlex
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from whisperd.errors import DatabaseError
from whisperd.store import backups, tables
from whisperd.store.tables import watch

APPLICATION_ID: Final = 0x77737064
"""`wspd` in ASCII, in the header of every database of ours: no other program's file is taken for one."""

MIGRATIONS: Final[Sequence[Sequence[str]]] = (
    tables.ALL,
    ("ALTER TABLE jobs ADD COLUMN unheard REAL CHECK (unheard >= 0)",),
    watch.WRITTEN,
)
"""The statements that lead from each version to the next; the version of a database is how many of these it has had."""


def migrate(
    conn: sqlite3.Connection,
    path: Path,
    now: float,
    *,
    migrations: Sequence[Sequence[str]] = MIGRATIONS,
    keep_backups: int = backups.KEEP,
) -> None:
    """Bring the database up to date, after a backup when there is something in it to lose.

    Raises DatabaseError, and changes nothing, when the file is another program's or a newer whisperd's.
    """
    version = _checked_version(conn, path, len(migrations))
    if version == len(migrations):
        return
    if version > 0:
        backups.create(conn, path, version, now, keep=keep_backups)
    conn.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated between the first look and the lock.
        for statements in migrations[_checked_version(conn, path, len(migrations)) :]:
            for statement in statements:
                conn.execute(statement)
        conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version = {len(migrations)}")
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def check(conn: sqlite3.Connection, path: Path) -> None:
    """Refuse what is not ours to open, before anything is changed in it. Raises DatabaseError."""
    _checked_version(conn, path, len(MIGRATIONS))


def _checked_version(conn: sqlite3.Connection, path: Path, newest: int) -> int:
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    (application,) = conn.execute("PRAGMA application_id").fetchone()
    (tables,) = conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (tables > 0 or version > 0):
        raise DatabaseError(f"{path} is the database of another program", hint="choose another state folder")
    if version > newest:
        raise DatabaseError(
            f"{path} was written by a newer whisperd (its tables are version {version}, this one knows {newest})",
            hint=_way_back(path, newest),
        )
    return version


def _way_back(path: Path, newest: int) -> str:
    backup = backups.newest(path, at_most=newest)
    if backup is None:
        return "install the newer whisperd again, or start with another state folder"
    log, index = (shlex.quote(f"{path}{suffix}") for suffix in ("-wal", "-shm"))
    copy = shlex.join(["cp", str(backup.path), str(path)])
    return f"install the newer whisperd again, or go back to the backup: rm -f {log} {index} && {copy}"
