"""Jobs as people see them: stored rows together with what only the running daemon knows.

Owns: gathering that (live progress, places, estimated starts, what holds a job). Leaves to others: the shape (`views`),
the arithmetic (`whisperd.jobs.estimates`).
"""

from collections.abc import Sequence

from whisperd.api.views import Situation, job_view
from whisperd.jobs import estimates
from whisperd.jobs.job import State
from whisperd.live import LiveJobs
from whisperd.scheduler import Scheduler
from whisperd.store import measurements, order
from whisperd.store.connection import Database
from whisperd.store.jobs import JobRow
from whisperd.wire.job import JobView


class Presenter:
    def __init__(self, database: Database, scheduler: Scheduler, live: LiveJobs) -> None:
        self._database = database
        self._scheduler = scheduler
        self._live = live

    async def views(self, rows: Sequence[JobRow]) -> list[JobView]:
        """The rows' views, in their order."""
        queued = [row.id for row in rows if row.state is State.QUEUED]
        places = await self._database.read(lambda c: order.places(c, queued)) if queued else {}
        typical = await self._database.read(measurements.typical_job) if places else None
        running = [live.eta for live in self._live.all() if live.eta is not None]
        return [job_view(row, self._situation(row, places.get(row.id), running, typical)) for row in rows]

    async def one(self, row: JobRow) -> JobView:
        [view] = await self.views([row])
        return view

    def _situation(self, row: JobRow, place: int | None, running: Sequence[float], typical: float | None) -> Situation:
        if row.state is State.RUNNING:
            return Situation(live=self._live.get(row.id))
        if row.state is not State.QUEUED:
            return Situation()
        hold = row.hold or self._scheduler.holds(row.priority)
        if hold is not None or place is None or typical is None:
            return Situation(place=place, hold=hold)
        return Situation(place=place, starts_in=estimates.starts_in(place, running, typical))
