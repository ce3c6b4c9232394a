"""What SQLite's errors mean for a person: what happened to which file, and what to do.

Owns: turning those errors of SQLite that come from the machine into ours. Errors that come from our own queries (a
violated constraint, wrong SQL) are defects and stay what they are.
"""

import contextlib
import sqlite3
from collections.abc import Generator
from pathlib import Path

from whisperd.errors import DatabaseBusyError, DatabaseCorruptError, DatabaseError, DiskFullError, WhisperdError

_PRIMARY = 0xFF
"""The part of an extended result code that names the kind of error (sqlite.org/rescode.html)."""

# A write that the system refused for another reason than ENOSPC: a quota, a file-size limit, or a failing disk.
_REFUSED_WRITES = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMMAP,
    }
)


@contextlib.contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn what SQLite raises inside into one of our errors about the database at `path`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        ours = translate(error, path)
        if ours is None:
            raise
        raise ours from error


def translate(error: sqlite3.Error, path: Path) -> WhisperdError | None:
    """Our error for one of SQLite's; None for what is no fault of the machine."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code in _REFUSED_WRITES:
        return DiskFullError(
            f"{path} could not be written ({error}): the disk, a quota or a file-size limit is full, or the disk fails",
            hint="free some space; nothing that was acknowledged is lost. If there is space, look at the system's log",
        )
    match code & _PRIMARY:
        case sqlite3.SQLITE_FULL:
            return DiskFullError(
                f"{path} could not grow: the disk is full",
                hint="free some space on the disk and try again; nothing that was acknowledged is lost",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return DatabaseBusyError(
                f"{path} is locked by another program",
                hint=f"end the program that holds it (see: fuser -v {path}) and try again",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return DatabaseError(
                f"{path} can't be opened for writing ({error})",
                hint=f"make the folder {path.parent} and the files in it writable for this user",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DatabaseCorruptError(
                f"{path} is damaged ({error})",
                hint="restart whisperd: it moves the file aside and goes on from the newest good backup",
            )
        case sqlite3.SQLITE_IOERR:
            return DatabaseError(
                f"{path} could not be read or written ({error})", hint="look for errors of the disk in the system's log"
            )
        case _:
            return None
