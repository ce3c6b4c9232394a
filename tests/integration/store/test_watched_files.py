"""Watched files in the database: where a job's file is, what was written for it, what its leaving does to the job."""

import sqlite3

import pytest

from tests.integration.store.making import brought, new_job
from whisperd.frames import FailureKind
from whisperd.jobs.folder import Afterwards, FileState, FolderRules
from whisperd.jobs.job import Failure, Format, Kind, Output, State
from whisperd.jobs.transitions import Command
from whisperd.jobs.version import Version
from whisperd.store import jobs, watch
from whisperd.store.jobs import JobChanges, JobRow
from whisperd.store.watch import NewFile, Origin
from whisperd.watched import GRACE, left_place

ONE, TWO = Version(1, 2, 3, 4), Version(1, 2, 30, 40)
RULES = FolderRules(afterwards=Afterwards.DELETE, delete_after=3.0)
MISSING = Failure(FailureKind.INPUT_MISSING, "/drop/a.wav does not exist")
CHANGED = Failure(FailureKind.INPUT_CHANGED, "/drop/a.wav has changed")
WRITTEN = (Output(Format.TXT, "/drop/a.txt", size=5, digest="ab"),)


@pytest.fixture
def folder(conn: sqlite3.Connection) -> int:
    return watch.add(conn, b"/drop", Origin.COMMAND, RULES, (), 1.0).id


def taken(conn: sqlite3.Connection, folder: int, version: Version = ONE, name: bytes = b"a.wav") -> JobRow:
    new = new_job(b"/drop/" + name, kind=Kind.WATCH)
    return watch.queue(conn, folder, NewFile(b"", name, version), new, 1.0).job


def completed(conn: sqlite3.Connection, job: JobRow, outputs: tuple[Output, ...] = WRITTEN) -> JobRow:
    brought(conn, job, Command.START)
    return jobs.transition(conn, job.id, Command.COMPLETE, 2.0, changes=JobChanges(outputs=outputs)).job


def follow(conn: sqlite3.Connection, folder: int, name: bytes) -> None:
    known = watch.file(conn, folder, b"", b"a.wav")
    assert known is not None
    watch.follow(conn, folder, known, NewFile(b"", name, ONE), b"/drop/" + name, 3.0)


# -- where it is ------------------------------------------------------------------------------------------------------


def test_a_job_that_waits_for_its_file_goes_on_once_it_is_found(conn: sqlite3.Connection, folder: int) -> None:
    job = brought(conn, taken(conn, folder), Command.START)
    waiting = JobChanges(retry_at=99.0, error=MISSING, failures={FailureKind.INPUT_MISSING: 1})
    jobs.transition(conn, job.id, Command.WAIT, 2.0, changes=waiting)
    follow(conn, folder, b"b.wav")
    after = jobs.get(conn, job.id)
    assert after is not None
    assert (after.state, after.audio) == (State.QUEUED, b"/drop/b.wav")
    known = watch.file(conn, folder, b"", b"b.wav")
    assert known is not None
    assert (known.state, known.job) == (FileState.QUEUED, job.id)


def test_a_job_that_waits_for_something_else_still_does_when_its_file_moves(
    conn: sqlite3.Connection, folder: int
) -> None:
    job = brought(conn, taken(conn, folder), Command.START, Command.WAIT)
    follow(conn, folder, b"b.wav")
    after = jobs.get(conn, job.id)
    assert after is not None
    assert (after.state, after.audio) == (State.WAITING, b"/drop/b.wav")


def test_every_name_of_a_file_is_known_elsewhere(conn: sqlite3.Connection, folder: int) -> None:
    for name in (b"a.wav", b"b.wav", b"c.wav"):
        taken(conn, folder, name=name)
    twins = watch.elsewhere(conn, folder, NewFile(b"", b"c.wav", ONE))
    assert [twin.name for twin in twins] == [b"a.wav", b"b.wav"]


def test_a_file_that_leaves_is_no_failure_before_it_has_had_its_time(conn: sqlite3.Connection, folder: int) -> None:
    started = taken(conn, folder)
    command, reason, changes = left_place(started, started, MISSING, RULES, 100.0)
    assert (command, changes.retry_at) == (Command.WAIT, 100.0 + RULES.settle + GRACE)
    assert "it may turn up" in reason
    moved = jobs.update(conn, started.id, JobChanges(moved_to=b"/drop/b.wav"))
    assert left_place(started, moved, MISSING, RULES, 100.0)[0] is Command.REQUEUE
    waited = jobs.update(conn, started.id, JobChanges(failures={FailureKind.INPUT_MISSING: 1}))
    assert left_place(waited, waited, MISSING, RULES, 100.0)[0] is Command.FAIL
    assert left_place(started, started, MISSING, None, 100.0)[0] is Command.FAIL
    assert left_place(started, started, CHANGED, RULES, 100.0)[0] is Command.CANCEL
    assert left_place(started, started, CHANGED, None, 100.0)[0] is Command.FAIL


# -- what was written -------------------------------------------------------------------------------------------------


def test_what_was_written_for_audio_is_known_to_the_job_of_its_next_version(
    conn: sqlite3.Connection, folder: int
) -> None:
    first = completed(conn, taken(conn, folder))
    jobs.delete(conn, [first.id])
    second = taken(conn, folder, TWO)
    assert second.id != first.id
    assert watch.written(conn, second.id) == WRITTEN
    failed = (Output(Format.TXT, "/drop/a.txt", error="the disk is full"),)
    completed(conn, second, failed)
    assert watch.written(conn, taken(conn, folder, ONE).id) == WRITTEN


def test_what_was_written_is_left_alone_where_the_name_has_come_to_mean_another_recording(
    conn: sqlite3.Connection, folder: int
) -> None:
    completed(conn, taken(conn, folder))
    known = watch.file(conn, folder, b"", b"a.wav")
    assert known is not None
    watch.set_tended(conn, [(known.id, "the audio was moved to /archive/a.wav")])
    assert watch.written(conn, taken(conn, folder, TWO).id) == ()
    completed(conn, taken(conn, folder, TWO, b"b.wav"))
    renamed = watch.file(conn, folder, b"", b"b.wav")
    assert renamed is not None
    watch.follow(conn, folder, renamed, NewFile(b"", b"c.wav", TWO), b"/drop/c.wav", 3.0)
    assert watch.written(conn, taken(conn, folder, ONE, b"c.wav").id) == ()
