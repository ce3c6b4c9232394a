"""What becomes of audio that has its transcript: moved into a tree, or deleted.

Owns: doing that to the very file that was transcribed and to no other, and never over another file. Leaves to others:
which files, and when (`folder`). Everything here blocks and runs in a folder's own thread.
"""

import errno
import filecmp
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from whisperd.jobs.folder import Afterwards, FolderRules
from whisperd.jobs.version import Version
from whisperd.printable import printable
from whisperd.transcripts.writer import MAX_NUMBER, claim, numbered_name
from whisperd.watch.scanner import Key, opened


def tend(root: bytes, key: Key, version: Version, rules: FolderRules) -> str | None:
    """Do as the rules say with a file of the watched folder `root`.

    What was done, or why it could not be; None when the file is no longer the one that was transcribed.
    """
    parent, name = key
    try:
        # Through its folder's descriptor: neither can be exchanged for another one meanwhile.
        with opened(root, parent) as folder:
            path = b"/proc/self/fd/%d/%s" % (folder, name)
            if rules.afterwards is Afterwards.DELETE:
                return delete(path, version)
            assert rules.move_to is not None  # held by `FolderRules.objection`
            return move(path, version, Path(rules.move_to) / os.fsdecode(parent))
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"its audio is still here, since it could not be touched: {error.strerror}"


def delete(path: bytes, version: Version) -> str | None:
    """What was done, in words; None when the file is no longer the one that was transcribed. Raises OSError."""
    if not _is_still(path, version):
        return None
    os.unlink(path)  # noqa: PTH108 - bytes
    return "the audio was deleted"


def move(path: bytes, version: Version, folder: Path) -> str | None:
    """Move the file into a folder, which is made if need be, under its name or a numbered one.

    A move that was cut off (the file has both names already, or was copied) is brought to its end. What was done, in
    words; None when the file is no longer the one that was transcribed. Raises OSError.
    """
    if not _is_still(path, version):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        name = _place(descriptor, path)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with suppress(FileNotFoundError):  # claimed by renaming, where there are no hard links
        os.unlink(path)  # noqa: PTH108
    return f"the audio was moved to {printable(folder / name)}"


def _place(folder: int, path: bytes) -> str:
    file = Path(os.fsdecode(path))
    for number in range(1, MAX_NUMBER + 1):
        name = numbered_name(file.stem, file.suffix, number, 255)
        try:
            if claim(folder, path, name) or _is_copy(folder, path, name):
                return name
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            if _is_copy(folder, path, name) or _copied(folder, path, name):
                return name
    raise FileExistsError(errno.EEXIST, "all names for it are taken", str(file))


def _copied(folder: int, path: bytes, name: str) -> bool:
    """Whether the file could be copied to another file system under this name."""
    temporary = f".whisperd-{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(path, "rb") as source, os.fdopen(os.open(temporary, flags, 0o666, dir_fd=folder), "wb") as target:  # noqa: PTH123
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            status = os.fstat(source.fileno())
            os.utime(target.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(target.fileno())
        return claim(folder, temporary, name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)


def _is_copy(folder: int, path: bytes, name: str) -> bool:
    """Whether the name is that of the file itself, or of the copy that a move which was cut off has made."""
    try:
        found, status = os.stat(name, dir_fd=folder, follow_symlinks=False), os.lstat(path)
    except FileNotFoundError:
        return False
    if os.path.samestat(found, status):
        return True
    if (found.st_size, found.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
        return False
    return filecmp.cmp(path, f"/proc/self/fd/{folder}/{name}", shallow=False)


def _is_still(path: bytes, version: Version) -> bool:
    try:
        return Version.of(os.lstat(path)) == version
    except FileNotFoundError:
        return False
