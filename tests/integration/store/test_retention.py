"""What is over its time or its room goes, a little at a time; everything else stays."""

import sqlite3
import time
from pathlib import Path

import pytest

from tests.integration.store.making import FAILURE, brought, plan, queued, result
from tests.integration.store.test_history import said
from whisperd.clock import SteadyClock
from whisperd.config.current import Current
from whisperd.config.settings import RetentionSettings
from whisperd.events import EventBus
from whisperd.jobs.transitions import Command
from whisperd.ops import retention as task
from whisperd.ops.retention import Retention, cutoffs
from whisperd.store import checkpoints, events, history, jobs, retention, transcripts
from whisperd.store.connection import Database, connect
from whisperd.store.history import Filter
from whisperd.store.retention import Cutoffs

DAY = 86_400.0


def completed(conn: sqlite3.Connection, at: float, text: str = "word") -> int:
    """A completed job with its checkpoint and its transcript."""
    job = brought(conn, queued(conn, now=at), Command.START, now=at)
    block = plan(0, 160_000, None, batches=1)
    checkpoints.save_block(conn, job.id, 0, block)
    checkpoints.save_batch(conn, job.id, 0, 0, (result(block.chunks[0]),), 1.0, 10.0)
    transcripts.save(conn, job, said(text), at)
    return brought(conn, job, Command.COMPLETE, now=at).id


def left(conn: sqlite3.Connection) -> list[int]:
    return sorted(row.job for row in history.page(conn, Filter(), limit=100))


def test_limits_are_times_before_now_and_bytes() -> None:
    settings = RetentionSettings(transcript_days=2, transcript_mb=3, job_days=None, checkpoint_days=1, event_days=4)
    assert cutoffs(settings, 10 * DAY) == Cutoffs(
        transcripts=8 * DAY,
        transcript_bytes=3_000_000,
        jobs=None,
        checkpoints=9 * DAY,
        events=6 * DAY,
        max_events=1_000_000,
    )


def test_by_default_no_transcript_is_ever_removed(conn: sqlite3.Connection) -> None:
    completed(conn, 1.0)
    limits = cutoffs(RetentionSettings(), 1e12)
    assert retention.old_transcripts(conn, limits, 10) == []


def test_transcripts_go_by_age_the_oldest_first(conn: sqlite3.Connection) -> None:
    ids = [completed(conn, at) for at in (3.0, 1.0, 2.0, 9.0)]
    assert retention.old_transcripts(conn, Cutoffs(transcripts=3.5), 2) == [ids[1], ids[2]]
    assert retention.old_transcripts(conn, Cutoffs(transcripts=3.5), 9) == [ids[1], ids[2], ids[0]]


@pytest.mark.parametrize(("room", "gone"), [(10, 0), (3, 0), (2.5, 1), (1, 2), (0.5, 3)])
def test_transcripts_go_by_size_the_oldest_first(conn: sqlite3.Connection, room: float, gone: int) -> None:
    ids = [completed(conn, at) for at in (1.0, 2.0, 3.0)]
    (each,) = conn.execute("SELECT max(size) FROM transcripts").fetchone()
    assert retention.old_transcripts(conn, Cutoffs(transcript_bytes=int(room * each)), 9) == ids[:gone]


def test_a_transcript_whose_job_is_done_again_stays_until_then(conn: sqlite3.Connection) -> None:
    job = completed(conn, 1.0)
    brought(conn, jobs.transition(conn, job, Command.RETRY, 2.0).job, Command.START)
    assert retention.old_transcripts(conn, Cutoffs(transcripts=9.0), 9) == []


def test_finished_jobs_leave_the_list_and_their_transcripts_stay(conn: sqlite3.Connection) -> None:
    old, young = completed(conn, 1.0), completed(conn, 5.0)
    waits = queued(conn, now=1.0).id
    assert retention.old_jobs(conn, 3.0, 9) == [old]
    assert retention.remove_jobs(conn, [old, waits], 3.0) == 1
    assert [job.id for job in jobs.page(conn, limit=9)] == [waits, young]
    assert left(conn) == [old, young]


def test_a_batch_goes_when_all_of_it_is_old(conn: sqlite3.Connection) -> None:
    conn.execute(
        """INSERT INTO batches (id, name, state, concurrency, options, created_at, finished_at) VALUES
        (1, 'going on', 'running', 3, '{}', 1.0, NULL), (2, 'done', 'completed', 3, '{}', 1.0, 2.0)"""
    )
    items = [completed(conn, 1.0), completed(conn, 1.0)]
    conn.executemany("UPDATE jobs SET batch = ? WHERE id = ?", [(1, items[0]), (2, items[1])])
    assert retention.old_jobs(conn, 3.0, 9) == [items[1]]
    retention.remove_jobs(conn, [items[1]], 3.0)
    assert conn.execute("SELECT id FROM batches").fetchall() == [(1,)]


def test_a_completed_job_needs_no_checkpoint_and_a_failed_one_for_a_while(conn: sqlite3.Connection) -> None:
    done = completed(conn, 5.0)
    failed = brought(conn, queued(conn), Command.START)
    checkpoints.save_block(conn, failed.id, 0, plan(0, 160_000, None))
    running = brought(conn, queued(conn), Command.START)
    checkpoints.save_block(conn, running.id, 0, plan(0, 160_000, None))
    brought(conn, failed, Command.FAIL, now=4.0)
    assert retention.old_checkpoints(conn, 3.0, 9) == [done]
    assert retention.old_checkpoints(conn, 4.5, 9) == [done, failed.id]
    assert retention.remove_checkpoints(conn, [done, failed.id, running.id]) == 2
    assert conn.execute("SELECT DISTINCT job FROM blocks").fetchall() == [(running.id,)]
    kept = jobs.get(conn, done)
    assert kept is not None
    assert kept.done == 10.0
    assert jobs.get_many(conn, [failed.id])[0].error == FAILURE


def test_events_go_by_age_and_by_number_but_never_the_newest(conn: sqlite3.Connection) -> None:
    for at in range(10):
        events.append(conn, "queue.state", {}, None, float(at))
    assert events.prunable(conn, 0.0, 100) == 0
    assert events.prunable(conn, 4.0, 100) == 4
    assert events.prunable(conn, 4.0, 3) == 7
    assert events.prunable(conn, 1e9, 100) == 9
    assert (events.prune(conn, 4, 3), events.prune(conn, 4, 3), events.prune(conn, 4, 3)) == (3, 1, 0)
    assert [event.seq for event in events.since(conn, 0, limit=100)] == [5, 6, 7, 8, 9, 10]
    assert events.pruned(conn) == 4


def test_a_jobs_story_goes_with_it_but_for_the_newest_event_of_all(conn: sqlite3.Connection) -> None:
    first, second = queued(conn), brought(conn, queued(conn), Command.START)
    events.forget(conn, second.id)
    assert [event.job for event in events.since(conn, 0, limit=9)] == [first.id, second.id]
    assert events.since(conn, 0, limit=9)[-1].seq == events.newest(conn) == 3


@pytest.mark.anyio
async def test_all_limits_are_enforced_and_the_room_is_given_back(path: Path) -> None:
    async with Database.open(path) as database:
        bus = EventBus(0)
        old = [await database.write(lambda c: completed(c, 1.0, "word " * 20_000)) for _ in range(150)]
        kept = await database.write(lambda c: completed(c, time.time()))
        before = await database.read(retention.size)
        work = Retention(database, bus, Current.__new__(Current), SteadyClock(None))
        limits = Cutoffs(transcripts=2.0, jobs=2.0, checkpoints=2.0, events=2.0)
        removed = await work.enforce(limits)
        assert removed == task.Removed(transcripts=150, jobs=150, checkpoints=151, events=450)
        assert await database.read(left) == [kept]
        assert bus.pruned == await database.read(events.pruned) == 450
        after = await database.read(retention.size)
        assert after.bytes < before.bytes / 2
        assert after.free <= retention.SPARE_PAGES * 4096
        assert await work.enforce(limits) == task.Removed()
        assert old
    connection = connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.execute("INSERT INTO transcript_words (transcript_words) VALUES ('integrity-check')")
    connection.close()
