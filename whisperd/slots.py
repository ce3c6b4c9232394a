"""The lanes and what runs on each, as the scheduler holds them together.

Owns: a lane's snapshot for the policy, what the policy's actions other than starts do to it, its idle time and its
pauses. Leaves to others: deciding (`whisperd.jobs.policy`), starting (`whisperd.scheduler`, `whisperd.leases`).
"""

import math
from collections.abc import Iterable, Iterator

import anyio

from whisperd.jobs import policy
from whisperd.jobs.job import Priority
from whisperd.jobs.policy import LaneRole, LaneSnapshot
from whisperd.runner import RunHandle
from whisperd.workers.lane import Lane

BROKEN_LANE_PAUSE = 60.0
"""Seconds before a lane whose process can't be started is tried again."""

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

    def adjust(self, action: policy.Action) -> None:
        """Carry out what is no start."""
        match action:
            case policy.GiveWay():
                for run in self.runs:
                    run.give_way = True
            case policy.Stop():
                self.lane.stop()
            case policy.Continue():
                self.lane.resume()
            case _:
                pass

    def leave_alone(self, seconds: float = BROKEN_LANE_PAUSE) -> None:
        """Start nothing on it for a while."""
        self.pause_ends = anyio.current_time() + seconds

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

    def times(self, moment: float) -> list[float]:
        """The times after `moment` at which something about it changes though nothing has happened."""
        limits = [held.started_at + policy.STOP_LIMIT for held in (*self.runs, self.lease) if held]
        return [self.idle_until(), *(at for at in (self.pause_ends, *limits) if at > moment)]


class Slots:
    """All lanes."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self._by_role = {slot.role: slot for slot in slots}

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._by_role.values())

    def __getitem__(self, role: LaneRole) -> Slot:
        return self._by_role[role]

    @property
    def interactive(self) -> Slot:
        """The one that dictation computes on."""
        return next(slot for slot in self if Priority.INTERACTIVE in slot.role.serves)

    def snapshots(self) -> list[LaneSnapshot]:
        moment = anyio.current_time()
        return [slot.snapshot(moment) for slot in self]

    def run_of(self, job_id: int) -> RunHandle | None:
        """The job's run, until it has ended, whatever the job's state is."""
        return next((run for slot in self for run in slot.runs if run.job.id == job_id), None)

    def broken(self, priority: Priority) -> str | None:
        """What is wrong with a lane that serves the class and is left alone for now; None when nothing is."""
        now = anyio.current_time()
        return next((slot.lane.error for slot in self if priority in slot.role.serves and slot.pause_ends > now), None)

    async def end_outdated(self) -> None:
        """End the free processes that are to be replaced."""
        for slot in self:
            if slot.renew and slot.free:
                slot.renew = False
                await slot.lane.end()

    async def end_idle(self) -> None:
        """End the processes that have been idle for long enough."""
        for slot in self:
            if anyio.current_time() >= slot.idle_until():
                await slot.lane.end()
