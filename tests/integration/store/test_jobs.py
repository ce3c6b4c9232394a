"""The queue's table: what is stored comes back, states change only as the table says, and the order holds."""

import random
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.store import making
from tests.integration.store.making import FAILURE, brought, new_job, queued
from whisperd.errors import IllegalTransitionError, NotFoundError
from whisperd.frames import FailureKind, FileIdentity
from whisperd.jobs.job import Format, Kind, Options, Output, Priority, State
from whisperd.jobs.transitions import TRANSITIONS, Command
from whisperd.store import checkpoints, events, jobs, order
from whisperd.store.jobs import JobChanges, JobRow

EVERYTHING = JobChanges(
    priority=Priority.LOW,
    position=-3,
    hold="batch is paused",
    attempts=2,
    failures={FailureKind.IO: 2},
    unfinished_starts=1,
    error=FAILURE,
    duration=0.1 + 0.2,
    done=1 / 3,
    processing_time=1e-9,
    identity=FileIdentity(device=1, inode=2**63 - 1, size=3, mtime_ns=4, digest="ab"),
    fingerprint="engine",
    batch_size=4,
    language="de",
    language_probability=0.25,
    model="small",
    device="cpu",
    partial=True,
    missing=1.5,
    unheard=2.25,
    confidence=0.75,
    outputs_due_at=12.5,
    outputs_tries=3,
    outputs=(Output(format=Format.TXT, path="/out.txt"), Output(format=Format.SRT, path="/out.srt", error="no space")),
    notes=("a smaller model was taken",),
    moved_to=b"/elsewhere/\xff.wav",
    size=2**40,
    batch=None,
    alone=True,
)


def test_every_field_comes_back_as_it_was_stored(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    after = jobs.update(conn, job.id, EVERYTHING)
    for field in JobChanges.__struct_fields__:
        if field != "retry_at":  # only waiting jobs have one
            stored, given_value = getattr(after, field), getattr(EVERYTHING, field)
            assert stored == given_value
            assert type(stored) is type(given_value)
    assert jobs.get(conn, job.id) == after


def test_an_update_leaves_the_rest_alone(conn: sqlite3.Connection) -> None:
    job = jobs.update(conn, queued(conn).id, EVERYTHING)
    assert jobs.update(conn, job.id, JobChanges()) == job
    assert jobs.update(conn, job.id, JobChanges(error=None)).error is None
    assert jobs.update(conn, job.id, JobChanges(language="fr")).model == "small"


def test_a_path_may_be_any_bytes(conn: sqlite3.Connection) -> None:
    path = b"/audio/\xff\xfe\nname \xe2\x82\xac.wav"
    assert queued(conn, new_job(path)).path == path


def test_options_come_back(conn: sqlite3.Connection) -> None:
    options = Options(model="base", formats=(Format.SRT,), words=True, prompt="Zoë")
    new = jobs.NewJob(path=b"/a", kind=Kind.WATCH, priority=Priority.LOW, options=options)
    job = jobs.insert(conn, new, 1.0).job
    assert (job.options, job.kind, job.priority) == (options, Kind.WATCH, Priority.LOW)


def test_the_same_key_is_the_same_job_and_no_event(conn: sqlite3.Connection) -> None:
    first = jobs.insert(conn, new_job(key="k"), 1.0)
    again = jobs.insert(conn, new_job(b"/other", key="k"), 2.0)
    assert again.job == first.job
    assert (len(first.events), again.events) == (1, ())
    assert jobs.insert_failed(conn, new_job(key="k"), FAILURE, 3.0).job == first.job


def test_jobs_without_a_key_are_different_jobs(conn: sqlite3.Connection) -> None:
    assert queued(conn).id != queued(conn).id


def test_a_bad_file_among_good_ones_becomes_a_failed_job(conn: sqlite3.Connection) -> None:
    failed = jobs.insert_failed(conn, new_job(), FAILURE, 5.0)
    assert (failed.job.state, failed.job.error, failed.job.finished_at) == (State.FAILED, FAILURE, 5.0)
    assert failed.events[0].data["error"] == {"kind": "io", "message": FAILURE.message, "hint": FAILURE.hint}


# -- transitions ------------------------------------------------------------------------------------------------------


def test_a_transition_and_its_event_are_one(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    started = jobs.transition(conn, job.id, Command.START, 7.0, reason="next in the queue")
    assert started.job.state is State.RUNNING
    assert events.of_job(conn, job.id)[-1] == started.events[0]
    assert started.events[0].data == {
        "state": "running",
        "previous": "queued",
        "command": "start",
        "reason": "next in the queue",
        "kind": "file",
        "attempts": 0,
    }


def test_an_illegal_command_changes_nothing(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    with pytest.raises(IllegalTransitionError):
        jobs.transition(conn, job.id, Command.COMPLETE, 2.0, changes=JobChanges(duration=1.0))
    assert jobs.get(conn, job.id) == job
    assert len(events.of_job(conn, job.id)) == 1


def test_an_unknown_job_is_said_to_be_unknown(conn: sqlite3.Connection) -> None:
    with pytest.raises(NotFoundError, match="there is no job 99"):
        jobs.transition(conn, 99, Command.START, 1.0)
    with pytest.raises(NotFoundError, match="there is no job 99"):
        jobs.update(conn, 99, JobChanges(duration=1.0))
    assert jobs.get(conn, 99) is None


def test_a_waiting_job_has_a_time_and_no_other_job_has_one(conn: sqlite3.Connection) -> None:
    waiting = brought(conn, queued(conn), Command.START, Command.WAIT, now=10.0)
    assert waiting.retry_at == 40.0
    assert brought(conn, waiting, Command.WAKE).retry_at is None
    with pytest.raises(sqlite3.IntegrityError):
        jobs.transition(conn, brought(conn, queued(conn), Command.START).id, Command.WAIT, 1.0)


def test_waiting_jobs_are_due_at_their_times(conn: sqlite3.Connection) -> None:
    assert jobs.next_retry_at(conn) is None
    late = brought(conn, queued(conn), Command.START, Command.WAIT, now=10.0)
    early = brought(conn, queued(conn), Command.START, Command.WAIT, now=5.0)
    assert jobs.next_retry_at(conn) == 35.0
    assert jobs.due(conn, 34.9) == []
    assert jobs.due(conn, 35.0) == [early.id]
    assert sorted(jobs.due(conn, 99.0)) == [late.id, early.id]


def test_a_time_that_a_wrong_clock_has_set_is_not_waited_for(conn: sqlite3.Connection) -> None:
    month = 30 * 24 * 3600.0
    ahead = brought(conn, queued(conn), Command.START, Command.WAIT, now=month)
    right = brought(conn, queued(conn), Command.START, Command.WAIT, now=100.0)
    assert jobs.due(conn, 110.0) == []
    assert order.due(conn, 110.0, longest=360.0) == [ahead.id]
    assert order.due(conn, 131.0, longest=360.0) == [right.id, ahead.id]
    done = brought(conn, queued(conn), Command.START, Command.COMPLETE)
    jobs.update(conn, done.id, JobChanges(outputs_due_at=month))
    assert (order.outputs_due(conn, 110.0), order.outputs_due(conn, 110.0, 360.0)) == ([], [done.id])


def test_a_job_keeps_its_times_through_preemption(conn: sqlite3.Connection) -> None:
    job = brought(conn, queued(conn, now=1.0), Command.START, now=5.0)
    job = brought(conn, job, Command.REQUEUE, Command.START, now=9.0)
    assert (job.queued_at, job.started_at, job.finished_at) == (1.0, 5.0, None)
    assert brought(conn, job, Command.COMPLETE, now=11.0).finished_at == 11.0


def test_a_start_is_unfinished_until_somebody_lives_to_end_it(conn: sqlite3.Connection) -> None:
    job = brought(conn, queued(conn), Command.START)
    assert job.unfinished_starts == 1
    assert brought(conn, job, Command.REQUEUE).unfinished_starts == 0


def test_a_retry_by_hand_starts_with_a_clean_record_at_normal(conn: sqlite3.Connection) -> None:
    job = brought(conn, queued(conn, new_job(priority=Priority.LOW)), Command.START, Command.FAIL)
    job = jobs.update(conn, job.id, JobChanges(attempts=4, failures={FailureKind.IO: 4}, notes=("x",)))
    again = brought(conn, job, Command.RETRY, now=50.0)
    assert (again.priority, again.queued_at, again.attempts, again.failures) == (Priority.NORMAL, 50.0, 0, {})
    assert (again.error, again.finished_at, again.started_at, again.notes) == (None, None, None, ())


@pytest.mark.parametrize(
    ("commands", "kept"),
    [
        ((Command.START, Command.FAIL, Command.RETRY), 1),
        ((Command.START, Command.CANCEL, Command.RETRY), 1),
        ((Command.START, Command.COMPLETE, Command.RETRY), 0),
    ],
)
def test_a_retry_goes_on_from_the_checkpoint_except_after_completed(
    conn: sqlite3.Connection, commands: tuple[Command, ...], kept: int
) -> None:
    job = queued(conn)
    checkpoints.save_block(conn, job.id, 0, making.plan(0, 320_000, None))
    brought(conn, job, *commands)
    assert checkpoints.load(conn, job.id).next_block == kept


def test_a_retry_after_the_file_changed_starts_from_the_beginning(conn: sqlite3.Connection) -> None:
    job = jobs.update(conn, brought(conn, queued(conn), Command.START).id, EVERYTHING)
    checkpoints.save_block(conn, job.id, 0, making.plan(0, 320_000, None))
    changed = making.Failure(kind=FailureKind.INPUT_CHANGED, message="it is another file now")
    jobs.transition(conn, job.id, Command.FAIL, 2.0, changes=JobChanges(error=changed))
    again = brought(conn, job, Command.RETRY)
    assert (again.identity, again.done, again.language) == (None, 0.0, None)
    assert checkpoints.load(conn, job.id).next_block == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(Command)), max_size=30))
def test_any_commands_leave_rows_events_and_counts_in_agreement(
    conn: sqlite3.Connection, commands: list[tuple[int, Command]]
) -> None:
    conn.execute("SAVEPOINT example")
    made = [queued(conn, new_job(priority=priority)) for priority in Priority for _ in range(2)]
    for index, command in commands:
        job = jobs.get(conn, made[index].id)
        assert job is not None
        if command in TRANSITIONS[job.state]:
            after = brought(conn, job, command)
            assert events.of_job(conn, job.id)[-1].data["state"] == after.state
    rows = jobs.page(conn, limit=100)
    assert [row.id for row in rows] == sorted((job.id for job in made), reverse=True)
    expected = {state: sum(row.state is state for row in rows) for state in State}
    assert jobs.counts(conn) == expected
    order = sorted((row for row in rows if row.state is State.QUEUED), key=lambda row: (row.priority, row.id))
    assert jobs.places(conn, [row.id for row in rows]) == {row.id: n for n, row in enumerate(order, 1)}
    assert jobs.next_queued(conn, list(Priority)) == (order[0] if order else None)
    conn.execute("ROLLBACK TO example")


# -- the order --------------------------------------------------------------------------------------------------------


def test_the_class_goes_before_the_position_and_that_before_arrival(conn: sqlite3.Connection) -> None:
    low = queued(conn, new_job(priority=Priority.LOW))
    first, second = queued(conn), queued(conn)
    moved = jobs.update(conn, queued(conn).id, JobChanges(position=-1))
    dictation = queued(conn, new_job(priority=Priority.INTERACTIVE))
    order = [dictation, moved, first, second, low]
    assert jobs.places(conn, [job.id for job in order]) == {job.id: n for n, job in enumerate(order, 1)}
    for job in order:
        head = jobs.next_queued(conn, list(Priority))
        assert head is not None
        assert head.id == job.id
        brought(conn, job, Command.START)
    assert jobs.next_queued(conn, list(Priority)) is None


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_the_queue_follow_its_places_and_end_with_what_is_held(conn: sqlite3.Connection, limit: int) -> None:
    held = [queued(conn, new_job(hold="draft")) for _ in range(2)]
    low = queued(conn, new_job(priority=Priority.LOW))
    jobs.update(conn, queued(conn).id, JobChanges(position=-3))
    for _ in range(3):
        queued(conn)
    brought(conn, queued(conn), Command.PAUSE)
    pages: list[list[JobRow]] = []
    after = None
    while page := order.page(conn, limit=limit, after=after):
        pages.append(page)
        after = order.mark(page[-1])
    listed = [job.id for page in pages for job in page]
    places = jobs.places(conn, listed)
    assert [places.get(job) for job in listed] == [1, 2, 3, 4, 5, None, None]
    assert listed[4:] == [low.id, *(job.id for job in held)]
    assert all(len(page) <= limit for page in pages)


def test_only_the_classes_asked_for_are_started(conn: sqlite3.Connection) -> None:
    queued(conn)
    low = queued(conn, new_job(priority=Priority.LOW))
    assert jobs.next_queued(conn, [Priority.LOW]) == low
    assert jobs.next_queued(conn, [Priority.INTERACTIVE]) is None
    assert jobs.next_queued(conn, []) is None


def test_the_loaded_model_goes_before_arrival(conn: sqlite3.Connection) -> None:
    other, loaded = queued(conn, new_job(model="base")), queued(conn, new_job(model="small"))
    assert jobs.next_queued(conn, list(Priority), prefer_model="small") == loaded
    assert jobs.next_queued(conn, list(Priority), prefer_model="base") == other
    assert jobs.next_queued(conn, list(Priority), prefer_model="medium") == other


def test_a_job_with_no_model_of_its_own_takes_the_loaded_one(conn: sqlite3.Connection) -> None:
    queued(conn, new_job(model="base"))
    free, loaded = queued(conn), queued(conn, new_job(model="small"))
    assert jobs.next_queued(conn, list(Priority), prefer_model="small") == free
    chosen = jobs.update(conn, free.id, JobChanges(model="medium"))
    assert chosen.options.model is None
    assert jobs.next_queued(conn, list(Priority), prefer_model="small") == loaded


def test_the_loaded_model_overtakes_neither_a_class_nor_a_position_nor_an_overdue_job(
    conn: sqlite3.Connection,
) -> None:
    loaded = queued(conn, new_job(model="small", priority=Priority.LOW), now=1.0)
    normal = queued(conn, new_job(model="base"), now=2.0)
    assert jobs.next_queued(conn, list(Priority), prefer_model="small") == normal
    loaded = jobs.update(conn, loaded.id, JobChanges(priority=Priority.NORMAL))
    moved = jobs.update(conn, normal.id, JobChanges(position=-1))
    assert jobs.next_queued(conn, list(Priority), prefer_model="small") == moved
    jobs.update(conn, loaded.id, JobChanges(position=-1))
    late = queued(conn, new_job(model="tiny"), now=3.0)
    jobs.update(conn, late.id, JobChanges(position=-2))
    newer = jobs.update(conn, queued(conn, new_job(model="small"), now=9.0).id, JobChanges(position=-2))
    assert jobs.next_queued(conn, list(Priority), prefer_model="small", overdue_before=3.0) == newer
    overdue = jobs.next_queued(conn, list(Priority), prefer_model="small", overdue_before=4.0)
    assert overdue is not None
    assert overdue.id == late.id


def test_a_held_job_neither_starts_nor_has_a_place(conn: sqlite3.Connection) -> None:
    held, free = queued(conn, new_job(hold="draft")), queued(conn)
    assert jobs.next_queued(conn, list(Priority)) == free
    assert jobs.places(conn, [held.id, free.id]) == {free.id: 1}
    jobs.update(conn, held.id, JobChanges(hold=None))
    assert jobs.places(conn, [held.id, free.id]) == {held.id: 1, free.id: 2}


def test_places_are_right_over_many_stretches_of_the_queue(conn: sqlite3.Connection) -> None:
    chance = random.Random(4)
    made = [queued(conn, new_job(priority=chance.choice(list(Priority)))) for _ in range(1_500)]
    for job in chance.sample(made, 500):
        brought(conn, job, chance.choice([Command.START, Command.CANCEL, Command.PAUSE]))
    for job in chance.sample(made, 50):
        jobs.update(conn, job.id, JobChanges(position=chance.randint(-2, 2)))
    ready = [job for job in jobs.page(conn, limit=2_000) if job.state is State.QUEUED]
    ready.sort(key=lambda job: (job.priority, job.position, job.id))
    assert jobs.places(conn, [job.id for job in made]) == {job.id: n for n, job in enumerate(ready, 1)}


# -- lists ------------------------------------------------------------------------------------------------------------


def test_pages_follow_each_other_newest_first_without_gap_or_repeat(conn: sqlite3.Connection) -> None:
    made = [queued(conn).id for _ in range(25)]
    seen: list[int] = []
    before: int | None = None
    while rows := jobs.page(conn, limit=10, before=before):
        seen += [row.id for row in rows]
        before = rows[-1].id
    assert seen == made[::-1]


def test_a_page_is_filtered_by_state_and_kind(conn: sqlite3.Connection) -> None:
    file, watch = queued(conn), queued(conn, new_job(kind=Kind.WATCH))
    failed = brought(conn, queued(conn, new_job(kind=Kind.WATCH)), Command.START, Command.FAIL)
    running = brought(conn, queued(conn), Command.START)

    def ids(states: list[State], kinds: list[Kind]) -> list[int]:
        return [row.id for row in jobs.page(conn, states=states, kinds=kinds, limit=10)]

    assert ids([], []) == [running.id, failed.id, watch.id, file.id]
    assert ids([State.QUEUED], []) == [watch.id, file.id]
    assert ids([], [Kind.WATCH]) == [failed.id, watch.id]
    assert ids([State.FAILED, State.RUNNING], [Kind.WATCH]) == [failed.id]
    assert [row.id for row in jobs.page(conn, states=[State.QUEUED], limit=1, before=watch.id)] == [file.id]


def test_many_are_given_in_the_order_asked_for_and_unknown_ones_left_out(conn: sqlite3.Connection) -> None:
    first, second = queued(conn), queued(conn)
    assert jobs.get_many(conn, [second.id, 99, first.id]) == [second, first]


def test_only_what_has_ended_is_deleted_and_its_id_is_never_given_again(conn: sqlite3.Connection) -> None:
    waiting, ended = queued(conn), brought(conn, queued(conn), Command.START)
    checkpoints.save_block(conn, ended.id, 0, making.plan(0, 320_000, None))
    checkpoints.save_batch(conn, ended.id, 0, 0, (), 1.0, 10.0)
    brought(conn, ended, Command.COMPLETE)
    assert jobs.delete(conn, [waiting.id, ended.id, 99]) == 1
    assert jobs.get(conn, ended.id) is None
    assert checkpoints.load(conn, ended.id).blocks == ()
    assert queued(conn).id > ended.id
    assert events.of_job(conn, ended.id) != []
    assert jobs.counts(conn)[State.COMPLETED] == 0
