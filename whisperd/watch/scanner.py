"""Looking at a folder: which files are in it.

Owns: opening and listing folders, and that no link inside the watched one is followed. Leaves to others: how a file is
(`inspecting`), what is known of it (`whisperd.store.watch`), whose it is (`territory`), the rules on names. Everything
here blocks and runs in a folder's own thread (`disk`); names are bytes. No content is read.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from whisperd.jobs.version import Version
from whisperd.printable import printable
from whisperd.watch.names import NameVerdict, joined
from whisperd.watch.territory import Territory

BATCH_SECONDS: Final = 0.25
"""Seconds after which a walk hands over what it has, so that nobody waits long for the thread."""

BATCH_FILES: Final = 5_000
"""Files in changed folders after which it does so too, for the sake of memory."""

_FOLDER: Final = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_FOLDER: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""What opening a folder answers that has gone, or has become something else."""

Key = tuple[bytes, bytes]
"""A file in a folder: the path of its parent inside it (empty at the top), and its name."""

Enter = Callable[[bytes, int], None]
"""What is told of each folder that is about to be listed: its path inside the root, and a descriptor of it."""


class Entry(msgspec.Struct, frozen=True):
    """A file with a wanted name. `refusal` says why it can't be taken whatever happens; None for a plain file."""

    name: bytes
    version: Version
    refusal: str | None = None


class Facts(msgspec.Struct, frozen=True):
    """A folder as it was listed: which one it is, its modification time, and a sum over its files by which a change
    shows."""

    inode: int
    mtime_ns: int
    sum: int


class Listing(msgspec.Struct, frozen=True):
    """A folder inside the watched one whose files may have changed. `trouble`: why it could not be listed."""

    parent: bytes
    entries: tuple[Entry, ...] = ()
    facts: Facts | None = None
    trouble: str | None = None


@contextlib.contextmanager
def opened(root: bytes, parent: bytes) -> Generator[int]:
    """A descriptor of the folder `parent` inside `root`, reached without following a link. Raises OSError.

    One part of the path after the other: each is the folder that its parent holds in this moment, however folders and
    links change places.
    """
    folder = os.open(root, os.O_PATH | _FOLDER if parent else os.O_RDONLY | _FOLDER)
    try:
        names = parent.split(b"/") if parent else []
        for number, name in enumerate(names, start=1):
            how = os.O_RDONLY if number == len(names) else os.O_PATH
            inner = os.open(name, how | _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


class Walk:
    """A walk through the folders in `start` and what is below them, a batch at a time.

    Of folders that are listed in `known`, those whose files show the same sum are left out of the result; with
    `only_changed`, those whose modification time is the same are not even listed (but what is below them is not looked
    for then: `start` names all). `enter` is told of a folder before it is listed, so that what happens in it afterwards
    is told by the kernel.
    """

    def __init__(
        self,
        territory: Territory,
        known: Mapping[bytes, Facts],
        start: Sequence[bytes] = (b"",),
        *,
        only_changed: bool = False,
        enter: Enter | None = None,
    ) -> None:
        self._territory = territory
        self._known = known
        self._only_changed = only_changed
        self._enter = enter
        self._stack = sorted(start if only_changed else _outermost(start), reverse=True)
        self.vanished: list[bytes] = []
        """Folders of `known` that are no longer there, or no longer the folder's own."""

    @property
    def done(self) -> bool:
        return not self._stack

    def batch(self) -> list[Listing]:
        """The next listings. Raises OSError for the root only."""
        end = time.monotonic() + BATCH_SECONDS
        listings: list[Listing] = []
        files = 0
        while self._stack and files < BATCH_FILES and time.monotonic() < end:
            if (listing := self._look(self._stack.pop())) is not None:
                listings.append(listing)
                files += len(listing.entries)
        return listings

    def _look(self, parent: bytes) -> Listing | None:
        if not self._territory.holds(parent):
            self.vanished.append(parent)
            return None
        try:
            with opened(self._territory.root, parent) as folder:
                return self._look_into(parent, folder)
        except OSError as error:
            if not parent:
                raise
            if error.errno in _NO_FOLDER:
                self.vanished.append(parent)
                return None
            return Listing(parent, trouble=f"can't look into {printable(os.fsdecode(parent))}: {error.strerror}")

    def _look_into(self, parent: bytes, folder: int) -> Listing | None:
        status, known = os.fstat(folder), self._known.get(parent)
        if self._only_changed and known and (known.inode, known.mtime_ns) == (status.st_ino, status.st_mtime_ns):
            return None
        if self._enter is not None:
            self._enter(parent, folder)
        entries, folders = self._list(parent, folder)
        inside = sorted((joined(parent, name) for name in folders), reverse=True)
        self._stack += [
            path for path in inside if self._territory.holds(path) and not (self._only_changed and path in self._known)
        ]
        files_sum = sum(hash((entry.name, _plain(entry.version))) for entry in entries)
        if known is not None and known.sum == files_sum and known.inode == status.st_ino:
            return None
        return Listing(parent, tuple(entries), Facts(status.st_ino, status.st_mtime_ns, files_sum))

    def _list(self, parent: bytes, folder: int) -> tuple[list[Entry], list[bytes]]:
        entries: list[Entry] = []
        folders: list[bytes] = []
        with os.scandir(folder) as found:
            for item in found:
                name = os.fsencode(item.name)  # what a descriptor's entries are called, is text
                if item.is_dir(follow_symlinks=False):
                    folders.append(name)
                elif (verdict := self._territory.names.judge(parent, name)) is not NameVerdict.IGNORED:
                    with contextlib.suppress(FileNotFoundError):
                        status = item.stat(follow_symlinks=False)
                        entries.append(_entry(self._territory, parent, folder, name, status, verdict))
        return entries, folders


def look(territory: Territory, keys: Sequence[Key]) -> tuple[list[tuple[bytes, Entry]], list[bytes]]:
    """Single files that something was said to have happened to, with their parents; and those that are folders."""
    entries: list[tuple[bytes, Entry]] = []
    folders: list[bytes] = []
    for parent, names in by_parent(keys).items():
        # Gone again, or an unreadable parent: the next walk says so.
        with contextlib.suppress(OSError), opened(territory.root, parent) as folder:
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    status = os.lstat(name, dir_fd=folder)
                    if stat.S_ISDIR(status.st_mode):
                        if territory.holds(joined(parent, name)):
                            folders.append(joined(parent, name))
                    elif (verdict := territory.judge(parent, name)) is not NameVerdict.IGNORED:
                        entries.append((parent, _entry(territory, parent, folder, name, status, verdict)))
    return entries, folders


def _outermost(folders: Sequence[bytes]) -> list[bytes]:
    """Without those that are below another one: a walk comes to them anyway."""
    kept: set[bytes] = set()
    for folder in sorted(set(folders)):
        above = folder
        while above and above not in kept:
            above = above.rpartition(b"/")[0]
        if above not in kept:
            kept.add(folder)
    return list(kept)


def by_parent(keys: Iterable[Key]) -> dict[bytes, list[bytes]]:
    """The names in each folder, so that it need be opened only once."""
    grouped: dict[bytes, list[bytes]] = {}
    for parent, name in keys:
        grouped.setdefault(parent, []).append(name)
    return grouped


def _plain(version: Version) -> tuple[int, int, int]:
    return version.inode, version.size, version.mtime_ns


def _entry(
    territory: Territory, parent: bytes, folder: int, name: bytes, status: os.stat_result, verdict: NameVerdict
) -> Entry:
    """`folder` is a descriptor of the file's parent."""
    refusal = None
    if verdict is NameVerdict.PLAYLIST:
        refusal = "it is a playlist and holds no audio"
    elif stat.S_ISLNK(status.st_mode):
        refusal = _link_refusal(territory, parent, folder, name)
    elif not stat.S_ISREG(status.st_mode):
        kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        refusal = f"it is {kinds.get(stat.S_IFMT(status.st_mode), 'a device')}, not a file"
    return Entry(name, Version.of(status), refusal)


def _link_refusal(territory: Territory, parent: bytes, folder: int, name: bytes) -> str:
    # By the words of the link alone: what it leads to is not touched, since that may be anywhere, or hang.
    with contextlib.suppress(OSError):
        target = os.path.normpath(os.path.join(territory.path(parent), os.readlink(name, dir_fd=folder)))  # noqa: PTH118 - bytes
        if target.startswith(territory.path(b"")):
            return "it is a link; the file that it leads to is taken by its own name"
    return "it is a link that leads out of the folder"
