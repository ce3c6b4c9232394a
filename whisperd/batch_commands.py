"""The commands that people give to batches.

Owns: carrying each out in one transaction with its events, and what it means for the items that are running. Leaves to
others: the rules (`whisperd.jobs.batches`), rows (`whisperd.store.batches`, `batch_items`), running items
(`whisperd.scheduler`). Items end by themselves; their batch ends with the last of them, in the same transaction.
"""

import sqlite3
import time
from collections.abc import Sequence

from whisperd.errors import RefusedError
from whisperd.job_commands import JobCommands
from whisperd.jobs.batches import BatchCommand, BatchState
from whisperd.jobs.job import Failure, Options, State
from whisperd.jobs.transitions import Command
from whisperd.ledger import Ledger
from whisperd.scheduler import Scheduler
from whisperd.store import batch_items, batches, jobs
from whisperd.store.batches import BatchRow
from whisperd.store.events import StoredEvent
from whisperd.store.jobs import JobRow, NewJob

Reference = int | str
"""A batch's id or name."""
New = Sequence[tuple[NewJob, Failure | None]]
"""Jobs to be added; one that has a failure already is born failed."""


class BatchCommands:
    """Every command raises NotFoundError for a batch that does not exist, and changes nothing where it raises."""

    def __init__(self, ledger: Ledger, scheduler: Scheduler, jobs: JobCommands) -> None:
        self._ledger = ledger
        self._scheduler = scheduler
        self._jobs = jobs

    async def create(self, name: str, concurrency: int, options: Options, new: New, *, start: bool) -> BatchRow:
        """A draft with these items, or a running batch. Raises RefusedError (name in use), QueueFullError."""
        now = time.time()

        def change(conn: sqlite3.Connection) -> tuple[BatchRow, list[StoredEvent]]:
            self._jobs.check_room(conn, len(new))
            batch, created = batches.create(conn, name, concurrency, options, now)
            _, told = batch_items.add(conn, batch, new, now)
            more = _command(conn, batch, BatchCommand.START, now) if start else []
            return batches.find(conn, batch.id), [created, *told, *more]

        batch = await self._ledger.change(change)
        self._scheduler.poke()
        return batch

    async def add(self, reference: Reference, new: New) -> list[JobRow]:
        """The items, in the order given; a finished batch runs again. Raises QueueFullError, RefusedError."""
        now = time.time()

        def change(conn: sqlite3.Connection) -> batch_items.Changed:
            self._jobs.check_room(conn, len(new))
            return batch_items.add(conn, batches.find(conn, reference), new, now)

        items = await self._ledger.change(change)
        self._scheduler.poke()
        return items

    async def remove(self, reference: Reference, job_id: int) -> JobRow:
        """The job, which is no item any more. Raises NotFoundError where it was none."""
        now = time.time()
        [job] = await self._ledger.change(lambda c: batch_items.remove(c, batches.find(c, reference), job_id, now))
        self._scheduler.abandon([job_id] if job.state is State.CANCELLED else [])
        self._scheduler.poke()
        return job

    async def change(self, reference: Reference, *, name: str | None, concurrency: int | None) -> BatchRow:
        """Raises RefusedError where an unfinished batch has that name."""
        now = time.time()

        def change(conn: sqlite3.Connection) -> tuple[BatchRow, list[StoredEvent]]:
            batch, told = batches.change(conn, batches.find(conn, reference), now, name=name, concurrency=concurrency)
            return batch, [told]

        batch = await self._ledger.change(change)
        self._scheduler.poke()
        return batch

    async def start(self, reference: Reference) -> BatchRow:
        """Raises IllegalTransitionError."""
        return await self._command(reference, BatchCommand.START)

    async def pause(self, reference: Reference) -> BatchRow:
        """Raises IllegalTransitionError. Running items end after their decoding batch, which is kept."""
        batch = await self._command(reference, BatchCommand.PAUSE)
        self._scheduler.give_way(await self._items(batch, State.RUNNING))
        return batch

    async def resume(self, reference: Reference) -> BatchRow:
        """Raises IllegalTransitionError. Items that were paused one by one stay so."""
        return await self._command(reference, BatchCommand.RESUME)

    async def cancel(self, reference: Reference) -> BatchRow:
        """Cancel what is not finished, and keep what is. Raises IllegalTransitionError."""
        now = time.time()

        def change(conn: sqlite3.Connection) -> tuple[tuple[BatchRow, list[JobRow]], list[StoredEvent]]:
            batch, told = batches.transition(conn, batches.find(conn, reference), BatchCommand.CANCEL, now)
            items, more = batch_items.cancel(conn, batch, now)
            return (batch, items), [told, *more]

        batch, items = await self._ledger.change(change)
        self._scheduler.abandon([item.id for item in items])
        self._scheduler.poke()
        return batch

    async def retry(self, reference: Reference, job_id: int) -> JobRow:
        """Queue an item again, at normal priority. Raises NotFoundError, IllegalTransitionError, RefusedError."""
        now = time.time()

        def change(conn: sqlite3.Connection) -> tuple[JobRow, Sequence[StoredEvent]]:
            batch_items.require(conn, batches.find(conn, reference), job_id)
            retried = jobs.transition(conn, job_id, Command.RETRY, now, reason="by command")
            return retried.job, retried.events

        job = await self._ledger.change(change)
        self._scheduler.poke()
        return job

    async def failed(self, reference: Reference) -> list[int]:
        """The items that have failed, in the order of their adding."""
        batch = await self._ledger.database.read(lambda c: batches.find(c, reference))
        return await self._items(batch, State.FAILED)

    async def delete(self, reference: Reference, *, with_transcripts: bool) -> None:
        """Remove a finished batch, or a draft, with its jobs. Raises RefusedError."""
        now = time.time()

        def change(conn: sqlite3.Connection) -> tuple[None, list[StoredEvent]]:
            batch = batches.find(conn, reference)
            ending = [job for job in batch_items.ids_in(conn, batch.id, State) if self._scheduler.is_running(job)]
            if ending:
                raise RefusedError(f"job {ending[0]} of batch {batch.id} is still ending", hint="try again in a moment")
            return None, batch_items.delete(conn, batch, now, with_transcripts=with_transcripts)

        await self._ledger.change(change)

    async def _command(self, reference: Reference, command: BatchCommand) -> BatchRow:
        now = time.time()

        def change(conn: sqlite3.Connection) -> tuple[BatchRow, list[StoredEvent]]:
            batch = batches.find(conn, reference)
            told = _command(conn, batch, command, now)
            return batches.find(conn, batch.id), told

        batch = await self._ledger.change(change)
        self._scheduler.poke()
        return batch

    async def _items(self, batch: BatchRow, state: State) -> list[int]:
        return await self._ledger.database.read(lambda c: batch_items.ids_in(c, batch.id, [state]))


def _command(conn: sqlite3.Connection, batch: BatchRow, command: BatchCommand, now: float) -> list[StoredEvent]:
    """Give the command; a batch all of whose items have ended already ends with it."""
    after, told = batches.transition(conn, batch, command, now)
    ends = batches.item_ended(conn, batch.id, now) if after.state is BatchState.RUNNING else []
    return [told, *ends]
