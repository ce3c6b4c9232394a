"""The scheduler's promises, kept through any sequence of commands and faults."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from tests.unit.jobs.simulated_daemon import (
    ONE_LANE,
    TWO_LANES,
    UNFINISHED,
    Nature,
    SimulatedDaemon,
    SimulatedLane,
)
from whisperd.errors import IllegalTransitionError, RefusedError
from whisperd.frames import FailureKind
from whisperd.jobs.job import Kind, Priority, State
from whisperd.jobs.policy import STOP_LIMIT, LaneRole
from whisperd.jobs.transitions import TRANSITIONS, Command
from whisperd.store import checkpoints, jobs, order, queue

PERSONS = [Command.PAUSE, Command.RESUME, Command.CANCEL, Command.RETRY]
FAULTS = [kind for kind in FailureKind if kind not in (FailureKind.BAD_INPUT, FailureKind.NO_AUDIO)]
BOTH = pytest.mark.parametrize("lanes", [TWO_LANES, ONE_LANE], ids=["two lanes", "one lane"])

PROFILE = settings(
    max_examples=100,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


# -- any sequence -----------------------------------------------------------------------------------------------------


class AnySequence(RuleBasedStateMachine):
    """Commands of people, faults of workers and deaths of the daemon, in any order."""

    roles = TWO_LANES
    known = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.daemon = SimulatedDaemon(self.roles)

    def lane(self, number: int) -> SimulatedLane:
        return self.daemon.lanes[number % len(self.daemon.lanes)]

    @rule(
        target=known,
        kind=st.sampled_from(Kind),
        nature=st.sampled_from([Nature.HEALTHY] * 6 + list(Nature)),
        blocks=st.integers(1, 3),
        low=st.booleans(),
        held=st.sampled_from([False, False, False, True]),
    )
    def submit(self, kind: Kind, nature: Nature, blocks: int, low: bool, held: bool) -> int:
        return self.daemon.submit(kind, nature, blocks=blocks, low=low, held=held)

    @rule(job_id=known, command=st.sampled_from(PERSONS))
    def a_person_commands(self, job_id: int, command: Command) -> None:
        if command in TRANSITIONS[self.daemon.job(job_id).state]:
            self.daemon.command(job_id, command)

    @rule(job_id=known, command=st.sampled_from(Command))
    def an_illegal_command_is_refused_and_changes_nothing(self, job_id: int, command: Command) -> None:
        if command not in TRANSITIONS[self.daemon.job(job_id).state]:
            before = self.daemon.everything()
            with pytest.raises(IllegalTransitionError):
                self.daemon.command(job_id, command)
            assert self.daemon.everything() == before

    @rule(job_id=known, place=st.integers(1, 6))
    def a_job_is_moved(self, job_id: int, place: int) -> None:
        job = self.daemon.job(job_id)
        before = order.places(self.daemon.conn, self.daemon.expected)
        if job_id not in before:
            with pytest.raises(RefusedError):
                self.daemon.move(job_id, place)
            return
        self.daemon.move(job_id, place)
        after = order.places(self.daemon.conn, self.daemon.expected)
        same_class = {other for other in before if self.daemon.job(other).priority is job.priority}
        first = min(before[other] for other in same_class)
        assert sorted(after.values()) == sorted(before.values())
        assert after[job_id] == first - 1 + min(place, len(same_class))
        others = sorted(before.keys() - {job_id}, key=before.__getitem__)
        assert sorted(others, key=after.__getitem__) == others, "the others keep their order"

    @rule(job_id=consumes(known))
    def a_job_is_deleted(self, job_id: int) -> None:
        if self.daemon.job(job_id).state.final:
            self.daemon.delete(job_id)
        else:
            with pytest.raises(RefusedError):
                self.daemon.delete(job_id)

    @rule(job_id=known)
    def a_held_job_is_released(self, job_id: int) -> None:
        self.daemon.release(job_id)

    @rule(paused=st.booleans())
    def the_queue_is_paused_or_resumed(self, paused: bool) -> None:
        self.daemon.pause_queue(paused)

    @rule(low_hours=st.booleans())
    def quiet_hours_begin_or_end(self, low_hours: bool) -> None:
        self.daemon.set_low_hours(low_hours)

    @rule(seconds=st.sampled_from([0.0, 1.0, 31.0, STOP_LIMIT, STOP_LIMIT * 3]))
    def time_passes(self, seconds: float) -> None:
        self.daemon.pass_time(seconds)

    @rule(number=st.integers(0, 1), calls=st.integers(1, 4))
    def a_worker_works(self, number: int, calls: int) -> None:
        for _ in range(calls):
            self.daemon.work(self.lane(number))

    @rule(calls=st.integers(1, 12))
    def nobody_interferes_for_a_while(self, calls: int) -> None:
        self.daemon.run_on(calls)

    @rule(number=st.integers(0, 1), kind=st.sampled_from(FAULTS))
    def a_call_fails(self, number: int, kind: FailureKind) -> None:
        if self.lane(number).run is not None:
            self.daemon.fail(self.lane(number), kind)

    @rule()
    def the_daemon_is_killed(self) -> None:
        self.daemon.crash()

    @rule()
    def the_daemon_is_restarted(self) -> None:
        self.daemon.restart()

    # -- promises -----------------------------------------------------------------------------------------------------

    @invariant()
    def no_job_is_lost_and_the_counts_agree(self) -> None:
        states = [self.daemon.job(job_id).state for job_id in self.daemon.expected]
        assert jobs.counts(self.daemon.conn) == {state: states.count(state) for state in State}

    @invariant()
    def a_running_job_runs_on_one_lane_and_a_lane_runs_nothing_that_has_ended(self) -> None:
        for job_id in self.daemon.expected:
            state, lane = self.daemon.job(job_id).state, self.daemon.lane_of(job_id)
            assert state is not State.RUNNING or lane is not None
            assert lane is None or state in (State.RUNNING, State.PAUSED, State.QUEUED)
            if lane is not None and lane.run is not None and state is not State.RUNNING:
                assert lane.run.give_way, "paused, perhaps resumed since: it ends with its batch"

    @invariant()
    def an_idle_lane_means_that_nothing_it_serves_may_run(self) -> None:
        waiting = queue.startable(self.daemon.conn)
        for lane in self.daemon.lanes:
            if lane.run is None:
                assert not any(waiting.get(priority) for priority in self.daemon.allowed & set(lane.role.serves))

    @invariant()
    def work_of_a_higher_class_is_next_on_its_lane(self) -> None:
        waiting = queue.startable(self.daemon.conn)
        for lane in self.daemon.lanes:
            if lane.run is not None and not lane.run.give_way:
                higher = [priority for priority in lane.role.serves if priority < lane.run.priority]
                assert lane.run.priority in self.daemon.allowed
                assert not any(waiting.get(priority) for priority in self.daemon.allowed & set(higher))

    @invariant()
    def the_background_is_stopped_exactly_while_dictation_computes(self) -> None:
        lanes = {lane.role: lane for lane in self.daemon.lanes}
        if LaneRole.BACKGROUND in lanes:
            run = lanes[LaneRole.INTERACTIVE].run
            computing = run is not None and self.daemon.now - run.started_at < STOP_LIMIT
            assert lanes[LaneRole.BACKGROUND].stopped is computing
            assert not lanes[LaneRole.INTERACTIVE].stopped

    @invariant()
    def no_stored_batch_is_lost(self) -> None:
        for job_id, expected in self.daemon.expected.items():
            blocks = checkpoints.load(self.daemon.conn, job_id).blocks
            assert {(stored.block, batch) for stored in blocks for batch in stored.decoded} == expected.stored
            assert self.daemon.job(job_id).state is not State.COMPLETED or expected.stored == expected.all_batches()

    @invariant()
    def attempts_are_charged_for_failures_only(self) -> None:
        for job_id, expected in self.daemon.expected.items():
            job = self.daemon.job(job_id)
            assert job.attempts == expected.attempts
            assert sum(job.failures.values()) == expected.in_a_row, "those that count towards giving up"

    def teardown(self) -> None:
        """Whatever has happened: left alone, everything ends that nobody holds."""
        daemon = self.daemon
        daemon.settle()
        for job in daemon.jobs_in(*UNFINISHED):
            assert job.state is State.PAUSED or (job.state is State.QUEUED and job.hold is not None)
        for job in daemon.jobs_in(State.FAILED):
            healthy = daemon.expected[job.id].nature is Nature.HEALTHY
            assert not healthy or job.attempts > 0, "a healthy job fails only if something had happened to it"
        for job in daemon.jobs_in(State.COMPLETED):
            starts = [result.chunk.start for result in checkpoints.results(daemon.conn, job.id)]
            assert len(starts) == len(set(starts)) == len(daemon.expected[job.id].all_batches())
        daemon.conn.close()


class AnySequenceOnOneLane(AnySequence):
    roles = ONE_LANE


TestAnySequenceOnTwoLanes = AnySequence.TestCase
TestAnySequenceOnTwoLanes.settings = PROFILE
TestAnySequenceOnOneLane = AnySequenceOnOneLane.TestCase
TestAnySequenceOnOneLane.settings = PROFILE


# -- single promises --------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("kind", Kind)
def test_a_file_that_kills_its_worker_each_time_fails_after_three_tries_while_others_complete(
    kind: Kind, lanes: tuple[LaneRole, ...]
) -> None:
    daemon = SimulatedDaemon(lanes)
    poison = daemon.submit(kind, Nature.KILLS_ITS_WORKER)
    others = [daemon.submit(kind, Nature.HEALTHY) for _ in range(10)]
    daemon.settle()
    job = daemon.job(poison)
    assert (job.state, job.attempts, job.failures) == (State.FAILED, 3, {FailureKind.WORKER_DIED: 3})
    assert job.error is not None
    assert job.error.kind is FailureKind.WORKER_DIED
    assert {daemon.job(other).state for other in others} == {State.COMPLETED}
    finished = [daemon.job(other).finished_at for other in others]
    assert max(at for at in finished if at) < (job.finished_at or 0.0), "nobody waits for its retries"


@BOTH
def test_a_file_during_which_the_power_fails_each_time_lets_the_others_go_first_and_completes(
    lanes: tuple[LaneRole, ...],
) -> None:
    daemon = SimulatedDaemon(lanes)
    unlucky = daemon.submit(Kind.FILE, Nature.LOSES_THE_DAEMON)
    others = [daemon.submit(Kind.FILE, Nature.HEALTHY) for _ in range(10)]
    daemon.settle()
    job = daemon.job(unlucky)
    assert (job.state, job.attempts) == (State.COMPLETED, 0)
    finished = [daemon.job(other).finished_at for other in others]
    assert max(at for at in finished if at) < (job.finished_at or 0.0)


def test_restarts_on_purpose_never_make_a_job_poison() -> None:
    daemon = SimulatedDaemon(TWO_LANES)
    job_id = daemon.submit(Kind.FILE, Nature.HEALTHY)
    for _ in range(50):
        daemon.restart()
    job = daemon.job(job_id)
    assert (job.state, job.attempts, job.unfinished_starts) == (State.RUNNING, 0, 1)


def test_a_daemon_that_is_killed_after_every_batch_still_finishes_the_file_and_charges_nothing() -> None:
    daemon = SimulatedDaemon(TWO_LANES)
    job_id = daemon.submit(Kind.FILE, Nature.HEALTHY, blocks=20)
    while not daemon.job(job_id).state.final:
        daemon.work(daemon.lanes[1])
        daemon.crash()
    assert (daemon.job(job_id).state, daemon.job(job_id).attempts) == (State.COMPLETED, 0)


def test_a_worker_that_is_killed_after_every_batch_does_not_make_its_file_poison() -> None:
    daemon = SimulatedDaemon(TWO_LANES)
    job_id = daemon.submit(Kind.FILE, Nature.HEALTHY, blocks=10)
    background = daemon.lanes[1]
    for killed in range(1, 20):
        daemon.work(background)
        daemon.fail(background, FailureKind.WORKER_DIED)
        assert (daemon.job(job_id).state, daemon.job(job_id).attempts) == (State.WAITING, killed)
        daemon.pass_time(30.0)
    daemon.settle()
    assert daemon.job(job_id).state is State.COMPLETED


def test_memory_that_runs_out_halves_the_batch_and_then_takes_the_smaller_model() -> None:
    daemon = SimulatedDaemon(TWO_LANES)
    halved = daemon.submit(Kind.FILE, Nature.NEEDS_SMALL_BATCHES)
    smaller = daemon.submit(Kind.FILE, Nature.NEEDS_A_SMALLER_MODEL)
    hopeless = daemon.submit(Kind.FILE, Nature.NEVER_FITS)
    daemon.settle()
    assert (daemon.job(halved).state, daemon.job(halved).batch_size) == (State.COMPLETED, 2)
    assert (daemon.job(smaller).state, daemon.job(smaller).model) == (State.COMPLETED, "base")
    assert daemon.job(hopeless).state is State.FAILED
    assert len(daemon.job(halved).notes) == 2, "the result says what was done"


def test_a_retry_decodes_a_completed_file_anew_and_goes_on_with_one_that_failed_or_was_cancelled() -> None:
    daemon = SimulatedDaemon(TWO_LANES)
    background = daemon.lanes[1]
    completed = daemon.submit(Kind.FILE, Nature.HEALTHY)
    daemon.settle()
    daemon.command(completed, Command.RETRY)
    assert checkpoints.load(daemon.conn, completed).blocks == ()
    daemon.work(background)
    daemon.command(completed, Command.CANCEL)
    daemon.command(completed, Command.RETRY)
    assert len(checkpoints.results(daemon.conn, completed)) == 1
    daemon.fail(background, FailureKind.INTERNAL)
    assert daemon.job(completed).state is State.FAILED
    daemon.command(completed, Command.RETRY)
    assert len(checkpoints.results(daemon.conn, completed)) == 1
    daemon.fail(background, FailureKind.INPUT_CHANGED)
    daemon.command(completed, Command.RETRY)
    assert len(checkpoints.results(daemon.conn, completed)) == 0, "what is stored belongs to other audio"
    daemon.settle()
    assert daemon.job(completed).state is State.COMPLETED


def test_dictation_starts_at_once_however_long_the_queue_is_and_whatever_is_paused() -> None:
    daemon = SimulatedDaemon(TWO_LANES)
    for _ in range(5):
        daemon.submit(Kind.FILE, Nature.HEALTHY)
    daemon.pause_queue(True)
    daemon.set_low_hours(False)
    dictation = daemon.submit(Kind.DICTATION, Nature.HEALTHY)
    assert daemon.job(dictation).state is State.RUNNING
    assert daemon.lanes[1].stopped


def test_dictation_on_one_lane_waits_for_one_batch_and_the_file_goes_on_after_it_uncharged() -> None:
    daemon = SimulatedDaemon(ONE_LANE)
    file = daemon.submit(Kind.FILE, Nature.HEALTHY)
    dictation = daemon.submit(Kind.DICTATION, Nature.HEALTHY, blocks=1)
    daemon.work(daemon.lanes[0])
    assert [daemon.job(job_id).state for job_id in (file, dictation)] == [State.QUEUED, State.RUNNING]
    daemon.settle()
    assert (daemon.job(file).state, daemon.job(file).attempts) == (State.COMPLETED, 0)


@BOTH
def test_each_class_is_worked_off_before_the_one_below(lanes: tuple[LaneRole, ...]) -> None:
    daemon = SimulatedDaemon(lanes)
    kinds = [Kind.BATCH, Kind.WATCH, Kind.FILE, Kind.DICTATION, Kind.FILE, Kind.BATCH]
    ids = [daemon.submit(kind, Nature.HEALTHY) for kind in kinds]
    daemon.settle()
    done = sorted(map(daemon.job, ids), key=lambda job: job.finished_at or 0.0)
    assert {job.state for job in done} == {State.COMPLETED}
    assert [job.priority for job in done] == sorted(job.priority for job in done)
    assert [job.id for job in done if job.priority is Priority.LOW] == [ids[0], ids[1], ids[5]]


def test_a_file_that_is_paused_and_resumed_within_one_batch_runs_once_and_goes_on() -> None:
    daemon = SimulatedDaemon(TWO_LANES)
    job_id = daemon.submit(Kind.FILE, Nature.HEALTHY)
    daemon.command(job_id, Command.PAUSE)
    daemon.command(job_id, Command.RESUME)
    assert daemon.job(job_id).state is State.QUEUED
    assert daemon.lane_of(job_id) is not None, "its batch is still being decoded"
    daemon.work(daemon.lanes[1])
    assert daemon.job(job_id).state is State.RUNNING
    daemon.settle()
    assert daemon.job(job_id).state is State.COMPLETED
