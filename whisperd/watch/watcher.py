"""The kernel's word on what changes in watched folders: hints, never more.

Owns: one watcher for all folders of a kind (watchfiles, inotify), started again after every failure. Leaves to others:
looking at what a hint names, and the scans that find what no hint told of (`folder`): events are lost when many come at
once (measured: 5,462 of 20,000, without an error), and a name that is not UTF-8 ends the watch.

Setting up a watch walks through all folders, and `awatch` would do it on the event loop: so the backend is used
directly, as watchfiles documents, in a thread of its own.
"""

import logging
import os
import threading
from collections.abc import Mapping
from typing import Final, Protocol

import anyio
from watchfiles._rust_notify import RustNotify

from whisperd.printable import printable
from whisperd.store.thread import SerialThread
from whisperd.watch.scanner import Key

_log = logging.getLogger(__name__)

STEP_MS: Final = 250
"""Milliseconds between two looks at the kernel's queue: each wakes a thread, and latency is the settle time anyway."""

DEBOUNCE_MS: Final = 1_000
"""Milliseconds at most for which events are gathered while more come."""

TIMEOUT_MS: Final = 60_000
"""Milliseconds without any event after which the wait begins anew; it is ended sooner by a flag."""

MANY: Final = 2_000
"""Events at once after which some are taken to be lost."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds before a failed watcher is started again, doubled each time up to this."""


class Listener(Protocol):
    """Who is told of a folder."""

    def hint(self, keys: set[Key]) -> None:
        """Something happened to these files."""

    def lost(self, trouble: str | None) -> None:
        """Any number of hints may be lost: only a full scan tells. `trouble`: why none come at present."""

    def restored(self) -> None:
        """Hints come from now on."""


class Watcher:
    """Watches the folders that are registered, all of them recursively or none."""

    def __init__(self, *, recursive: bool) -> None:
        self._recursive = recursive
        self._listeners: dict[bytes, Listener] = {}
        self._changed = anyio.Event()

    def register(self, root: bytes, listener: Listener) -> None:
        """`root` is an existing folder without links in its path."""
        if self._listeners.get(root) is not listener:
            self._listeners[root] = listener
            self._changed.set()

    def unregister(self, root: bytes, listener: Listener) -> None:
        if self._listeners.get(root) is listener:
            del self._listeners[root]
            self._changed.set()

    async def run(self) -> None:
        """Watch until cancelled; never fails."""
        pause = FIRST_PAUSE
        while True:
            self._changed = anyio.Event()
            listeners = {root: listener for root, listener in self._listeners.items() if _is_utf8(root)}
            for root in self._listeners.keys() - listeners.keys():
                self._listeners[root].lost("its path is not UTF-8")
            try:
                if listeners:
                    await self._watch(listeners)
                    pause = FIRST_PAUSE
                else:
                    await self._changed.wait()
            except* (OSError, RuntimeError, ValueError) as errors:
                _log.info("watching begins anew: %s", printable(str(errors.exceptions[0])))
                for listener in listeners.values():
                    listener.lost(_trouble(errors.exceptions[0]))
                with anyio.move_on_after(pause):
                    await self._changed.wait()
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _watch(self, listeners: Mapping[bytes, Listener]) -> None:
        """Hand out hints until the registered folders change."""
        paths = [os.fsdecode(root) for root in listeners]
        thread, stop = SerialThread("drop-folder-events"), threading.Event()
        try:
            notify = await thread.call(lambda: RustNotify(paths, False, False, 0, self._recursive, True))
            for listener in listeners.values():
                listener.restored()
            async with anyio.create_task_group() as group:
                group.start_soon(self._stop_on_change, stop)
                while not self._changed.is_set():
                    found = await thread.call(lambda: notify.watch(DEBOUNCE_MS, STEP_MS, TIMEOUT_MS, stop))
                    if isinstance(found, set):
                        _hand_out([os.fsencode(path) for _, path in found], listeners)
        finally:
            stop.set()
            thread.end()

    async def _stop_on_change(self, stop: threading.Event) -> None:
        await self._changed.wait()
        stop.set()


def _hand_out(paths: list[bytes], listeners: Mapping[bytes, Listener]) -> None:
    if len(paths) >= MANY:
        for listener in listeners.values():
            listener.lost(None)
        return
    for root, listener in listeners.items():
        prefix = root.rstrip(b"/") + b"/"
        inside = (path[len(prefix) :].rpartition(b"/") for path in paths if path.startswith(prefix))
        if keys := {(parent, name) for parent, _, name in inside}:
            listener.hint(keys)


def _trouble(error: BaseException) -> str | None:
    """Why the watch can't be had at all; None where it can, and only this one ended."""
    text = str(error)
    if "OS file watch limit" in text or "No space left" in text:
        return "the kernel's limit of watched folders is reached (fs.inotify.max_user_watches)"
    return None


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True
