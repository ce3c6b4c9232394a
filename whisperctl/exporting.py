"""Files that an export writes: each complete or not at all, and never over one that is there.

Owns: temporary files, and names that nobody has. Leaves to others: what is in the files (the daemon renders it).
A file that has the very content already is left as it is, so that an export that was interrupted can be repeated.
"""

import contextlib
import os

from whisperctl.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_MOST_NUMBERS = 999
_LONGEST_NAME = 255
"""Bytes of a file name on Linux's own file systems."""


def write(folder: str, name: bytes, suffix: str, content: str) -> str:
    """Write `<name><suffix>` in a folder, or `<name> (2)<suffix>` where another file has that name; the file's path.

    Raises `CommandError` when all names are taken, and `OSError`.
    """
    with _temporary(folder, [content]) as temporary:
        for number in range(1, _MOST_NUMBERS + 1):
            path = os.path.join(folder, os.fsdecode(numbered(name, suffix, number)))
            if _claim(temporary, path) or _same(temporary, path):
                return path
    raise CommandError(f"{_MOST_NUMBERS} files called {os.fsdecode(name)}{suffix} are in {folder} already")


def write_new(path: str, lines: "Iterable[str]") -> None:
    """Write a file from pieces as they come. Raises `CommandError` when there is one of that name, and `OSError`."""
    refuse_existing(path)
    with _temporary(os.path.dirname(os.path.abspath(path)), lines) as temporary:
        if not _claim(temporary, path):
            refuse_existing(path)


def refuse_existing(path: str) -> None:
    if os.path.lexists(path):
        raise CommandError(f"{path} is there already, and is not written over", "give another name, or remove it")


def numbered(name: bytes, suffix: str, number: int) -> bytes:
    """The name with suffix and number in at most 255 bytes; it gives way at the border of a character."""
    tail = (suffix if number == 1 else f" ({number}){suffix}").encode()
    room = _LONGEST_NAME - len(tail)
    if len(name) > room:
        while room > 1 and name[room] & 0xC0 == 0x80:  # a continuation byte of UTF-8
            room -= 1
        name = name[:room]
    return name + tail


@contextlib.contextmanager
def _temporary(folder: str, pieces: "Iterable[str]") -> "Generator[str]":
    """A file in the folder with this content, on the disk; removed at the end, however that comes."""
    path = os.path.join(folder, f".whisperctl-{os.urandom(8).hex()}.tmp")
    try:
        with open(path, "x", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _claim(temporary: str, path: str) -> bool:
    """Give the file a name that nobody has; False when somebody has. One system call decides."""
    try:
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links: reserve the name, then rename over what is ours
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        except FileExistsError:
            return False
        os.rename(temporary, path)
    return True


def _same(temporary: str, path: str) -> bool:
    """Whether the file at `path` is a plain one with the same content."""
    import filecmp

    return os.path.isfile(path) and not os.path.islink(path) and filecmp.cmp(temporary, path, shallow=False)
