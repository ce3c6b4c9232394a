"""What the answers that nobody has read yet may cost, over all connections.

Owns: how many large answers are made at once, and the bytes of those that wait to be taken: a client that asks for page
after page and reads none would otherwise have them all kept for it. Leaves to others: which methods answer so much
(`whisperd.wire.methods`), and sending (`connection`).
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import Final

import anyio

from whisperd.errors import TooManyRequestsError

SMALL: Final = 16 * 1024
"""Bytes of an answer that is made whatever others leave unread, such as a ping's."""


class Budget:
    """For all connections. `total`: bytes of unread answers; `each`: of one message of a connection; `at_once`: large
    answers that are made side by side."""

    def __init__(self, total: int, each: int, at_once: int) -> None:
        self.total = total
        self.each = each
        self.making = anyio.Semaphore(at_once)
        self.held = 0


class Allowance:
    """One connection's part of it."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.turn = anyio.Lock()
        self._unread: set[Share] = set()
        self._read = anyio.Event()

    @contextlib.asynccontextmanager
    async def share(self) -> AsyncGenerator["Share"]:
        """What one message's answers take, until they are sent."""
        share = Share(self)
        try:
            yield share
        finally:
            self.budget.held -= share.held
            self._unread.discard(share)
            self._read.set()

    async def read_by_then(self, share: "Share") -> None:
        """Wait until the client has taken the large answers that were made before."""
        while self._unread - {share}:
            self._read = anyio.Event()
            await self._read.wait()

    def note(self, share: "Share") -> None:
        """It holds a large answer."""
        self._unread.add(share)


class Share:
    """The answers to one message that are not sent yet; `held` is their bytes."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self.held = 0

    @contextlib.asynccontextmanager
    async def making(self) -> AsyncGenerator[None]:
        """While a large answer is made: in the connection's turn, once those before are read, and few of all."""
        allowance = self._allowance
        async with allowance.turn:
            await allowance.read_by_then(self)
            async with allowance.budget.making:
                yield
            allowance.note(self)

    def take(self, size: int) -> None:
        """Hold an answer of so many bytes. Raises TooManyRequestsError where that would be too much."""
        budget = self._allowance.budget
        too_much = (self.held and self.held + size > budget.each) or (budget.held and budget.held + size > budget.total)
        if too_much and size > SMALL:
            raise TooManyRequestsError(
                f"answers of {budget.held >> 20} MB wait to be read", hint="read them, or ask for smaller pages"
            )
        self.held += size
        budget.held += size
