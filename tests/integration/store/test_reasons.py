"""No job waits for what no longer is: through any commands to jobs and batches, every reason is a true one."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.integration.store.making import FAILURE, brought, new_job, queued
from whisperd.errors import NotFoundError, RefusedError
from whisperd.jobs.batches import BatchCommand, BatchState, hold_of
from whisperd.jobs.job import Kind, Options, Priority, State
from whisperd.jobs.transitions import Command
from whisperd.store import batch_items, batches, jobs, migrations, order, recovery
from whisperd.store.connection import connect
from whisperd.store.jobs import JobChanges, NewJob

NAMES = ["one", "two"]
GIVEN = [BatchCommand.START, BatchCommand.PAUSE, BatchCommand.RESUME]


def item(path: bytes = b"/audio/a.wav", signature: str | None = None) -> NewJob:
    return NewJob(path=path, kind=Kind.BATCH, priority=Priority.LOW, signature=signature)


def draft(conn: sqlite3.Connection, *new: NewJob) -> tuple[batches.BatchRow, list[jobs.JobRow]]:
    batch, _ = batches.create(conn, "one", 3, Options(), 1.0)
    return batch, batch_items.add(conn, batch, [(job, None) for job in new], 1.0)[0]


def test_an_item_that_was_taken_out_of_a_draft_starts_when_it_is_retried(conn: sqlite3.Connection) -> None:
    batch, [first, _] = draft(conn, item(), item(b"/audio/b.wav"))
    batch_items.remove(conn, batch, first.id, 2.0)
    retried = brought(conn, first, Command.RETRY)
    assert (retried.state, retried.hold, retried.batch) == (State.QUEUED, None, None)
    assert order.places(conn, [first.id]) == {first.id: 1}


def test_what_has_ended_is_held_by_nothing(conn: sqlite3.Connection) -> None:
    _, [first] = draft(conn, item())
    assert brought(conn, first, Command.CANCEL).hold is None


def test_a_job_that_an_earlier_daemon_left_without_its_batch_is_released_at_start(conn: sqlite3.Connection) -> None:
    stuck = jobs.update(conn, queued(conn).id, JobChanges(hold="the batch is a draft"))
    [released] = recovery.release_held(conn, 3.0)
    assert (released.job.id, released.job.hold) == (stuck.id, None)
    assert released.events[0].data["reason"] == "its batch is no more"
    assert recovery.release_held(conn, 4.0) == []


def test_a_file_sent_by_hand_does_not_wait_for_the_draft_that_has_it_too(conn: sqlite3.Connection) -> None:
    _, [held] = draft(conn, item(signature="same"))
    by_hand = NewJob(path=b"/audio/a.wav", kind=Kind.FILE, priority=Priority.NORMAL, signature="same")
    sent = jobs.insert(conn, by_hand, 2.0).job
    assert (sent.id != held.id, sent.hold) == (True, None)
    assert jobs.insert(conn, by_hand, 3.0).job.id == sent.id


def test_files_that_could_not_be_written_are_not_written_for_a_job_that_was_queued_again(
    conn: sqlite3.Connection,
) -> None:
    job = brought(conn, queued(conn), Command.START)
    jobs.transition(conn, job.id, Command.COMPLETE, 2.0, changes=JobChanges(outputs_due_at=32.0, outputs_tries=1))
    again = brought(conn, job, Command.RETRY)
    assert (again.outputs_due_at, again.outputs_tries, order.outputs_due(conn, 99.0)) == (None, 0, [])


# -- any sequence -----------------------------------------------------------------------------------------------------


class AnySequence(RuleBasedStateMachine):
    """Two batches and jobs of none, under every command, legal or not; what is refused is rolled back as in life."""

    def __init__(self) -> None:
        super().__init__()
        self.conn = connect(Path(":memory:"))
        migrations.migrate(self.conn, Path(":memory:"), now=0.0)
        self.now = 0.0

    def teardown(self) -> None:
        self.conn.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.now += 1.0
        self.conn.execute("BEGIN")
        try:
            yield
        except (RefusedError, NotFoundError):
            self.conn.execute("ROLLBACK")
        else:
            self.conn.execute("COMMIT")

    def job(self, number: int) -> int:
        ids = [job for (job,) in self.conn.execute("SELECT id FROM jobs ORDER BY id")]
        return ids[number % len(ids)] if ids else 0

    @rule(name=st.sampled_from(NAMES), start=st.booleans())
    def a_batch_is_made(self, name: str, start: bool) -> None:
        with self.transaction():
            batch, _ = batches.create(self.conn, name, 3, Options(), self.now)
            batch_items.add(self.conn, batch, [(item(), None), (item(), FAILURE)], self.now)
            if start:
                batches.transition(self.conn, batch, BatchCommand.START, self.now)

    @rule(name=st.sampled_from(NAMES), failed=st.booleans())
    def an_item_is_added(self, name: str, failed: bool) -> None:
        with self.transaction():
            batch = batches.find(self.conn, name)
            batch_items.add(self.conn, batch, [(item(), FAILURE if failed else None)], self.now)

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 9))
    def an_item_is_taken_out(self, name: str, number: int) -> None:
        with self.transaction():
            batch_items.remove(self.conn, batches.find(self.conn, name), self.job(number), self.now)

    @rule(name=st.sampled_from(NAMES), command=st.sampled_from(GIVEN))
    def a_batch_is_commanded(self, name: str, command: BatchCommand) -> None:
        with self.transaction():
            after, _ = batches.transition(self.conn, batches.find(self.conn, name), command, self.now)
            if after.state is BatchState.RUNNING:
                batches.item_ended(self.conn, after.id, self.now)

    @rule(name=st.sampled_from(NAMES))
    def a_batch_is_cancelled(self, name: str) -> None:
        with self.transaction():
            batch, _ = batches.transition(self.conn, batches.find(self.conn, name), BatchCommand.CANCEL, self.now)
            batch_items.cancel(self.conn, batch, self.now)

    @rule(name=st.sampled_from(NAMES))
    def a_batch_is_deleted(self, name: str) -> None:
        with self.transaction():
            batch_items.delete(self.conn, batches.find(self.conn, name), self.now, with_transcripts=False)

    @rule()
    def a_file_is_sent_by_hand(self) -> None:
        with self.transaction():
            jobs.insert(self.conn, new_job(), self.now)

    @rule(number=st.integers(0, 9), command=st.sampled_from(Command), unwritten=st.booleans())
    def a_job_is_commanded(self, number: int, command: Command, unwritten: bool) -> None:
        changes = {
            Command.WAIT: JobChanges(retry_at=self.now + 30.0, error=FAILURE),
            Command.FAIL: JobChanges(error=FAILURE),
            Command.COMPLETE: JobChanges(outputs_due_at=self.now + 30.0 if unwritten else None),
        }.get(command)
        with self.transaction():
            jobs.transition(self.conn, self.job(number), command, self.now, changes=changes)

    @rule(number=st.integers(0, 9))
    def a_job_is_deleted(self, number: int) -> None:
        with self.transaction():
            jobs.delete(self.conn, [self.job(number)])

    @invariant()
    def every_reason_is_a_true_one(self) -> None:
        for job in jobs.page(self.conn, limit=1000):
            batch = None if job.batch is None else batches.get(self.conn, job.batch)
            due = hold_of(batch.state) if batch and job.state is State.QUEUED else None
            assert job.hold == due, f"{job.state.value} job of {batch}"
            assert job.outputs_due_at is None or job.state is State.COMPLETED
            assert (job.company is None) == (batch is None)
            waits = job.state is State.QUEUED and job.hold is None
            assert (job.id in order.places(self.conn, [job.id])) == waits

    @invariant()
    def a_batch_that_has_ended_has_ended_items_and_one_that_has_not_has_others_or_none(self) -> None:
        for batch in batches.page(self.conn, limit=1000):
            items = batches.counts(self.conn, batch.id)
            unfinished = any(not state.final for state in items)
            if batch.state.final:
                assert not unfinished
            elif batch.state is not BatchState.DRAFT:
                assert unfinished or not items


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(
    max_examples=60, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]
)
