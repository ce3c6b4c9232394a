"""A lane and what runs on it, as the scheduler holds them together.

Owns: the lane's snapshot for the policy, and its idle time. Leaves to others: deciding (`whisperd.jobs.policy`).
"""

import math

import anyio

from whisperd.jobs.job import Priority
from whisperd.jobs.policy import LaneRole, LaneSnapshot
from whisperd.runner import RunHandle
from whisperd.workers.lane import Lane

GPU_KEEP_ALIVE = 300.0
"""Seconds that an idle dictation model keeps its accelerator memory; a CPU's memory it keeps for ever."""

AUTO_KEEP_ALIVE = -1.0
"""A slot's `keep_alive` that depends on where the model is loaded."""


class Lease:
    """A right to one computation on the interactive lane, held by something that is no job; its task waits for
    `granted`."""

    def __init__(self) -> None:
        self.granted = anyio.Event()
        self.slot: Slot | None = None
        self.started_at = math.inf

    def grant(self, slot: "Slot") -> None:
        self.slot = slot
        self.started_at = anyio.current_time()
        slot.lease = self
        self.granted.set()


class Slot:
    """A lane with what runs on it. `keep_alive` is how long its idle process stays, in seconds; `room` how many jobs
    are ready to be started beside its runs, when that was last looked at.

    `renew`: its process is ended before the next run, because settings that it was started with have changed.
    """

    def __init__(self, role: LaneRole, lane: Lane) -> None:
        self.role = role
        self.lane = lane
        self.keep_alive = math.inf
        self.renew = False
        self.runs: list[RunHandle] = []
        self.room = 0
        self.lease: Lease | None = None
        self.idle_since = -math.inf
        self.pause_ends = -math.inf

    @property
    def free(self) -> bool:
        return not self.runs and self.lease is None

    def snapshot(self, now: float) -> LaneSnapshot:
        if self.lease is not None:
            return LaneSnapshot(
                role=self.role,
                running=Priority.INTERACTIVE,
                running_for=now - self.lease.started_at,
                stopped=self.lane.stopped,
            )
        return LaneSnapshot(
            role=self.role,
            running=max((run.job.priority for run in self.runs), default=None),
            running_for=max((now - run.started_at for run in self.runs), default=0.0),
            giving_way=bool(self.runs) and all(run.give_way for run in self.runs),
            room=self.room if self.runs else 0,
            stopped=self.lane.stopped,
            available=now >= self.pause_ends,
        )

    def begin(self, run: RunHandle) -> None:
        self.runs.append(run)
        self._show()

    def end(self, run: RunHandle, now: float) -> None:
        self.runs.remove(run)
        self.idle_since = now
        self._show()

    def _show(self) -> None:
        self.lane.jobs = tuple(run.job.id for run in self.runs)

    def idle_until(self) -> float:
        """When the idle process is to be ended; infinite while it works or there is none."""
        if not self.free or not self.lane.process:
            return math.inf
        if self.keep_alive != AUTO_KEEP_ALIVE:
            return self.idle_since + self.keep_alive
        loaded = self.lane.loaded
        return math.inf if loaded is None or loaded.device == "cpu" else self.idle_since + GPU_KEEP_ALIVE
