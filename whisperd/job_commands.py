"""The commands that people give to jobs.

Owns: carrying each out in one transaction with its events, what it means for a job that is running, and how many jobs
fit into the queue. Leaves to others: the rules (`whisperd.jobs.transitions`), rows (`whisperd.store.jobs`, `queue`),
when a job runs (`whisperd.scheduler`).
"""

import sqlite3
import time
from collections.abc import Callable, Sequence

from whisperd.config.current import Current
from whisperd.errors import QueueFullError, RefusedError
from whisperd.jobs.job import Failure
from whisperd.jobs.transitions import Command
from whisperd.ledger import Ledger
from whisperd.scheduler import Scheduler
from whisperd.store import jobs, queue
from whisperd.store.jobs import JobRow, NewJob, Transitioned


class JobCommands:
    """Every command raises NotFoundError for a job that does not exist, and changes nothing where it raises."""

    def __init__(self, ledger: Ledger, scheduler: Scheduler, current: Current) -> None:
        self._ledger = ledger
        self._scheduler = scheduler
        self._current = current

    async def submit(self, new: Sequence[tuple[NewJob, Failure | None]]) -> list[JobRow]:
        """Queue jobs in one transaction; on return they are durable. One that has a failure already is born failed.

        Raises QueueFullError when not all of them fit; then none is queued.
        """
        now = time.time()

        def insert_all(connection: sqlite3.Connection) -> list[Transitioned]:
            return [
                jobs.insert(connection, job, now)
                if failure is None
                else jobs.insert_failed(connection, job, failure, now)
                for job, failure in new
            ]

        return await self.admit(len(new), insert_all)

    async def admit(self, count: int, insert: Callable[[sqlite3.Connection], list[Transitioned]]) -> list[JobRow]:
        """Let `insert` queue up to `count` jobs, with whatever belongs to them, in one transaction.

        Raises QueueFullError when not all of them fit; then nothing is changed.
        """

        def insert_where_they_fit(connection: sqlite3.Connection) -> list[Transitioned]:
            self.check_room(connection, count)
            return insert(connection)

        rows = await self._ledger.commit(insert_where_they_fit)
        self._scheduler.tell_runs(rows)
        self._scheduler.poke()
        return rows

    def check_room(self, connection: sqlite3.Connection, more: int) -> None:
        """Raises QueueFullError when the queue can't take so many jobs more."""
        unfinished = sum(count for state, count in jobs.counts(connection).items() if not state.final)
        limit = self._current.settings.queue.max_length
        if unfinished + more > limit:
            raise QueueFullError(
                f"the queue holds {unfinished} of at most {limit} jobs; {more} more do not fit, so none was queued",
                hint="wait, cancel some, or raise queue.max_length in the configuration",
            )

    async def pause(self, job_id: int) -> JobRow:
        """Raises NotFoundError, IllegalTransitionError. A running job ends after its batch, which is kept."""
        job = await self._command(job_id, Command.PAUSE)
        self._scheduler.give_way([job_id])
        return job

    async def resume(self, job_id: int) -> JobRow:
        """Raises NotFoundError, IllegalTransitionError."""
        return await self._command(job_id, Command.RESUME)

    async def cancel(self, job_id: int) -> JobRow:
        """Raises NotFoundError, IllegalTransitionError. A running job's batch is thrown away at once."""
        job = await self._command(job_id, Command.CANCEL)
        self._scheduler.abandon([job_id])
        return job

    async def retry(self, job_id: int) -> JobRow:
        """Raises NotFoundError, IllegalTransitionError."""
        return await self._command(job_id, Command.RETRY)

    async def move(self, job_id: int, place: int) -> JobRow:
        """Put a queued job at a place (1 is the first) of its class. Raises NotFoundError, RefusedError."""
        now = time.time()
        [job] = await self._ledger.commit(lambda c: [queue.move(c, job_id, place, now)])
        self._scheduler.poke()
        return job

    async def delete(self, job_id: int) -> None:
        """Remove a finished job with its transcript. Raises NotFoundError, RefusedError."""
        if self._scheduler.is_running(job_id):
            raise RefusedError(f"job {job_id} is still ending", hint="try again in a moment")
        await self._ledger.database.write(lambda c: queue.delete(c, job_id))

    async def clear(self) -> int:
        """Remove the rows of finished jobs, never their transcripts; how many there were."""
        return await self._ledger.database.write(queue.clear)

    async def _command(self, job_id: int, command: Command) -> JobRow:
        job = await self._ledger.transition(job_id, command, reason="by command")
        self._scheduler.poke()
        return job
