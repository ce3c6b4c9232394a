"""Use cases of `queue.*`: pause, resume, clear.

Owns: what each answers. Leaves to others: the switch (the scheduler) and the rows (`whisperd.job_commands`).
"""

from collections.abc import Mapping

from whisperd.api.handler import Handler
from whisperd.api.views import queue_counts
from whisperd.job_commands import JobCommands
from whisperd.scheduler import Scheduler
from whisperd.store import jobs
from whisperd.store.connection import Database
from whisperd.wire import names
from whisperd.wire.job import QueueClearResult, QueueResult
from whisperd.wire.types import Empty


class QueueApi:
    def __init__(self, database: Database, scheduler: Scheduler, commands: JobCommands) -> None:
        self._database = database
        self._scheduler = scheduler
        self._commands = commands

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.QUEUE_PAUSE: self.pause,
            names.QUEUE_RESUME: self.resume,
            names.QUEUE_CLEAR: self.clear,
        }

    async def pause(self, _params: Empty) -> QueueResult:
        await self._scheduler.pause_queue(paused=True)
        return await self._result()

    async def resume(self, _params: Empty) -> QueueResult:
        await self._scheduler.pause_queue(paused=False)
        return await self._result()

    async def clear(self, _params: Empty) -> QueueClearResult:
        return QueueClearResult(await self._commands.clear())

    async def _result(self) -> QueueResult:
        counts = await self._database.read(jobs.counts)
        return QueueResult(self._scheduler.paused, queue_counts(counts))
