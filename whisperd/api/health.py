"""Use cases of `daemon.health`, `daemon.stats` and `daemon.metrics`, and telling when health changes.

Owns: looking at everything that the rule needs, and what each method answers. Leaves to others: the rule
(`whisperd.health`), the queries (`whisperd.store.figures`), Prometheus's format (`whisperd.prometheus`).
"""

import datetime
import logging
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from whisperd import __version__, storage
from whisperd.api.doctor import LOST
from whisperd.api.handler import Handler
from whisperd.config.current import Current
from whisperd.errors import DatabaseError, DiskFullError, ModelNotFoundError
from whisperd.events import EventBus
from whisperd.health import Level, Reason, Sight, judge, overall
from whisperd.jobs.job import Kind, Options, Priority
from whisperd.ledger import Ledger
from whisperd.models.engine import resolve_engine, resolve_options
from whisperd.printable import printable
from whisperd.prometheus import CONTENT_TYPE, Metric, exposition
from whisperd.reload import Reloader
from whisperd.scheduler import Scheduler
from whisperd.store import figures, jobs, queue
from whisperd.store.figures import Figures, Grouping
from whisperd.watch.service import WatchService
from whisperd.wire import names
from whisperd.wire.health import (
    FiguresView,
    HealthReason,
    HealthResult,
    MetricsResult,
    StatsParams,
    StatsResult,
    StorageView,
)
from whisperd.wire.types import Empty
from whisperd.workers.lane import Lane, LaneState
from whisperd.workers.process import resident_memory

_log = logging.getLogger(__name__)

INTERVAL: Final = 30.0
"""Seconds between two looks: that a wait has become long, or a disk full, is no event."""

SPACING: Final = 1.0
"""Seconds between two looks, however much happens."""

_CHANGERS: Final = (names.TOPIC_CONFIG_STATE, names.TOPIC_QUEUE_STATE, names.TOPIC_WATCH_STATE, names.TOPIC_MODEL_STATE)
"""Events after which health is looked at without waiting for the next time."""

LOOK_DEADLINE: Final = 5.0
"""Seconds to look at the state folder, whose disk may hang."""

_LEVELS: Final = {Level.OK: 0, Level.DEGRADED: 1, Level.FAILING: 2}


class HealthApi:
    """`damage` tells of a database that was found damaged and replaced since the daemon started."""

    def __init__(
        self,
        ledger: Ledger,
        bus: EventBus,
        scheduler: Scheduler,
        watching: WatchService,
        reloader: Reloader,
        current: Current,
        state_dir: Path,
        damage: str | None,
    ) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._bus = bus
        self._scheduler = scheduler
        self._watching = watching
        self._reloader = reloader
        self._current = current
        self._state_dir = state_dir
        self._damage = damage
        self._started_at = time.time()
        self._gone_since: dict[str, float] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.DAEMON_HEALTH: self.health,
            names.DAEMON_STATS: self.stats,
            names.DAEMON_METRICS: self.metrics,
        }

    # -- health -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Record a `health.state` event whenever the state or what is wrong changes, until cancelled."""
        told: tuple[Level, list[str]] = (Level.OK, [])
        while True:
            reasons = await self._reasons()
            news = (overall(reasons), sorted(reason.kind for reason in reasons))
            if news != told:
                told = news
                _log.info("health is %s", news[0].value, extra={"reasons": news[1]})
                result = _result(reasons)
                data = {
                    "state": result.state,
                    "reasons": [{"kind": r.kind, "level": r.level, "message": r.message} for r in result.reasons],
                }
                try:
                    await self._ledger.record(names.TOPIC_HEALTH_STATE, data)
                except (DatabaseError, DiskFullError):
                    told = (Level.OK, [])  # to be told once that is possible again
            with self._bus.subscribe(topics=_CHANGERS) as news, anyio.move_on_after(INTERVAL):
                await anext(news)
            await anyio.sleep(SPACING)

    async def health(self, _params: Empty) -> HealthResult:
        return _result(await self._reasons())

    async def _reasons(self) -> list[Reason]:
        return judge(await self._look(), self._current.settings.health)

    async def _look(self) -> Sight:
        settings = self._current.settings
        now = time.time()
        trouble = self._scheduler.trouble

        def look(conn: sqlite3.Connection) -> tuple[int, float | None, list[Figures]]:
            waiting = queue.startable(conn).get(Priority.NORMAL, 0)
            since = now - settings.health.window
            return waiting, figures.head_queued_at(conn, Priority.NORMAL), figures.since(conn, since, Grouping.ALL)

        try:
            queued, head, found = await self._database.read(look)
        except DatabaseError as error:
            queued, head, found, trouble = 0, None, [], trouble or error.message
        recent = found[0] if found else Figures("all")
        used = await self._storage()
        held = Priority.NORMAL not in self._scheduler.allowed
        return Sight(
            queued=queued,
            longest_wait=None if head is None or held else max(0.0, now - head),
            completed=recent.jobs,
            failed=recent.failures,
            duration=recent.audio,
            processing_time=recent.processing_time,
            workers_gone=self._gone(),
            disk_free=used.free if used else None,
            disk_floor=settings.queue.disk_floor,
            no_model=await self._no_model(),
            lost_folders=tuple(
                (printable(os.fsdecode(folder.row.path)), folder.reason or folder.state.value)
                for folder in self._watching.folders
                if folder.state in LOST
            ),
            untold_folders=tuple(
                (printable(os.fsdecode(folder.row.path)), folder.untold)
                for folder in self._watching.folders
                if folder.untold is not None
            ),
            database=trouble,
            damage=self._damage,
            config_error=self._reloader.error,
        )

    def _gone(self) -> tuple[tuple[str, float, str], ...]:
        """The lanes whose process can't be started, for how many seconds, and why."""
        now = anyio.current_time()
        gone = {lane.name: lane for lane in self._scheduler.lanes if _is_gone(lane)}
        self._gone_since = {name: self._gone_since.get(name, now) for name in gone}
        return tuple((name, now - self._gone_since[name], lane.error or "") for name, lane in gone.items())

    async def _no_model(self) -> str | None:
        settings = self._current.settings
        for kind in (Kind.DICTATION, Kind.FILE):
            try:
                await resolve_engine(kind, resolve_options(kind, Options(), settings), settings, self._state_dir)
            except ModelNotFoundError as error:
                return f"{kind.value} work has no model: {error.message}"
        return None

    async def _storage(self) -> storage.Storage | None:
        with anyio.move_on_after(LOOK_DEADLINE):
            try:
                return await anyio.to_thread.run_sync(lambda: storage.measure(self._state_dir), abandon_on_cancel=True)
            except OSError as error:
                _log.warning("the state folder can't be looked at: %s", error.strerror)
        return None

    # -- figures ------------------------------------------------------------------------------------------------------

    async def stats(self, params: StatsParams) -> StatsResult:
        today = datetime.datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        since = (today - datetime.timedelta(days=params.days - 1)).timestamp()

        def look(conn: sqlite3.Connection) -> dict[Grouping, list[Figures]]:
            return {grouping: figures.since(conn, since, grouping) for grouping in Grouping}

        found = await self._database.read(look)
        now = time.time()
        hours = (now - since) / 3600

        def view(group: Sequence[Figures]) -> list[FiguresView]:
            return [_figures_view(one, hours) for one in group]

        used = await self._storage() or storage.Storage(0, 0, 0, 0, 0)
        of_today = (now - today.timestamp()) / 3600
        days = [
            _figures_view(day, of_today if day.name == today.date().isoformat() else 24.0)
            for day in found[Grouping.DAY]
        ]
        return StatsResult(
            days=params.days,
            total=_figures_view((found[Grouping.ALL] or [Figures("all")])[0], hours),
            by_day=days,
            by_source=view(found[Grouping.SOURCE]),
            by_model=view(found[Grouping.MODEL]),
            storage=StorageView(used.database, used.backups, used.temporary, used.models, used.free),
        )

    async def metrics(self, _params: Empty) -> MetricsResult:
        return MetricsResult(CONTENT_TYPE, exposition(await self._metrics()))

    async def _metrics(self) -> list[Metric]:
        reasons = await self._reasons()
        counts = await self._database.read(jobs.counts)
        kept = await self._database.read(figures.transcripts)
        speeds = await self._database.read(figures.speeds)
        used = await self._storage()
        lanes = self._scheduler.lanes
        places = {name: getattr(used, name) for name in used.__struct_fields__} if used else {}

        def gauge(name: str, text: str, *samples: tuple[Mapping[str, str], float]) -> Metric:
            return Metric(f"whisperd_{name}", "gauge", text, samples)

        def by_source(number: int) -> list[tuple[Mapping[str, str], float]]:
            return [({"source": row[0], "model": row[1]}, float(row[number])) for row in kept]

        return [
            gauge("info", "The daemon's version.", ({"version": __version__}, 1)),
            gauge("start_time_seconds", "When the daemon started, in unix time.", ({}, self._started_at)),
            gauge("health", "0 ok, 1 degraded, 2 failing.", ({}, _LEVELS[overall(reasons)])),
            gauge("health_reason", "What is wrong: 1 for each.", *(({"kind": kind}, 1) for kind in _kinds(reasons))),
            gauge("jobs", "Jobs by state.", *(({"state": state.value}, count) for state, count in counts.items())),
            gauge("queue_paused", "Whether the queue is paused.", ({}, self._scheduler.paused)),
            gauge("worker_up", "Whether a lane's process runs.", *(({"lane": x.name}, bool(x.process)) for x in lanes)),
            gauge(
                "memory_bytes",
                "Resident memory by process.",
                ({"process": "daemon"}, resident_memory(os.getpid()) or 0),
                *(({"process": lane.name}, lane.memory or 0) for lane in lanes),
            ),
            gauge("storage_bytes", "What the state folder takes.", *(({"part": p}, n) for p, n in places.items())),
            gauge("transcripts", "Transcripts that are kept.", *by_source(2)),
            gauge("audio_seconds", "Seconds of audio in these transcripts.", *by_source(3)),
            gauge("processing_seconds", "Seconds of work in these transcripts.", *by_source(4)),
            gauge(
                "real_time_factor",
                "Measured seconds of work for a second of audio.",
                *(({"model": m, "device": d, "compute_type": c}, factor) for m, d, c, factor in speeds),
            ),
        ]


def _kinds(reasons: list[Reason]) -> list[str]:
    return sorted({reason.kind for reason in reasons})


def _is_gone(lane: Lane) -> bool:
    return lane.error is not None and lane.state in (LaneState.BROKEN, LaneState.STARTING)


def _result(reasons: list[Reason]) -> HealthResult:
    told = [HealthReason(reason.kind, reason.level.value, reason.message, reason.hint) for reason in reasons]
    return HealthResult(overall(reasons).value, told)


def _figures_view(one: Figures, hours: float) -> FiguresView:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 3)

    return FiguresView(
        name=one.name,
        jobs=one.jobs,
        failures=one.failures,
        jobs_per_hour=round(one.jobs / max(hours, 1 / 60), 3),
        audio=round(one.audio, 3),
        processing_time=round(one.processing_time, 3),
        real_time_factor=rounded(one.processing_time / one.audio) if one.audio else None,
        queue_wait=rounded(one.queue_wait),
        latency=rounded(one.latency),
        latency_p95=rounded(one.latency_p95),
        confidence=rounded(one.confidence),
    )
