"""A folder's own thread for everything that touches its disk, with a deadline on each call.

Owns: that a file system which hangs holds up its own folder only, and that calls do not pile up behind one that hangs.
Leaves to others: what is called (`scanner`, `tending`).
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, TypeVar

import anyio

from whisperd.store.thread import SerialThread

T = TypeVar("T")

DEADLINE: Final = 30.0
"""Seconds for one call; a walk hands over what it has long before."""


class UnresponsiveError(Exception):
    """The file system has not answered in time; the call may still be going on."""


class Disk:
    """Calls functions in a thread of its own, one at a time. For one event loop."""

    def __init__(self) -> None:
        self._thread = SerialThread("drop-folder")
        self._turn = anyio.Lock()
        self._idle = anyio.Event()
        self._idle.set()

    async def call(self, function: Callable[[], T], deadline: float = DEADLINE) -> T:
        """The function's result, or its exception. Raises UnresponsiveError after `deadline` seconds."""
        loop = asyncio.get_running_loop()
        try:
            with anyio.fail_after(deadline):
                async with self._turn:
                    await self._idle.wait()  # for an abandoned call that still hangs
                    self._idle = idle = anyio.Event()

                    def work() -> T:
                        try:
                            return function()
                        finally:
                            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                                loop.call_soon_threadsafe(idle.set)

                    return await self._thread.call(work)
        except TimeoutError:
            raise UnresponsiveError(f"the file system has not answered for {deadline:.0f} s") from None

    def end(self) -> None:
        """Let the thread end after what it is doing."""
        self._thread.end()
