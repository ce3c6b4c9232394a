"""Transcript files: how they are named, and how they come to be complete or not at all.

Owns: the name of an output, the choice of a free one, temporary files and their removal, and the promise that a file
which whisperd did not write is never touched. Leaves to others: the content (`render`), and remembering what was
written (the caller keeps `Written` and hands it back when the file is to be replaced).

Everything here blocks on the file system; the daemon calls it in a thread with a deadline. Folders are held open and
names are used relative to them, so that a folder renamed meanwhile neither loses the file nor lets it land elsewhere.
"""

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from whisperd.errors import OutputError
from whisperd.jobs.job import Format
from whisperd.printable import printable

MAX_NUMBER: Final = 999
"""The highest number that is tried for a free name."""

_TEMPORARY: Final = re.compile(r"\.whisperd-[0-9a-f]{16}\.tmp")
_NAME_MAX: Final = 255
"""Bytes of a file name on Linux's own file systems; asked of the folder, which may allow less."""

# File systems without hard links (FAT, exFAT, some network and FUSE ones) answer with one of these.
_NO_HARD_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})


class Written(msgspec.Struct, frozen=True):
    """A file that whisperd wrote; `digest` is the hexadecimal BLAKE2b-256 of its content. `created`: no file of that
    name was there before."""

    path: Path
    size: int
    digest: str
    created: bool = False


def output_path(audio: Path, form: Format, output_dir: Path | None = None) -> Path:
    """Where the transcript of `audio` is meant to go: `<audio stem>.<format>` beside it or in `output_dir`.

    The name fits into 255 bytes (a long stem is shortened at the end of a character).
    """
    return (output_dir or audio.parent) / numbered_name(audio.stem, f".{form}", 1, _NAME_MAX)


def numbered_name(stem: str, suffix: str, number: int, name_max: int) -> str:
    """`talk.srt` for 1, `talk (2).srt` for 2, within `name_max` bytes; the stem gives way, at a character's border."""
    tail = suffix if number == 1 else f" ({number}){suffix}"
    raw = os.fsencode(stem)
    room = name_max - len(os.fsencode(tail))
    if len(raw) > room:
        while room > 1 and raw[room] & 0xC0 == 0x80:  # a continuation byte of UTF-8
            room -= 1
        raw = raw[:room]
    return os.fsdecode(raw) + tail


def write_atomically(
    path: Path, content: str, *, previous: Written | None = None, make_folder: bool = False, mode: int = 0o666
) -> Written:
    """Write a file that appears complete, under `path` or, where that name is taken, a numbered one beside it.

    `previous` is what an earlier call wrote for the same output: that file is replaced if it still has exactly that
    content just before. Any other file stays as it is, however it came there; one that has the new content already is
    the result (so that writing again after a crash makes no second file). `make_folder` creates missing folders, which
    is meant for an output folder that was asked for, not for the audio's own. `mode` is what the file may at most be
    used for, before the umask. On return the file is on the disk.

    Raises OutputError with the reason in words.
    """
    data = content.encode()
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        with _opened_folder(path.parent) as folder:
            return _write(folder, path, data, previous, mode)
    except OSError as error:
        raise _output_error(path, error) from error


def remove_leftovers(folder: Path) -> int:
    """Delete temporary files that a killed daemon left in a folder; how many there were.

    Only the one daemon that holds the state folder's lock may call it, and only while it writes nothing there.
    Raises OutputError.
    """
    try:
        leftovers = [entry for entry in folder.iterdir() if _TEMPORARY.fullmatch(entry.name)]
        for entry in leftovers:
            entry.unlink(missing_ok=True)
    except OSError as error:
        raise _output_error(folder, error) from error
    return len(leftovers)


def take_back(written: Written) -> None:
    """Remove a file that an earlier call has created, unless it has another content by now. Raises OutputError."""
    try:
        with _opened_folder(written.path.parent) as folder:
            if _has_content(folder, written.path.name, written.size, written.digest):
                os.unlink(written.path.name, dir_fd=folder)
                _sync_folder(folder)
    except OSError as error:
        raise _output_error(written.path, error) from error


# -- writing ----------------------------------------------------------------------------------------------------------


def _write(folder: int, path: Path, data: bytes, previous: Written | None, mode: int) -> Written:
    digest = _digest(data)

    def written(name: str, *, created: bool = False) -> Written:
        return Written(path=path.parent / name, size=len(data), digest=digest, created=created)

    with _temporary_file(folder, data, mode) as temporary:
        if (
            previous is not None
            and previous.path.parent == path.parent
            and _has_content(folder, previous.path.name, previous.size, previous.digest)
        ):
            os.rename(temporary, previous.path.name, src_dir_fd=folder, dst_dir_fd=folder)
            _sync_folder(folder)
            return written(previous.path.name)
        for name in _candidates(folder, path):
            created = claim(folder, temporary, name)
            if created or _has_content(folder, name, len(data), digest):
                _sync_folder(folder)
                return written(name, created=created)
    raise OutputError(
        f"{printable(path)} and {MAX_NUMBER - 1} numbered names beside it are all taken",
        hint="remove or rename old transcripts, or choose another output folder",
    )


def _candidates(folder: int, path: Path) -> Iterator[str]:
    try:
        name_max = min(os.fpathconf(folder, "PC_NAME_MAX"), _NAME_MAX)
    except OSError:
        name_max = _NAME_MAX
    for number in range(1, MAX_NUMBER + 1):
        yield numbered_name(path.stem, path.suffix, number, name_max)


def claim(folder: int, file: str | bytes, name: str) -> bool:
    """Give a file, in the folder or by an absolute path, a name there that nobody has; False when somebody has.

    One system call decides. Where there are hard links, the file keeps its old name too. Raises OSError.
    """
    try:
        os.link(file, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        return _claim_without_links(folder, file, name)
    return True


def _claim_without_links(folder: int, file: str | bytes, name: str) -> bool:
    """Reserve the name with an empty file that is exclusively ours, then rename over it."""
    try:
        reserved = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    except FileExistsError:
        return False
    os.close(reserved)
    try:
        os.rename(file, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise
    return True


@contextmanager
def _temporary_file(folder: int, data: bytes, mode: int) -> Generator[str]:
    """A synced file in the folder under a short hidden name, removed at the end unless it was renamed."""
    name = f".whisperd-{secrets.token_hex(8)}.tmp"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


def _has_content(folder: int, name: str, size: int, digest: str) -> bool:
    """Whether the name is a regular file, not a link, with exactly this content; synced if so."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            return False
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or _digest(file.read(size + 1)) != digest:
                return False
            os.fsync(file.fileno())
            return True
    except (FileNotFoundError, PermissionError):
        return False
    except OSError as error:
        if error.errno == errno.ELOOP:  # became a link since
            return False
        raise


@contextmanager
def _opened_folder(folder: Path) -> Generator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sync_folder(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF):  # some file systems cannot sync a folder
            raise


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


# -- errors -----------------------------------------------------------------------------------------------------------

_REASONS: Final = {
    errno.ENOSPC: ("the disk is full", "free some space; it is written again on a retry"),
    errno.EDQUOT: ("the disk quota is used up", "free some space; it is written again on a retry"),
    errno.EFBIG: ("the file would be larger than allowed here", "choose another output folder"),
    errno.EROFS: ("the file system is read-only", "choose another output folder"),
    errno.EACCES: ("no permission to write in this folder", "make it writable, or choose another output folder"),
    errno.EPERM: ("no permission to write in this folder", "make it writable, or choose another output folder"),
    errno.ENOENT: ("the folder does not exist", "create it, or choose another output folder"),
    errno.ENOTDIR: ("a part of the path is not a folder", "choose another output folder"),
    errno.ENAMETOOLONG: ("the name is too long for this file system", "choose another output folder"),
}


def _output_error(path: Path, error: OSError) -> OutputError:
    reason, hint = _REASONS.get(error.errno or 0, (error.strerror or str(error), None))
    return OutputError(f"can't write {printable(path)}: {reason}", hint=hint)
