"""The ledger: every change of a job's state, committed with its event and published in order.

Owns: the one way in which states change and events get out. Leaves to others: which change (the scheduler and its
runs), and whether it is legal (`whisperd.jobs.transitions`).
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import anyio

from whisperd.errors import IllegalTransitionError, NotFoundError
from whisperd.events import Event, EventBus
from whisperd.jobs.transitions import Command
from whisperd.store import events, jobs
from whisperd.store.connection import Database
from whisperd.store.events import StoredEvent
from whisperd.store.jobs import JobChanges, JobRow, Transitioned

_log = logging.getLogger(__name__)

R = TypeVar("R")


class Ledger:
    """`database` is for reading besides; whoever writes a job's state goes through here."""

    def __init__(self, database: Database, bus: EventBus) -> None:
        self.database = database
        self._bus = bus
        self._turn = anyio.Lock()

    async def commit(self, change: Callable[[sqlite3.Connection], Sequence[Transitioned]]) -> list[JobRow]:
        """Commit changes with their events, then publish these: events get out in the order of their numbers."""

        def changed(connection: sqlite3.Connection) -> tuple[list[JobRow], list[StoredEvent]]:
            made = change(connection)
            return [one.job for one in made], [event for one in made for event in one.events]

        return await self.change(changed)

    async def change(self, change: Callable[[sqlite3.Connection], tuple[R, Sequence[StoredEvent]]]) -> R:
        """Commit any change that comes with the events that report it, then publish these; its result."""
        async with self._turn:
            result, told = await self.database.write(change)
            for event in told:
                self._bus.publish(Event(event.topic, event.at, event.data, event.seq, event.job, event.batch))
        return result

    async def transition(
        self, job_id: int, command: Command, *, reason: str | None = None, changes: JobChanges | None = None
    ) -> JobRow:
        """Raises NotFoundError, IllegalTransitionError."""
        now = time.time()
        [job] = await self.commit(lambda c: [jobs.transition(c, job_id, command, now, reason=reason, changes=changes)])
        return job

    async def transition_if_legal(
        self, job_id: int, command: Command, *, reason: str | None = None, changes: JobChanges | None = None
    ) -> JobRow | None:
        """A change by a run: one that comes after a person's command (cancelled, paused, deleted) is void, and None."""
        try:
            return await self.transition(job_id, command, reason=reason, changes=changes)
        except (IllegalTransitionError, NotFoundError) as error:
            _log.info("job %d: %s is void: %s", job_id, command.value, error.message)
        return None

    async def record(self, topic: str, data: dict[str, Any]) -> None:
        """Store and publish an event that belongs to no job."""
        now = time.time()
        async with self._turn:
            event = await self.database.write(lambda c: events.append(c, topic, data, None, now))
            self._bus.publish(Event(event.topic, event.at, event.data, seq=event.seq))
