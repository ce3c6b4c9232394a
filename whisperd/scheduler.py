"""The scheduler: carries out what the policy decides.

Owns: the loop from a snapshot to actions on lanes, and the queue's switch. Leaves to others: the rules
(`whisperd.jobs.policy`), a run (`whisperd.runner`), commits (`whisperd.ledger`), the lanes (`whisperd.slots`), leases
of the interactive one (`whisperd.leases`), what people do with jobs (`whisperd.job_commands`).

The loop sleeps until something has happened (`poke`) or a time has come: a retry, the end of a lane's idle time or
pause, the edge of quiet hours, the limit of a stop.
"""

import contextlib
import datetime
import logging
import math
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

import anyio
from anyio.abc import TaskGroup, TaskStatus

from whisperd.config.current import Current
from whisperd.errors import DatabaseCorruptError, DatabaseError, DiskFullError
from whisperd.hooks import Hooks
from whisperd.jobs import policy
from whisperd.jobs.job import Priority, State
from whisperd.jobs.transitions import Command
from whisperd.leases import Leases
from whisperd.ledger import Ledger
from whisperd.mates import Mates
from whisperd.runner import RunHandle, Runner
from whisperd.slots import Slot, Slots
from whisperd.store import batches, jobs, order, queue, recovery
from whisperd.store.jobs import JobRow, Transitioned
from whisperd.wire import names
from whisperd.workers.lane import Lane, WorkerStartError

_log = logging.getLogger(__name__)

TROUBLE_PAUSE = 5.0
"""Seconds before trying again after the database could not be used: no event tells that a disk has room again."""

CLOCK_TRUST = 60.0
"""Seconds after which a wait for a time of day looks at the clock again."""

MODEL_PREFERENCE = 600.0
"""Seconds for which a job may be overtaken by later ones whose model is already loaded."""


class Scheduler:
    """Runs jobs until its task is cancelled; then every worker is killed and every running job is given back."""

    def __init__(self, ledger: Ledger, runner: Runner, slots: Sequence[Slot], current: Current, hooks: Hooks) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._runner = runner
        self._slots = Slots(slots)
        self._current = current
        self._hooks = hooks
        self._wake = anyio.Event()
        self._paused = False
        self._rewriting = False
        self._stranded: set[int] = set()
        """Jobs that are `running` in the database and nowhere else, since it could not be written at the end."""
        self._leases = Leases(self._slots, self._lease_changed)
        self._mates: dict[policy.LaneRole, Mates] = {}
        self._stepping = False
        self._beats: list[anyio.Event] = []
        self.trouble: str | None = None

    @property
    def lanes(self) -> list[Lane]:
        return [slot.lane for slot in self._slots]

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def allowed(self) -> frozenset[Priority]:
        """The classes that may run now."""
        low = policy.within(self._current.settings.schedule.low_hours(), datetime.datetime.now().astimezone().time())
        return policy.allowed_priorities(self._paused, low)

    def holds(self, priority: Priority) -> str | None:
        """What keeps a whole class from starting, such as a worker that can't be started; None when nothing does."""
        if priority in self.allowed:
            return self._slots.broken(priority)
        if self._paused:
            return "the queue is paused"
        return f"low work runs {self._current.settings.schedule.low}"

    def renew_workers(self) -> None:
        """Have every worker process replaced: an idle one at once, the others when their runs have ended."""
        for slot in self._slots:
            slot.renew = True
        self.poke()

    def poke(self) -> None:
        """Look again at what should run."""
        self._wake.set()

    async def beat(self) -> None:
        """Return after the next whole step of the loop: the sign that the scheduler makes progress."""
        stepped = anyio.Event()
        self._beats.append(stepped)
        self.poke()
        await stepped.wait()

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Give back what a dead daemon left running, then run jobs for ever."""
        now = time.time()
        await self._ledger.commit(
            lambda c: [*recovery.requeue_running(c, self._runner.retry, now), *recovery.release_held(c, now)]
        )
        self._paused = await self._database.read(queue.is_paused)
        try:
            async with anyio.create_task_group() as group:
                self._mates = {slot.role: Mates(slot.lane, self._database, group) for slot in self._slots}
                task_status.started()
                while True:
                    self._wake = anyio.Event()
                    beats, self._beats = self._beats, []
                    at = await self._step_in_spite_of_trouble(group)
                    for beat in beats:
                        beat.set()
                    with anyio.move_on_at(at):
                        await self._wake.wait()
        finally:
            with anyio.CancelScope(shield=True):
                await self._stop()

    async def _step_in_spite_of_trouble(self, group: TaskGroup) -> float:
        """A step, and when to look again; sooner, and saying why, while the database can't be used."""
        self._stepping = True
        try:
            await self._step(group)
            at = await self._next_time()
        except DatabaseCorruptError:
            raise
        except (DatabaseError, DiskFullError) as error:
            if self.trouble is None:
                _log.error("nothing can be started: %s", error.message)
            self.trouble = error.message
            return anyio.current_time() + TROUBLE_PAUSE
        finally:
            self._stepping = False
            self._grant_leases()
        self.trouble = None
        return at

    async def _step(self, group: TaskGroup) -> None:
        now = time.time()
        while self._stranded:
            await self._ledger.transition_if_legal(
                min(self._stranded), Command.REQUEUE, reason="its progress could not be stored"
            )
            self._stranded.discard(min(self._stranded))
        longest = self._runner.retry.max_delay + CLOCK_TRUST
        await self._ledger.commit(lambda c: [_wake(c, job, now) for job in order.due(c, now, longest)])
        await self._slots.end_outdated()
        waiting = self._leases.beside(await self._database.read(queue.startable))
        for slot in self._slots:
            slot.room = len(await self._database.read(partial(self._companions, slot)))
        for action in policy.decide(waiting, self.allowed, self._slots.snapshots()):
            await self._carry_out(action, group)
        await self._slots.end_idle()
        if not self._rewriting and (late := await self._database.read(lambda c: order.outputs_due(c, now, longest))):
            self._rewriting = True
            group.start_soon(self._rewrite, late)

    async def _carry_out(self, action: policy.Action, group: TaskGroup) -> None:
        slot = self._slots[action.lane]
        match action:
            case policy.Start(_, priority) if not (priority is Priority.INTERACTIVE and self._leases):
                await self._start(slot, priority, group)
            case policy.Join():
                now = time.time()
                companions = await self._ledger.commit(
                    lambda c: [jobs.transition(c, job_id, Command.START, now) for job_id in self._companions(slot, c)]
                )
                self._begin(slot, companions, group)
            case _:
                slot.adjust(action)

    async def _start(self, slot: Slot, priority: Priority, group: TaskGroup) -> None:
        now = time.time()
        self._begin(slot, await self._ledger.commit(lambda c: _start_next(c, priority, now, slot.lane.model)), group)

    def _begin(self, slot: Slot, started: Sequence[JobRow], group: TaskGroup) -> None:
        for job in started:
            run = RunHandle(job)
            slot.begin(run)
            group.start_soon(self._work, slot, run, group)
        if started:
            self.poke()  # others may be ready to run beside it

    def _companions(self, slot: Slot, connection: sqlite3.Connection) -> list[int]:
        """The jobs that may be started now beside what runs on the slot."""
        if not slot.runs or slot.lease is not None or any(run.job.alone for run in slot.runs):
            return []
        first = slot.runs[0].job
        limit = self._current.settings.batches.concurrency
        if first.batch is not None and (batch := batches.get(connection, first.batch)):
            limit = batch.concurrency
        return order.companions(
            connection,
            first,
            limit=limit - len(slot.runs),
            running=[run.job.id for run in slot.runs],
            model=slot.lane.model,
            overdue_before=time.time() - MODEL_PREFERENCE,
        )

    async def _work(self, slot: Slot, run: RunHandle, group: TaskGroup) -> None:
        try:
            completed = await self._runner.run(run, slot.lane, self._mates[slot.role])
            if completed is not None:
                self._hooks.start(group, completed)
        except WorkerStartError:
            slot.leave_alone()
        except (DatabaseError, DiskFullError) as error:
            _log.error("job %d could not go on: %s", run.job.id, error.message)
            self._stranded.add(run.job.id)
            slot.leave_alone(TROUBLE_PAUSE)
        finally:
            slot.end(run, anyio.current_time())
            self._grant_leases()
            self.poke()

    async def _rewrite(self, job_ids: Sequence[int]) -> None:
        try:
            for job_id in job_ids:
                await self._runner.rewrite_outputs(job_id)
        except (DatabaseError, DiskFullError) as error:
            _log.error("files could not be written again: %s", error.message)
        finally:
            self._rewriting = False
            self.poke()

    async def _next_time(self) -> float:
        """The time of anyio's clock at which to look again though nothing has happened."""
        moment = anyio.current_time()
        times = [at for slot in self._slots for at in slot.times(moment)]
        retry_at = await self._database.read(order.next_retry_at)
        edge = policy.next_change(self._current.settings.schedule.low_hours(), datetime.datetime.now().astimezone())
        wall = [at for at in (retry_at, edge.timestamp() if edge else None) if at is not None]
        # No event tells that the clock was set or the machine slept.
        times += [moment + min(max(0.0, at - time.time()), CLOCK_TRUST) for at in wall]
        return min(times, default=math.inf)

    async def _stop(self) -> None:
        """Nothing of a killed worker's batch is lost but its time: the jobs go on from their checkpoints."""
        for slot in self._slots:
            await slot.lane.end()
        now = time.time()
        with contextlib.suppress(DatabaseError, DiskFullError):  # then the next start finds them running
            await self._ledger.commit(lambda c: _give_back(c, now))

    # -- leases -------------------------------------------------------------------------------------------------------

    @property
    def interactive_lane(self) -> Lane:
        """The lane that dictation computes on; without a lease only for what is no work, such as hearing a pause."""
        return self._slots.interactive.lane

    def lease(self) -> AbstractAsyncContextManager[Lane]:
        """The interactive lane for one computation of a dictation, while the background lane is stopped.

        Leases are served in the order of asking, before any queued job, and whatever the state of the database. Hold
        one while computing only. A lane whose process can't be started is left alone for a while afterwards.
        """
        return self._leases.take()

    def _grant_leases(self) -> None:
        """At once, without a step; one that is under way is let end first."""
        if not self._stepping:
            self._leases.grant(self.allowed)

    def _lease_changed(self) -> None:
        self._grant_leases()
        self.poke()

    # -- what commands of people mean here ----------------------------------------------------------------------------

    async def pause_queue(self, paused: bool) -> None:
        """Hold or release normal and low work; kept over a restart."""
        if paused is not self._paused:
            await self._database.write(lambda c: queue.set_paused(c, paused))
            self._paused = paused
            await self._ledger.record(names.TOPIC_QUEUE_STATE, {"paused": paused})
        self.poke()

    def give_way(self, job_ids: Iterable[int]) -> None:
        """Have the runs of these jobs, if any, end after their batch."""
        for run in filter(None, map(self._slots.run_of, job_ids)):
            run.give_way = True

    def abandon(self, job_ids: Iterable[int]) -> None:
        """Have the runs of these jobs, if any, end at once, since their jobs are cancelled."""
        for run in filter(None, map(self._slots.run_of, job_ids)):
            run.scope.cancel()

    def tell_runs(self, rows: Iterable[JobRow]) -> None:
        """Have the runs of these jobs, if any, know them as they are now: one that was promoted need not give way."""
        for row in rows:
            if run := self._slots.run_of(row.id):
                run.job = row

    def is_running(self, job_id: int) -> bool:
        """Whether a run of the job has not ended yet, whatever the job's state is."""
        return self._slots.run_of(job_id) is not None


def _give_back(connection: sqlite3.Connection, now: float) -> list[Transitioned]:
    running = jobs.page(connection, states=[State.RUNNING], limit=names.MAX_PAGE)
    reason = "the daemon was stopped"
    return [jobs.transition(connection, job.id, Command.REQUEUE, now, reason=reason) for job in running]


def _wake(connection: sqlite3.Connection, job_id: int, now: float) -> Transitioned:
    return jobs.transition(connection, job_id, Command.WAKE, now)


def _start_next(
    connection: sqlite3.Connection, priority: Priority, now: float, model: str | None
) -> list[Transitioned]:
    job = order.next_queued(connection, [priority], prefer_model=model, overdue_before=now - MODEL_PREFERENCE)
    return [] if job is None else [jobs.transition(connection, job.id, Command.START, now)]
