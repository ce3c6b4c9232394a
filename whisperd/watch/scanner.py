"""Looking at a folder: which files are in it, and how each of them is.

Owns: every system call on watched files. Leaves to others: what is known of them (`whisperd.store.watch`), the rules on
names, finished files and what they lead to. Everything here blocks and runs in a folder's own thread (`disk`); names
are bytes. No content is read.
"""

import errno
import os
import stat
import time
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from whisperd.jobs.version import Version
from whisperd.printable import printable
from whisperd.watch.finished import Finished, Observation, Settling, observe
from whisperd.watch.lease import is_open_for_writing
from whisperd.watch.names import NameRules, NameVerdict, joined

BATCH_SECONDS: Final = 0.25
"""Seconds after which a walk hands over what it has, so that nobody waits long for the thread."""

BATCH_FILES: Final = 5_000
"""Files in changed folders after which it does so too, for the sake of memory."""

UNREADABLE_RECHECK: Final = 60.0
"""Seconds between two tries to open a file that may not be read: nothing tells that its permissions changed."""

Key = tuple[bytes, bytes]
"""A file in a folder: the path of its parent inside it (empty at the top), and its name."""


class Entry(msgspec.Struct, frozen=True):
    """A file with a wanted name. `refusal` says why it can't be taken whatever happens; None for a plain file."""

    name: bytes
    version: Version
    refusal: str | None = None


class Facts(msgspec.Struct, frozen=True):
    """A folder as it was listed: its modification time, and a sum over its files by which a change shows."""

    mtime_ns: int
    sum: int


class Listing(msgspec.Struct, frozen=True):
    """A folder inside the watched one whose files may have changed. `trouble`: why it could not be listed."""

    parent: bytes
    entries: tuple[Entry, ...] = ()
    facts: Facts | None = None
    trouble: str | None = None


class Place(msgspec.Struct, frozen=True):
    """Where to look and by which rules: the root, and absolute paths inside it that are not entered (other watched
    folders, trees of output)."""

    root: bytes
    names: NameRules
    recursive: bool
    excluded: frozenset[bytes]


class Walk:
    """A walk through the folders in `start` and what is below them, a batch at a time.

    Of folders that are listed in `known`, those whose files show the same sum are left out of the result; with
    `only_changed`, those whose modification time is the same are not even listed (but what is below them is not looked
    for then: `start` names all).
    """

    def __init__(
        self, place: Place, known: Mapping[bytes, Facts], start: Sequence[bytes] = (b"",), *, only_changed: bool = False
    ) -> None:
        self._place = place
        self._known = known
        self._only_changed = only_changed
        self._stack = list(reversed(start))
        self._seen: set[bytes] = set()
        self.vanished: list[bytes] = []
        """Folders of `known` that are no longer there."""

    @property
    def done(self) -> bool:
        return not self._stack

    def batch(self) -> list[Listing]:
        """The next listings. Raises OSError for the root only."""
        end = time.monotonic() + BATCH_SECONDS
        listings: list[Listing] = []
        files = 0
        while self._stack and files < BATCH_FILES and time.monotonic() < end:
            parent = self._stack.pop()
            if parent not in self._seen:
                self._seen.add(parent)
                if (listing := self._look(parent)) is not None:
                    listings.append(listing)
                    files += len(listing.entries)
        return listings

    def _look(self, parent: bytes) -> Listing | None:
        path = os.path.join(self._place.root, parent)  # noqa: PTH118 - bytes
        known = self._known.get(parent)
        try:
            mtime_ns = os.stat(path).st_mtime_ns  # noqa: PTH116
            if self._only_changed and known is not None and known.mtime_ns == mtime_ns:
                return None
            entries, folders = self._list(parent, path)
        except OSError as error:
            if not parent:
                raise
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                self.vanished.append(parent)
                return None
            return Listing(parent, trouble=f"can't look into {printable(os.fsdecode(parent))}: {error.strerror}")
        if self._place.recursive:
            new = [folder for folder in folders if not self._only_changed or folder not in self._known]
            self._stack += reversed(new)
        facts = Facts(mtime_ns, sum(hash((entry.name, _plain(entry.version))) for entry in entries))
        if known is not None and known.sum == facts.sum:
            return None
        return Listing(parent, tuple(entries), facts)

    def _list(self, parent: bytes, path: bytes) -> tuple[list[Entry], list[bytes]]:
        entries: list[Entry] = []
        folders: list[bytes] = []
        with os.scandir(path) as found:
            for item in found:
                if item.is_dir(follow_symlinks=False):
                    inside = joined(parent, item.name)
                    if self._place.names.enters(parent, item.name) and item.path not in self._place.excluded:
                        folders.append(inside)
                elif (verdict := self._place.names.judge(parent, item.name)) is not NameVerdict.IGNORED:
                    try:
                        status = item.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    entries.append(_entry(self._place.root, item.path, item.name, status, verdict))
        return entries, sorted(folders)


def look(place: Place, keys: Sequence[Key]) -> tuple[list[tuple[bytes, Entry]], list[bytes]]:
    """Single files that something was said to have happened to, with their parents; and those that are folders."""
    entries: list[tuple[bytes, Entry]] = []
    folders: list[bytes] = []
    for parent, name in keys:
        path = os.path.join(place.root, parent, name)  # noqa: PTH118
        try:
            status = os.lstat(path)
        except OSError:
            continue  # gone again, or an unreadable parent: the next walk says so
        if stat.S_ISDIR(status.st_mode):
            if place.names.enters(parent, name) and path not in place.excluded:
                folders.append(joined(parent, name))
        elif (verdict := place.names.judge(parent, name)) is not NameVerdict.IGNORED:
            entries.append((parent, _entry(place.root, path, name, status, verdict)))
    return entries, folders


def _plain(version: Version) -> tuple[int, int, int]:
    return version.inode, version.size, version.mtime_ns


def _entry(root: bytes, path: bytes, name: bytes, status: os.stat_result, verdict: NameVerdict) -> Entry:
    return Entry(name, Version.of(status), _refusal(root, path, status, verdict))


def _refusal(root: bytes, path: bytes, status: os.stat_result, verdict: NameVerdict) -> str | None:
    if verdict is NameVerdict.PLAYLIST:
        return "it is a playlist and holds no audio"
    if stat.S_ISLNK(status.st_mode):
        target = os.path.realpath(path)
        if target.startswith(os.path.realpath(root) + b"/"):
            return "it is a link; the file that it leads to is taken by its own name"
        return "it is a link that leads out of the folder"
    kinds = {stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket", stat.S_ISCHR: "a device", stat.S_ISBLK: "a device"}
    return next((f"it is {kind}, not a file" for matches, kind in kinds.items() if matches(status.st_mode)), None)


# -- is it finished? --------------------------------------------------------------------------------------------------


class Candidate(msgspec.Struct, frozen=True):
    """A file to be looked at again, what it was after the last look, and where its transcripts would be."""

    key: Key
    before: Settling | None
    outputs: tuple[bytes, ...] = ()


class Inspected(msgspec.Struct, frozen=True):
    """What a look came to: None for a file that is gone. `transcribed`: all its outputs are there."""

    key: Key
    after: Settling | Finished | None
    refusal: str | None = None
    transcribed: bool = False


def inspect(root: bytes, candidates: Sequence[Candidate], settle: float, *, remote: bool) -> list[Inspected]:
    """Look at each once more. `remote`: the file system's clock and its files' writers are not this machine's."""
    return [_inspect(root, candidate, settle, remote=remote) for candidate in candidates]


def _inspect(root: bytes, candidate: Candidate, settle: float, *, remote: bool) -> Inspected:
    path = os.path.join(root, *candidate.key)  # noqa: PTH118
    try:
        status = os.lstat(path)
    except OSError:
        return Inspected(candidate.key, None)
    if not stat.S_ISREG(status.st_mode):
        return Inspected(candidate.key, None)  # it became something else, which the next walk judges
    version = Version.of(status)
    # A change of anything, times included, sets the change time, which nobody can set; a copied file's modification
    # time is that of the original.
    age = None if remote else time.time() - max(status.st_ctime, status.st_mtime)
    unwritten = Observation(version, time.monotonic(), age, written=False)
    after = observe(candidate.before, unwritten, settle)
    if isinstance(after, Settling):  # not yet: spared the opening
        return Inspected(candidate.key, after)
    if not status.st_size:
        return Inspected(candidate.key, after, refusal="it is empty")
    try:
        written = None if remote else is_open_for_writing(path)
    except PermissionError:
        due = unwritten.at + UNREADABLE_RECHECK
        return Inspected(candidate.key, Settling(version, unwritten.at, 0, due, "it may not be read"))
    except OSError:
        return Inspected(candidate.key, None)
    after = observe(candidate.before, msgspec.structs.replace(unwritten, written=written), settle)
    transcribed = bool(candidate.outputs) and all(map(os.path.exists, candidate.outputs))
    return Inspected(candidate.key, after, transcribed=transcribed)


def still_there(paths: Sequence[tuple[bytes, Version]]) -> list[bool]:
    """Whether each path still leads to that very file."""
    return [_is_at(path, version) for path, version in paths]


def _is_at(path: bytes, version: Version) -> bool:
    try:
        found = Version.of(os.lstat(path))
    except OSError:
        return False
    return (found.device, found.inode) == (version.device, version.inode)
