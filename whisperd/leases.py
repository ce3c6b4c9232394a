"""Leases of the interactive lane: the right to one computation, for dictations, which are no jobs.

Owns: who waits for the lane, in order, and giving it to the first when the policy lets it start. Leaves to others: the
policy (`whisperd.jobs.policy`), the lanes (`whisperd.slots`), when to look (`whisperd.scheduler`).
"""

import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping

import anyio

from whisperd.jobs import policy
from whisperd.jobs.job import Priority
from whisperd.slots import Lease, Slots
from whisperd.workers.lane import Lane, WorkerStartError


class Leases:
    """`changed` is called whenever a lease was asked for or given back; it may call `grant`."""

    def __init__(self, slots: Slots, changed: Callable[[], None]) -> None:
        self._slots = slots
        self._changed = changed
        self._waiting: deque[Lease] = deque()

    @contextlib.asynccontextmanager
    async def take(self) -> AsyncGenerator[Lane]:
        """The interactive lane for one computation. Leases are granted in the order of asking."""
        lease = Lease()
        self._waiting.append(lease)
        self._changed()
        try:
            await lease.granted.wait()
            assert lease.slot is not None
            yield lease.slot.lane
        except WorkerStartError:
            if lease.slot is not None:
                lease.slot.leave_alone()
            raise
        finally:
            if lease.slot is None:
                self._waiting.remove(lease)
            else:
                lease.slot.lease = None
                lease.slot.idle_since = anyio.current_time()
            self._changed()

    def grant(self, allowed: frozenset[Priority]) -> None:
        """Give the lane to the first that waits for it, if it may have it now."""
        if not self._waiting:
            return
        for action in policy.decide(self.beside({}), allowed, self._slots.snapshots()):
            slot = self._slots[action.lane]
            if isinstance(action, policy.Start):
                self._waiting.popleft().grant(slot)
            else:
                slot.adjust(action)

    def beside(self, waiting: Mapping[Priority, int]) -> dict[Priority, int]:
        """The jobs that wait, by class, and the leases that do."""
        return {**waiting, Priority.INTERACTIVE: waiting.get(Priority.INTERACTIVE, 0) + len(self._waiting)}

    def __len__(self) -> int:
        return len(self._waiting)
