"""Which lanes this daemon has: their processes' arguments, limits and idle times, from configuration and machine.

Owns: that choice, and how a lane is shown. Leaves to others: a lane's process (`whisperd.workers.lane`), what runs on
it (`whisperd.scheduler`).
"""

import logging
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import anyio.to_thread
import msgspec

from whisperd.config.settings import Settings, WorkerSettings
from whisperd.errors import ModelNotFoundError
from whisperd.events import Event, EventBus
from whisperd.jobs.job import Kind, Options
from whisperd.jobs.policy import LaneRole, Lanes, choose_lanes
from whisperd.models.catalog import MODELS, canonical
from whisperd.models.devices import known
from whisperd.models.engine import resolve_engine, resolve_options
from whisperd.models.placement import place
from whisperd.slots import AUTO_KEEP_ALIVE, Slot
from whisperd.wire import names
from whisperd.wire.daemon import WorkerStatus
from whisperd.workers.lane import Lane, LaneLimits

_log = logging.getLogger(__name__)

BACKGROUND_NICE = 10
"""The background worker yields the processor to whatever the person does meanwhile."""

LINGER = 15.0
"""Seconds that the background worker stays after its last job, for the next of a series of single submissions."""


async def plan_lanes(settings: Settings, state_dir: Path) -> Lanes:
    """How many lanes there are to be: two where both models fit into memory together, as far as that is known."""
    placement = place(settings.workers, await anyio.to_thread.run_sync(lambda: known(state_dir)))
    needed = [await _memory_needed(kind, settings, state_dir) for kind in (Kind.DICTATION, Kind.FILE)]
    if placement.device in ("auto", "cpu"):
        return choose_lanes(settings.workers.lanes, "machine", _available_mb(), *needed)
    return choose_lanes(settings.workers.lanes, placement.device, placement.memory_mb, *needed)


async def _memory_needed(kind: Kind, settings: Settings, state_dir: Path) -> int | None:
    """Megabytes that the model for this kind of work takes; None where that is not known."""
    try:
        engine = await resolve_engine(kind, resolve_options(kind, Options(), settings), settings, state_dir)
    except ModelNotFoundError as error:
        _log.warning("%s work: %s", kind.value, error.message)
        return None
    model = MODELS.get(canonical(engine.model))
    return model.memory_mb(engine.load.compute_type) if model else None


def _available_mb() -> int | None:
    """Megabytes that the kernel can give without swapping; None where it does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return int(found.split()[1]) >> 10 if found else None


def make_slots(bus: EventBus, settings: Settings, lanes: Lanes) -> list[Slot]:
    """The lanes, each with nothing running on it."""
    if lanes.count == 1:
        slots = [Slot(LaneRole.SHARED, _lane(LaneRole.SHARED, 0, bus))]
    else:
        slots = [
            Slot(LaneRole.INTERACTIVE, _lane(LaneRole.INTERACTIVE, 0, bus)),
            Slot(LaneRole.BACKGROUND, _lane(LaneRole.BACKGROUND, BACKGROUND_NICE, bus)),
        ]
    adjust_slots(slots, settings.workers)
    return slots


def adjust_slots(slots: Sequence[Slot], workers: WorkerSettings) -> None:
    """Give lanes what can change while they work: idle times, and when their processes are recycled."""
    for slot in slots:
        slot.keep_alive = LINGER if slot.role is LaneRole.BACKGROUND else _keep_alive(workers)
        slot.lane.limits = LaneLimits(
            growth=workers.recycle_growth_mb << 20, jobs=workers.recycle_after_jobs or sys.maxsize
        )


def _lane(role: LaneRole, nice: int, bus: EventBus) -> Lane:
    def changed(lane: Lane) -> None:
        bus.publish(Event(names.TOPIC_WORKER_STATE, time.time(), msgspec.to_builtins(worker_status(lane))))

    return Lane(role.value, arguments=("--nice", str(nice)), limits=LaneLimits(), changed=changed)


def _keep_alive(workers: WorkerSettings) -> float:
    if workers.keep_alive == "auto":
        return AUTO_KEEP_ALIVE
    return math.inf if workers.keep_alive == "forever" else float(workers.keep_alive)


def worker_status(lane: Lane) -> WorkerStatus:
    """A lane as `status` and `worker.state` show it."""
    loaded = lane.loaded
    return WorkerStatus(
        lane=lane.name,
        state=lane.state.value,
        pid=lane.process.pid if lane.process else None,
        model=lane.model,
        device=loaded.device if loaded else None,
        compute_type=loaded.compute_type if loaded else None,
        job=lane.job,
        jobs=list(lane.jobs),
        memory=lane.memory,
        error=lane.error,
        fallback=lane.fallback,
    )
