"""Looking at single files again: how each of them is by now.

Owns: what is read of a watched file, its header included, and that no link on the way to it is followed. Leaves to
others: finding files (`scanner`), when one is finished (`finished`), what a header promises (`promise`). Everything
here blocks and runs in a folder's own thread (`disk`); names are bytes.
"""

import os
import stat
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from whisperd.jobs.version import Version
from whisperd.watch import promise
from whisperd.watch.finished import Finished, Observation, Settling, observe
from whisperd.watch.lease import is_open_for_writing
from whisperd.watch.scanner import Key, by_parent, opened

UNREADABLE_RECHECK: Final = 60.0
"""Seconds between two tries to open a file that may not be read: nothing tells that its permissions changed."""


class Candidate(msgspec.Struct, frozen=True):
    """A file to be looked at again, what it was after the last look, and where its transcripts would be."""

    key: Key
    before: Settling | None
    outputs: tuple[bytes, ...] = ()


class Inspected(msgspec.Struct, frozen=True):
    """What a look came to: None for a file that is gone. `transcribed`: all its outputs are there. `linked`: it has
    other names besides."""

    key: Key
    after: Settling | Finished | None
    refusal: str | None = None
    transcribed: bool = False
    linked: bool = False


def inspect(root: bytes, candidates: Sequence[Candidate], settle: float, *, remote: bool) -> list[Inspected]:
    """Look at each once more. `remote`: the file system's clock and its files' writers are not this machine's."""
    by_key = {candidate.key: candidate for candidate in candidates}
    inspected: list[Inspected] = []
    for parent, names in by_parent(by_key).items():
        try:
            with opened(root, parent) as folder:
                inspected += [_inspect(folder, by_key[parent, name], settle, remote=remote) for name in names]
        except OSError:
            inspected += [Inspected((parent, name), None) for name in names]
    return inspected


def _inspect(folder: int, candidate: Candidate, settle: float, *, remote: bool) -> Inspected:
    key, name = candidate.key, candidate.key[1]
    try:
        status = os.lstat(name, dir_fd=folder)
    except OSError:
        return Inspected(key, None)
    if not stat.S_ISREG(status.st_mode):
        return Inspected(key, None)  # it became something else, which the next walk judges
    version = Version.of(status)
    # A change of anything, times included, sets the change time, which nobody can set; a copied file's modification
    # time is that of the original.
    age = None if remote else time.time() - max(status.st_ctime, status.st_mtime)
    seen = Observation(version, time.monotonic(), age, written=False)
    after = observe(candidate.before, seen, settle)
    if isinstance(after, Settling):  # not yet: spared the opening
        return Inspected(key, after)
    if not status.st_size:
        return Inspected(key, after, refusal="it is empty")
    try:
        seen = _with_content(seen, folder, name, remote=remote)
    except PermissionError:
        due = seen.at + UNREADABLE_RECHECK
        return Inspected(key, Settling(version, seen.at, 0, due, "it may not be read"))
    except OSError:
        return Inspected(key, None)
    after = observe(candidate.before, seen, settle)
    transcribed = bool(candidate.outputs) and all(map(os.path.exists, candidate.outputs))
    return Inspected(key, after, transcribed=transcribed, linked=status.st_nlink > 1)


def _with_content(seen: Observation, folder: int, name: bytes, *, remote: bool) -> Observation:
    """With what only opening the file tells. Raises OSError when it can't be opened."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        written = None if remote else is_open_for_writing(descriptor)
        promised = promise.promised_size(lambda at, count: os.pread(descriptor, count, at))
    finally:
        os.close(descriptor)
    missing = 0 if promised is None else promised - seen.version.size
    return msgspec.structs.replace(seen, written=written, missing=missing if missing > promise.SLACK else 0)


def still_there(root: bytes, files: Sequence[tuple[Key, Version]]) -> list[bool]:
    """Whether each name still leads to that very file."""
    return [_is_at(root, key, version) for key, version in files]


def _is_at(root: bytes, key: Key, version: Version) -> bool:
    try:
        with opened(root, key[0]) as folder:
            found = Version.of(os.lstat(key[1], dir_fd=folder))
    except OSError:
        return False
    return (found.device, found.inode) == (version.device, version.inode)
