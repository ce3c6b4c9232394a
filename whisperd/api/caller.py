"""Who asks: the connection that a request came in on, for what is to end with it.

Owns: the callbacks that a connection runs when it is gone. Set by the connection (`whisperd.rpc.connection`) for all
that runs for it; a use case that holds something for its client registers there.
"""

from collections.abc import Callable
from contextvars import ContextVar


class Caller:
    """A client's connection, as far as use cases may know it."""

    def __init__(self) -> None:
        self._endings: list[Callable[[], None]] = []
        self._gone = False

    def at_end(self, ending: Callable[[], None]) -> None:
        """Have `ending` called once the client is gone; at once when it is. It must not block or raise."""
        if self._gone:
            ending()
        else:
            self._endings.append(ending)

    def end(self) -> None:
        self._gone = True
        while self._endings:
            self._endings.pop()()


current: ContextVar[Caller] = ContextVar("caller")
