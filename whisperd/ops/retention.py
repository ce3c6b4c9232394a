"""Removing what is over its time or its room: at start, every day, and when the limits have changed.

Owns: when that is done, and doing it in small transactions, between which everybody else has their turn. Leaves to
others: what is removed (`whisperd.store.retention`), recordings (dictation's own).
"""

import logging
import sqlite3
from collections.abc import Callable
from typing import Final

import anyio
import anyio.lowlevel
import msgspec

from whisperd.clock import SteadyClock
from whisperd.config.current import Current
from whisperd.config.settings import RetentionSettings
from whisperd.errors import DatabaseCorruptError, DatabaseError, DiskFullError
from whisperd.events import EventBus
from whisperd.store import events, retention
from whisperd.store.connection import Database
from whisperd.store.retention import Cutoffs

_log = logging.getLogger(__name__)

INTERVAL: Final = 24 * 3600.0
AT_ONCE: Final = 100
"""Rows removed in one transaction."""
EVENTS_AT_ONCE: Final = 1_000
PAGES_AT_ONCE: Final = 500
_DAY: Final = 86_400.0


class Removed(msgspec.Struct):
    """How many of each were removed."""

    transcripts: int = 0
    jobs: int = 0
    checkpoints: int = 0
    events: int = 0


def cutoffs(settings: RetentionSettings, now: float) -> Cutoffs:
    """The limits that the settings mean at a moment (unix seconds). Pure."""

    def before(days: float | None) -> float | None:
        return None if days is None else now - days * _DAY

    room = settings.transcript_mb
    return Cutoffs(
        transcripts=before(settings.transcript_days),
        transcript_bytes=None if room is None else room * 1_000_000,
        jobs=before(settings.job_days),
        checkpoints=before(settings.checkpoint_days),
        events=before(settings.event_days),
        max_events=settings.max_events,
    )


class Retention:
    """`run` is its task."""

    def __init__(self, database: Database, bus: EventBus, current: Current, clock: SteadyClock) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._current = current
        self._wake = anyio.Event()

    def poke(self) -> None:
        """Look again: the limits may have changed."""
        self._wake.set()

    async def run(self) -> None:
        """Remove what is to be removed, now and every day, for ever."""
        while True:
            self._wake = anyio.Event()
            try:
                removed = await self.enforce(cutoffs(self._current.settings.retention, self._clock.now()))
            except DatabaseCorruptError:
                raise
            except (DatabaseError, DiskFullError) as error:
                _log.error("what is over its time could not be removed: %s", error.message)
            else:
                if any(msgspec.structs.astuple(removed)):
                    told = ", ".join(f"{count} {name}" for name, count in msgspec.structs.asdict(removed).items())
                    size = await self._database.read(retention.size)
                    _log.info(
                        "removed what was over its time or its room: %s; the database takes %d MB, %d MB of it free",
                        told,
                        size.bytes // 1_000_000,
                        size.free // 1_000_000,
                    )
            with anyio.move_on_after(INTERVAL):
                await self._wake.wait()

    async def enforce(self, limits: Cutoffs) -> Removed:
        """Remove everything over the limits, and give the room back. Raises DatabaseError, DiskFullError."""
        removed = Removed()
        removed.transcripts = await self._each(
            lambda c: len(ids := retention.old_transcripts(c, limits, AT_ONCE)) and retention.remove_transcripts(c, ids)
        )
        removed.checkpoints = await self._each(
            lambda c: retention.remove_checkpoints(c, retention.old_checkpoints(c, limits.checkpoints, AT_ONCE))
        )
        if (before := limits.jobs) is not None:
            removed.jobs = await self._each(
                lambda c: retention.remove_jobs(c, retention.old_jobs(c, before, AT_ONCE), before)
            )
        removed.events = await self._prune_events(limits)
        while await self._database.write(lambda c: retention.shrink(c, PAGES_AT_ONCE)):
            await anyio.lowlevel.checkpoint()
        return removed

    async def _prune_events(self, limits: Cutoffs) -> int:
        oldest = limits.events if limits.events is not None else 0.0
        most = limits.max_events if limits.max_events is not None else 2**62
        through = await self._database.read(lambda c: events.prunable(c, oldest, most))
        if through <= self._bus.pruned:
            return 0
        self._bus.pruned = through  # before the rows go: nobody shall read around a gap without being told
        return await self._each(lambda c: events.prune(c, through, EVENTS_AT_ONCE))

    async def _each(self, remove: Callable[[sqlite3.Connection], int]) -> int:
        """Call `remove` in transactions of its own until there is no more; how many rows went."""
        count = 0
        while gone := await self._database.write(remove):
            count += gone
        return count
