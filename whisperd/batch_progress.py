"""How far batches are, told while they run.

Owns: a batch's figures as clients see them, and `batch.progress`: at most two a second for each batch, made when
something about its items has changed. Leaves to others: the arithmetic (`whisperd.jobs.batches`), the items' own events
(the ledger and the runner).
"""

import time

import anyio
import msgspec

from whisperd.errors import NotFoundError
from whisperd.events import COALESCE_INTERVAL, Event, EventBus, EventsLostError
from whisperd.jobs import batches as rules
from whisperd.jobs.job import State
from whisperd.live import LiveJobs
from whisperd.store import batches
from whisperd.store.batches import BatchRow
from whisperd.store.connection import Database
from whisperd.wire import names
from whisperd.wire.batch import BatchView
from whisperd.wire.job import QueueCounts
from whisperd.wire.times import iso8601


class BatchFigures:
    """Batches with their figures."""

    def __init__(self, database: Database, live: LiveJobs) -> None:
        self._database = database
        self._live = live

    async def view(self, batch: BatchRow) -> BatchView:
        totals = await self._database.read(lambda c: batches.totals(c, batch.id))
        speeds = [1 / live.speed for live in self._live.all() if live.speed]
        figures = rules.progress(totals, expected_factor=speeds[0] if speeds else None)
        return batch_view(batch, figures)

    async def by_id(self, batch_id: int) -> BatchView:
        """Raises NotFoundError."""
        return await self.view(await self._database.read(lambda c: batches.find(c, batch_id)))


def batch_view(batch: BatchRow, figures: rules.Progress) -> BatchView:
    """A batch as clients see it."""
    return BatchView(
        id=batch.id,
        name=batch.name,
        state=batch.state,
        concurrency=batch.concurrency,
        options=batch.options,
        total=figures.total,
        items=QueueCounts(**{state.value: figures.items[state] for state in State}),
        size=figures.size,
        progress=round(figures.progress, 4),
        done=round(figures.done, 3),
        duration=round(figures.duration, 3),
        estimated=figures.estimated,
        created_at=iso8601(batch.created_at),
        speed=_rounded(figures.speed, 2),
        megabytes_per_second=_rounded(figures.megabytes_per_second, 3),
        eta=_rounded(figures.eta, 1),
        started_at=None if batch.started_at is None else iso8601(batch.started_at),
        finished_at=None if batch.finished_at is None else iso8601(batch.finished_at),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


class BatchProgress:
    """Publishes `batch.progress` until its task is cancelled."""

    def __init__(self, bus: EventBus, figures: BatchFigures) -> None:
        self._bus = bus
        self._figures = figures

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except EventsLostError:
                continue  # what was lost is in the next figures

    async def _follow(self) -> None:
        topics = [names.TOPIC_JOB_PROGRESS, names.TOPIC_JOB_STATE]
        with self._bus.subscribe(topics) as changes:
            async for event in changes:
                changed = {event.batch}
                with anyio.move_on_after(COALESCE_INTERVAL):
                    async for further in changes:
                        changed.add(further.batch)
                for batch_id in changed - {None}:
                    await self._publish(batch_id)

    async def _publish(self, batch_id: int | None) -> None:
        assert batch_id is not None
        try:
            view = await self._figures.by_id(batch_id)
        except NotFoundError:
            return  # deleted meanwhile
        self._bus.publish(Event(names.TOPIC_BATCH_PROGRESS, time.time(), msgspec.to_builtins(view), batch=batch_id))
