"""Whether the open database still lies where it was opened: its file may be deleted, replaced or cut off in use.

Owns: telling a file from another, and what a person is told. SQLite goes on as if nothing had happened in a file that
has no name any more, and all that was acknowledged is gone when the last connection closes. Leaves to others: when to
look (`connection`), and what is done about it (`recovery`).
"""

from pathlib import Path

from msgspec import Struct

from whisperd.errors import DatabaseDisplacedError


class Place(Struct, frozen=True):
    """The files of an open database, by device and inode, and the main one's size, as its writer saw them last.

    `log` is None until there is one.
    """

    file: tuple[int, int]
    size: int
    log: tuple[int, int] | None


def look(path: Path) -> Place:
    """Raises DatabaseDisplacedError where there is no file."""
    try:
        status = path.stat()
    except OSError as error:
        raise _displaced(path, "was deleted") from error
    return Place((status.st_dev, status.st_ino), status.st_size, _log(path))


def check(path: Path, before: Place, most: int) -> None:
    """Raises DatabaseDisplacedError where the files are not those of `before`, or the main one has another size.

    `most` is what the database's pages take: up to there another program's checkpoint may have brought the log into it.
    """
    now = look(path)
    if now.file != before.file:
        raise _displaced(path, "was replaced by another file")
    if before.log is not None and now.log != before.log:
        raise _displaced(path, "has lost its write-ahead log")
    if now.size < before.size or now.size > max(before.size, most):
        raise _displaced(path, "was changed in place")


def _log(path: Path) -> tuple[int, int] | None:
    try:
        status = path.with_name(path.name + "-wal").stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _displaced(path: Path, what: str) -> DatabaseDisplacedError:
    return DatabaseDisplacedError(
        f"{path} {what} by another program while whisperd ran, so nothing is accepted",
        hint="whisperd puts it back by itself in a moment; stop whisperd before you change its files",
    )
