"""A daemon without processes, clocks or sockets: the real rules on a real database in memory.

Owns: what the scheduler and its runs do between the rules (`whisperd.jobs`, `whisperd.store`), one step at a time, and
books of its own by which every step is checked. Workers are replaced by what each job does to its worker (`Nature`).
"""

import contextlib
import enum
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.store.making import plan, result
from whisperd.errors import IllegalTransitionError
from whisperd.frames import FailureKind
from whisperd.jobs import policy, retry
from whisperd.jobs.job import Failure, Kind, Priority, State
from whisperd.jobs.policy import LaneRole, LaneSnapshot
from whisperd.jobs.transitions import Command
from whisperd.runner import consequence
from whisperd.store import checkpoints, jobs, migrations, order, queue, recovery
from whisperd.store.jobs import JobChanges, JobRow, NewJob

TWO_LANES = (LaneRole.INTERACTIVE, LaneRole.BACKGROUND)
ONE_LANE = (LaneRole.SHARED,)
UNFINISHED = [state for state in State if not state.final]
BATCHES_PER_BLOCK = 2
FIRST_BATCH_SIZE = 8
BLOCK = 320_000
LOST_DAEMONS = 6
STEPS_PER_JOB = 60
"""More than any job can take: its batches twice (another model starts again), each kind of failure retried, the batch
halved down to one."""


class Nature(enum.Enum):
    """What a job does to the worker that works on it."""

    HEALTHY = enum.auto()
    UNREADABLE = enum.auto()
    KILLS_ITS_WORKER = enum.auto()
    HANGS = enum.auto()
    NEEDS_SMALL_BATCHES = enum.auto()
    NEEDS_A_SMALLER_MODEL = enum.auto()
    NEVER_FITS = enum.auto()
    LOSES_THE_DAEMON = enum.auto()
    """The power fails whenever it is worked on, for the first few times."""


FAILURES = {
    Nature.UNREADABLE: FailureKind.BAD_INPUT,
    Nature.KILLS_ITS_WORKER: FailureKind.WORKER_DIED,
    Nature.HANGS: FailureKind.TIMEOUT,
}


@dataclass
class Expected:
    """What the test itself knows of a job: its charged failures, those since its last stored batch, what is stored."""

    nature: Nature
    blocks: int
    attempts: int = 0
    in_a_row: int = 0
    crashes: int = 0
    stored: set[tuple[int, int]] = field(default_factory=set)

    def charge(self) -> None:
        self.attempts += 1
        self.in_a_row += 1

    def all_batches(self) -> set[tuple[int, int]]:
        return {(block, batch) for block in range(self.blocks) for batch in range(BATCHES_PER_BLOCK)}


@dataclass
class Run:
    job_id: int
    priority: Priority
    started_at: float
    give_way: bool = False


@dataclass
class SimulatedLane:
    role: LaneRole
    run: Run | None = None
    stopped: bool = False

    def snapshot(self, now: float) -> LaneSnapshot:
        run = self.run
        if run is None:
            return LaneSnapshot(self.role, stopped=self.stopped)
        return LaneSnapshot(self.role, run.priority, now - run.started_at, run.give_way, self.stopped)


class SimulatedDaemon:
    """Every method is one step, after which the policy has been carried out. Broken promises are AssertionErrors."""

    def __init__(self, roles: tuple[LaneRole, ...]) -> None:
        self.conn = sqlite3.connect(":memory:", isolation_level=None)
        self.conn.execute("PRAGMA foreign_keys = ON")
        migrations.migrate(self.conn, Path("memory"), now=0.0)
        self.roles = roles
        self.lanes = [SimulatedLane(role) for role in roles]
        self.now = 1_000.0
        self.low_hours = True
        self.settings = retry.RetrySettings()
        self.expected: dict[int, Expected] = {}

    # -- looking ------------------------------------------------------------------------------------------------------

    def job(self, job_id: int) -> JobRow:
        job = jobs.get(self.conn, job_id)
        assert job is not None, f"job {job_id} is lost"
        return job

    def jobs_in(self, *states: State) -> list[JobRow]:
        return [job for job in map(self.job, self.expected) if job.state in states]

    def lane_of(self, job_id: int) -> SimulatedLane | None:
        found = [lane for lane in self.lanes if lane.run and lane.run.job_id == job_id]
        assert len(found) <= 1, f"job {job_id} runs on two lanes"
        return found[0] if found else None

    def everything(self) -> list[tuple[object, ...]]:
        """All rows of all tables."""
        tables = [name for (name,) in self.conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [row for name in tables for row in self.conn.execute(f"SELECT * FROM {name} ORDER BY 1")]

    # -- the scheduler ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        self.conn.execute("BEGIN IMMEDIATE")
        try:
            yield self.conn
        except BaseException:
            self.conn.execute("ROLLBACK")
            raise
        self.conn.execute("COMMIT")

    @property
    def allowed(self) -> frozenset[Priority]:
        return policy.allowed_priorities(queue.is_paused(self.conn), self.low_hours)

    def decide(self) -> list[policy.Action]:
        return policy.decide(queue.startable(self.conn), self.allowed, [lane.snapshot(self.now) for lane in self.lanes])

    def look(self) -> None:
        """Wake what is due and carry out what the policy decides."""
        with self.transaction() as conn:
            for job_id in order.due(conn, self.now):
                jobs.transition(conn, job_id, Command.WAKE, self.now)
        for action in self.decide():
            self._carry_out(action)
        assert self.decide() == [], "the rules do not come to rest"

    def _carry_out(self, action: policy.Action) -> None:
        lane = next(lane for lane in self.lanes if lane.role is action.lane)
        match action:
            case policy.Start(_, priority):
                assert lane.run is None, f"two runs on lane {lane.role}"
                assert priority in self.allowed, f"{priority.name} work started while it is held"
                with self.transaction() as conn:
                    job = order.next_queued(conn, [priority])
                    assert job is not None
                    assert self.lane_of(job.id) is None, f"job {job.id} was started while it still ran"
                    started = jobs.transition(conn, job.id, Command.START, self.now).job
                lane.run = Run(started.id, started.priority, self.now)
            case policy.GiveWay():
                assert lane.run is not None
                lane.run.give_way = True
            case policy.Stop():
                lane.stopped = True
            case policy.Continue():
                lane.stopped = False

    # -- people -------------------------------------------------------------------------------------------------------

    def submit(self, kind: Kind, nature: Nature, *, blocks: int = 2, low: bool = False, held: bool = False) -> int:
        priority = {Kind.DICTATION: Priority.INTERACTIVE, Kind.FILE: Priority.NORMAL}.get(kind, Priority.LOW)
        if low and kind is Kind.FILE:
            priority = Priority.LOW
        new = NewJob(path=b"/audio/a.wav", kind=kind, priority=priority, hold="draft" if held else None)
        with self.transaction() as conn:
            job = jobs.insert(conn, new, self.now).job
        self.expected[job.id] = Expected(nature, blocks)
        self.look()
        return job.id

    def command(self, job_id: int, command: Command) -> None:
        """Raises what the real one raises."""
        before = jobs.get(self.conn, job_id)
        with self.transaction() as conn:
            jobs.transition(conn, job_id, command, self.now)
        assert before is not None
        lane = self.lane_of(job_id)
        if lane is not None and lane.run is not None and command is Command.PAUSE:
            lane.run.give_way = True
        if lane is not None and command is Command.CANCEL:
            lane.run = None
        if command is Command.RETRY:
            expected = self.expected[job_id]
            expected.attempts = expected.in_a_row = 0
            changed_input = before.error is not None and before.error.kind is FailureKind.INPUT_CHANGED
            if before.state is State.COMPLETED or changed_input:
                expected.stored.clear()
        self.look()

    def release(self, job_id: int) -> None:
        with self.transaction() as conn:
            jobs.update(conn, job_id, JobChanges(hold=None))
        self.look()

    def move(self, job_id: int, place: int) -> None:
        with self.transaction() as conn:
            queue.move(conn, job_id, place, self.now)
        self.look()

    def delete(self, job_id: int) -> None:
        with self.transaction() as conn:
            queue.delete(conn, job_id)
        assert self.lane_of(job_id) is None
        del self.expected[job_id]
        assert checkpoints.load(self.conn, job_id).blocks == ()

    def pause_queue(self, paused: bool) -> None:
        with self.transaction() as conn:
            queue.set_paused(conn, paused)
        self.look()

    def set_low_hours(self, low_hours: bool) -> None:
        self.low_hours = low_hours
        self.look()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.look()

    # -- workers ------------------------------------------------------------------------------------------------------

    def work(self, lane: SimulatedLane) -> None:
        """The lane's worker ends the call it is at, as its job's nature has it. A stopped one does nothing."""
        if lane.run is None or lane.stopped:
            return
        self.now += 1.0
        job = self._with_its_own_model(self.job(lane.run.job_id))
        expected = self.expected[job.id]
        nature = expected.nature
        if nature is Nature.LOSES_THE_DAEMON and expected.crashes < LOST_DAEMONS:
            expected.crashes += 1
            self.crash()
        elif nature in FAILURES:
            self.fail(lane, FAILURES[nature])
        elif not _fits(nature, job):
            self.fail(lane, FailureKind.OUT_OF_MEMORY)
        else:
            self._decode(lane, lane.run, job)
            self.look()

    def _with_its_own_model(self, job: JobRow) -> JobRow:
        """Begin again when the checkpoint is another model's."""
        with self.transaction() as conn:
            model = job.model or "small"
            if job.fingerprint not in (None, model):
                checkpoints.discard(conn, job.id)
                self.expected[job.id].stored.clear()
                job = jobs.update(conn, job.id, JobChanges(batch_size=None))
            size = job.batch_size or FIRST_BATCH_SIZE
            return jobs.update(conn, job.id, JobChanges(model=model, fingerprint=model, batch_size=size))

    def _decode(self, lane: SimulatedLane, run: Run, job: JobRow) -> None:
        expected = self.expected[job.id]
        checkpoint = checkpoints.load(self.conn, job.id)
        pending = [(stored.block, batch) for stored in checkpoint.blocks[-1:] for batch in stored.pending]
        if not pending and checkpoint.next_start is not None:
            number = checkpoint.next_block
            start = checkpoint.next_start
            following = start + BLOCK if number + 1 < expected.blocks else None
            with self.transaction() as conn:
                block = plan(start, start + BLOCK, following, BATCHES_PER_BLOCK)
                checkpoints.save_block(conn, job.id, number, block)
            pending = [(number, 0)]
        if pending:
            self._store_batch(job, *pending[0])
            if run.give_way:
                self._end(lane, Command.REQUEUE)
            if run.give_way or len(expected.stored) < len(expected.all_batches()):
                return
        self._end(lane, Command.COMPLETE)

    def _store_batch(self, job: JobRow, block: int, batch: int) -> None:
        expected = self.expected[job.id]
        assert (block, batch) not in expected.stored, f"batch {batch} of block {block} is decoded twice"
        with self.transaction() as conn:
            chunk = checkpoints.load(conn, job.id).blocks[block].plan.chunks[batch]
            checkpoints.save_batch(conn, job.id, block, batch, (result(chunk),), 1.0, chunk.end / 16_000)
        expected.stored.add((block, batch))
        expected.in_a_row = 0

    def fail(self, lane: SimulatedLane, kind: FailureKind) -> None:
        """The lane's call fails."""
        assert lane.run is not None
        job = self.job(lane.run.job_id)
        smaller = "base" if job.model == "small" else None
        decision = retry.decide(kind, job.failures, self.settings, batch_size=job.batch_size, smaller_model=smaller)
        command, _, changes = consequence(decision, job, Failure(kind, "it failed"), self.now)
        if self._end(lane, command, changes):
            self.expected[job.id].charge()
        self.look()

    def _end(self, lane: SimulatedLane, command: Command, changes: JobChanges | None = None) -> bool:
        """The lane's run ends; whether that still meant anything for its job."""
        assert lane.run is not None
        job_id, lane.run = lane.run.job_id, None
        try:
            with self.transaction() as conn:
                jobs.transition(conn, job_id, command, self.now, changes=changes)
        except IllegalTransitionError:
            return False
        return True

    # -- the daemon ---------------------------------------------------------------------------------------------------

    def crash(self) -> None:
        """kill -9 of the daemon, and its next start."""
        self.lanes = [SimulatedLane(role) for role in self.roles]
        with self.transaction() as conn:
            for recovered in recovery.requeue_running(conn, self.settings, self.now):
                assert recovered.job.state is State.QUEUED
        self.look()

    def restart(self) -> None:
        """SIGTERM, and the next start."""
        for lane in self.lanes:
            if lane.run is not None:
                self._end(lane, Command.REQUEUE)
        self.crash()

    def run_on(self, calls: int) -> None:
        """Let each worker end so many calls, one after the other, while nobody does anything."""
        for _ in range(calls):
            for role in self.roles:
                self.work(next(lane for lane in self.lanes if lane.role is role))

    def settle(self) -> None:
        """Leave the daemon alone, with the queue open, until nothing happens any more."""
        self.set_low_hours(True)
        self.pause_queue(False)
        for _ in range(STEPS_PER_JOB * len(self.expected) + 1):
            busy = [lane for lane in self.lanes if lane.run and not lane.stopped]
            if busy:
                self.work(busy[0])
            elif (due := order.next_retry_at(self.conn)) is not None:
                self.pass_time(max(0.0, due - self.now))
            else:
                return
        raise AssertionError(f"still not at rest: {self.jobs_in(*UNFINISHED)}")


def _fits(nature: Nature, job: JobRow) -> bool:
    assert job.batch_size is not None
    match nature:
        case Nature.NEEDS_SMALL_BATCHES:
            return job.batch_size <= 2
        case Nature.NEEDS_A_SMALLER_MODEL:
            return job.model == "base"
        case Nature.NEVER_FITS:
            return False
        case _:
            return True
