"""The watched folder itself: whether it is there, can be read, and on which file system it lies.

Owns: what is in the way of watching, as a state and a sentence, and what a folder claims. Leaves to others: the files
in it (`scanner`), whose they are (`territory`). Blocks; runs in the folder's own thread.
"""

import errno
import os
import stat

import msgspec

from whisperd.jobs.folder import FolderRules, FolderState
from whisperd.printable import printable
from whisperd.watch.mounts import file_system, is_remote
from whisperd.watch.territory import Claims


class Root(msgspec.Struct, frozen=True):
    """A folder that can be watched, with its `path` without links. `remote`: its file system does not tell who writes,
    or of what others do."""

    path: bytes
    device: int
    inode: int
    file_system: str
    remote: bool
    empty: bool


class Obstacle(msgspec.Struct, frozen=True):
    """Why a folder can't be watched at present."""

    state: FolderState
    reason: str


_GONE = frozenset({errno.ENOTCONN, errno.ESTALE, errno.ENODEV, errno.EHOSTDOWN, errno.ENXIO})
"""What a mount answers whose server or device has gone."""


def find(path: bytes) -> Root | Obstacle:
    """The folder that a path leads to; links in the path itself are the person's, and followed."""
    name = printable(os.fsdecode(path))
    try:
        real = os.path.realpath(path)
        status = os.lstat(real)
        if not stat.S_ISDIR(status.st_mode):
            return Obstacle(FolderState.UNREADABLE, f"{name} is not a folder")
        with os.scandir(real) as entries:
            empty = next(entries, None) is None
        kind = file_system(real)
    except (FileNotFoundError, NotADirectoryError):
        return Obstacle(FolderState.MISSING, f"{name} does not exist")
    except PermissionError:
        return Obstacle(FolderState.UNREADABLE, f"{name} may not be read; give your user read permission for it")
    except OSError as error:
        state = FolderState.UNMOUNTED if error.errno in _GONE else FolderState.UNREADABLE
        return Obstacle(state, f"{name}: {error.strerror}")
    return Root(real, status.st_dev, status.st_ino, kind, is_remote(kind), empty)


def claims(path: bytes, rules: FolderRules, *, named: bool = False) -> Claims:
    """What a folder claims. `named`: by the names alone, without a look at the disk."""

    def both(tree: bytes | str | None) -> frozenset[bytes]:
        if not tree:
            return frozenset()
        name = os.path.normpath(os.fsencode(tree))
        return frozenset({name} if named else {name, os.path.realpath(name)})

    return Claims(both(path), both(rules.move_to), both(rules.options.output_dir))


def is_unmounted(root: Root, last_device: int | None, known_files: int) -> bool:
    """Whether what is there is the empty folder that a file system with the known files is usually mounted on."""
    return root.empty and known_files > 0 and last_device is not None and root.device != last_device
