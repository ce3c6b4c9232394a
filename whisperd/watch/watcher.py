"""The kernel's word on what changes in watched folders: hints, never more.

Owns: which folders are watched, one by one and never through a link, how many at most, and handing out what is told of
them. Leaves to others: finding the folders, which is the scans' work (`scanner`), looking at what a hint names, and
what no hint told of (`folder`).

A scan calls `enter` with each folder that it has opened, before it lists it: what happens there from then on is told,
what happened before is listed. A folder that moves keeps its watch until a scan enters it where it is now; until then
its hints name a place where nothing is found. Nothing here walks, and nothing waits for a disk in the event loop.
"""

import errno
import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

import anyio
import anyio.lowlevel
import msgspec

from whisperd.watch.inotify import IN_IGNORED, IN_MOVE_SELF, IN_Q_OVERFLOW, Event, Inotify
from whisperd.watch.scanner import Key

_log = logging.getLogger(__name__)

GATHER: Final = 0.25
"""Seconds for which events are left to gather, so that a burst is a few looks; latency is the settle time anyway."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds before the kernel is asked again for what it refused, doubled each time up to this."""

SHARE: Final = 0.5
"""Of the watches that the kernel allows a user's programs together, those that are used here: editors and file managers
need some too."""

MOST_WATCHED: Final = 20_000
"""Folders watched at most, whatever the kernel allows: each takes some 500 bytes here and 1 KB there."""

_LIMIT: Final = Path("/proc/sys/fs/inotify/max_user_watches")


class Listener(Protocol):
    """Who is told of a folder. Told in the event loop's thread."""

    def hint(self, keys: set[Key]) -> None:
        """Something happened to these files or folders."""

    def lost(self) -> None:
        """Any number of hints may be lost, or the folder itself may be: only a full scan tells."""


class _Watched(msgspec.Struct, frozen=True):
    """`round` is the listener's full scan in which the folder was entered last."""

    number: int
    round: int


class Watcher:
    """One for all watched folders of a service; `run` is its task, without which nothing is told."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most if most is not None else most_watched()
        self._inotify: Inotify | None = None
        self._refused = "the kernel has not been asked yet"
        self._lock = threading.Lock()
        self._owners: dict[int, tuple[Listener, bytes]] = {}
        self._folders: dict[Listener, dict[bytes, _Watched]] = {}
        self._rounds: dict[Listener, int] = {}

    # -- told by scans, in any thread ---------------------------------------------------------------------------------

    def begin_round(self, listener: Listener) -> None:
        """A full scan begins: what it does not enter is watched no longer when it ends."""
        with self._lock:
            self._rounds[listener] = self._rounds.get(listener, 0) + 1

    def end_round(self, listener: Listener) -> None:
        with self._lock:
            now = self._rounds.get(listener, 0)
            folders = self._folders.get(listener, {})
            for parent in [parent for parent, watched in folders.items() if watched.round < now]:
                self._forget(listener, parent)

    def enter(self, listener: Listener, parent: bytes, folder: int) -> str | None:
        """Watch the folder behind a descriptor, `parent` to the listener. Why not, in words; None when it is watched.

        Blocks while the file system does.
        """
        inotify = self._inotify
        if inotify is None:
            return self._refused
        with self._lock:
            known = self._folders.get(listener, {}).get(parent)
            if known is None and len(self._owners) >= self._most:
                return (
                    f"{self._most:,} folders are watched, which is as many as whisperd takes of the kernel's "
                    "fs.inotify.max_user_watches; the others are looked at now and then"
                )
        try:
            number = inotify.add(folder)
        except OSError as error:
            return _trouble(error)
        with self._lock:
            if listener not in self._rounds:  # it has left meanwhile
                if number not in self._owners:
                    inotify.remove(number)
                return None
            if known is not None and known.number != number:
                self._forget(listener, parent)
            owner = self._owners.get(number)
            if owner is not None and owner != (listener, parent):  # it was moved here
                self._folders[owner[0]].pop(owner[1], None)
            self._owners[number] = listener, parent
            self._folders.setdefault(listener, {})[parent] = _Watched(number, self._rounds[listener])
        return None

    def leave(self, listener: Listener) -> None:
        """Tell the listener nothing any more."""
        with self._lock:
            for parent in list(self._folders.get(listener, {})):
                self._forget(listener, parent)
            self._folders.pop(listener, None)
            self._rounds.pop(listener, None)

    def _forget(self, listener: Listener, parent: bytes) -> None:
        watched = self._folders[listener].pop(parent)
        if self._owners.get(watched.number) == (listener, parent):
            del self._owners[watched.number]
            if self._inotify is not None:
                self._inotify.remove(watched.number)

    # -- told by the kernel -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Hand out hints until cancelled; never fails."""
        inotify = await self._opened()
        try:
            while True:
                await anyio.wait_readable(inotify.descriptor)
                await anyio.sleep(GATHER)
                while events := inotify.read():
                    self._hand_out(events)
                    await anyio.lowlevel.checkpoint()
        finally:
            with self._lock:
                self._inotify = None
            inotify.close()

    async def _opened(self) -> Inotify:
        pause = FIRST_PAUSE
        while True:
            try:
                self._inotify = inotify = Inotify()
            except OSError as error:
                self._refused = _trouble(error)
                _log.warning("changes in folders are not told of: %s", self._refused)
                await anyio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                for listener in list(self._rounds):
                    listener.lost()
                return inotify

    def _hand_out(self, events: Iterable[Event]) -> None:
        hints: dict[Listener, set[Key]] = {}
        lost: set[Listener] = set()
        with self._lock:
            for event in events:
                if event.mask & IN_Q_OVERFLOW:
                    lost.update(self._rounds)
                    continue
                if (owner := self._owners.get(event.watch)) is None:
                    continue
                listener, parent = owner
                if event.mask & (IN_IGNORED | IN_MOVE_SELF):
                    self._forget(listener, parent)
                if event.name:
                    hints.setdefault(listener, set()).add((parent, event.name))
                elif parent:
                    above, _, name = parent.rpartition(b"/")
                    hints.setdefault(listener, set()).add((above, name))
                else:
                    lost.add(listener)
        for listener in lost:
            listener.lost()
        for listener in hints.keys() - lost:
            listener.hint(hints[listener])


def most_watched() -> int:
    """How many folders may be watched on this machine."""
    try:
        return min(MOST_WATCHED, int(int(_LIMIT.read_text()) * SHARE))
    except (OSError, ValueError):
        return MOST_WATCHED


def _trouble(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the kernel's limit of watched folders is reached (fs.inotify.max_user_watches)"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "the kernel's limit of watching programs is reached (fs.inotify.max_user_instances)"
    return f"the kernel does not tell of changes ({error.strerror})"
