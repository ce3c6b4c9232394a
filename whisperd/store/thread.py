"""A thread of its own for a database connection, called from the event loop.

Owns: running one function after the other in one thread and handing back results. Leaves to others: what the functions
do (`connection`).
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class SerialThread:
    """Runs functions one at a time, in the order given, all in the same thread.

    anyio's worker threads will not do: they end after ten idle seconds, and the interpreter waits for them at its end.
    This one is a daemon thread, so that a call which hangs on a dead disk holds up neither the loop nor the exit; a
    transaction that is cut off there is rolled back by SQLite at the next opening.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def call(self, function: Callable[[], T]) -> T:
        """The function's result, or its exception. Cancelling stops the wait, not the function."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = function()
            except BaseException as error:  # it is the caller's, whatever it is
                _hand_back(loop, answer, answer.set_exception, error)
            else:
                _hand_back(loop, answer, answer.set_result, result)

        self._calls.put(work)
        return await answer

    def end(self, last: Callable[[], None] | None = None) -> None:
        """Let the thread end once it has done what it was given, and `last` after it; nobody waits for that."""
        if last is not None:
            self._calls.put(last)
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # or its result would be kept alive until the next one


def _hand_back(
    loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Any]", settle: Callable[[Any], None], value: object
) -> None:
    def deliver() -> None:
        if not answer.done():
            settle(value)

    try:
        loop.call_soon_threadsafe(deliver)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return
