"""Checkpoints, transcripts, events and measurements: what goes in comes out, to the last bit."""

import sqlite3

import msgspec
import pytest

from tests.integration.store.making import brought, plan, queued, result
from whisperd.frames import AudioContext, Chunk, ChunkResult, Damage
from whisperd.jobs.job import State
from whisperd.jobs.transitions import Command
from whisperd.store import checkpoints, events, jobs, measurements, transcripts
from whisperd.store.measurements import Calibration
from whisperd.transcripts.transcript import Transcript


def test_a_job_without_a_checkpoint_starts_at_the_beginning(conn: sqlite3.Connection) -> None:
    checkpoint = checkpoints.load(conn, queued(conn).id)
    assert (checkpoint.blocks, checkpoint.next_block, checkpoint.next_start) == ((), 0, 0)


def test_a_resume_finds_the_plans_the_pending_batches_and_the_next_start(conn: sqlite3.Connection) -> None:
    job = brought(conn, queued(conn), Command.START)
    first, second = plan(0, 9_600_000, 9_500_000), plan(9_500_000, 16_000_000, 15_900_000, batches=3)
    checkpoints.save_block(conn, job.id, 0, first)
    for batch in (0, 1):
        checkpoints.save_batch(conn, job.id, 0, batch, (result(first.chunks[batch]),), 1.5, 300.0)
    checkpoints.save_block(conn, job.id, 1, second)
    checkpoints.save_batch(conn, job.id, 1, 1, (result(second.chunks[1]),), 2.0, 600.0)
    checkpoint = checkpoints.load(conn, job.id)
    assert [block.plan for block in checkpoint.blocks] == [first, second]
    assert [block.pending for block in checkpoint.blocks] == [(), (0, 2)]
    assert (checkpoint.next_block, checkpoint.next_start) == (2, 15_900_000)
    assert checkpoint.damage == Damage(bad_packets=2, missing=320)


def test_a_stored_batch_is_progress_and_proof_that_the_job_can_be_worked_on(conn: sqlite3.Connection) -> None:
    job = brought(conn, queued(conn), Command.START)
    checkpoints.save_block(conn, job.id, 0, plan(0, 320_000, None))
    checkpoints.save_batch(conn, job.id, 0, 0, (), 1.5, 10.0)
    checkpoints.save_batch(conn, job.id, 0, 1, (), 2.5, 20.0)
    after = jobs.get(conn, job.id)
    assert after is not None
    assert (after.done, after.processing_time, after.unfinished_starts) == (20.0, 4.0, 0)


def test_results_come_back_bit_by_bit_in_the_order_of_the_audio(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    block = plan(0, 960_000, None, batches=3)
    checkpoints.save_block(conn, job.id, 0, block)
    expected = tuple(result(chunk, f" {n}") for n, chunk in enumerate(block.chunks))
    for batch in (2, 0, 1):
        checkpoints.save_batch(conn, job.id, 0, batch, (expected[batch],), 0.1, 1.0)
    stored = checkpoints.results(conn, job.id)
    assert stored == expected
    assert msgspec.msgpack.encode(stored) == msgspec.msgpack.encode(expected)


def test_what_was_planned_and_decoded_before_chunks_had_speech_is_still_read(conn: sqlite3.Connection) -> None:
    """The version before stored chunks of two positions and a context, and results without `unheard`."""
    job = queued(conn)
    block = plan(0, 320_000, None)
    chunk = {"start": 0, "end": 160_000, "context": 1_500}
    planned = {"start": 0, "end": 320_000, "next_start": None, "chunks": [chunk], "batches": [[0]], "damage": {}}
    checkpoints.save_block(conn, job.id, 0, block)
    checkpoints.save_batch(conn, job.id, 0, 0, (), 1.0, 10.0)
    stored = [{"chunk": chunk, "segments": [], "attempts": 3}]
    conn.execute("UPDATE blocks SET plan = ?", (msgspec.msgpack.encode(planned),))
    conn.execute("UPDATE decoded_batches SET results = ?", (msgspec.msgpack.encode(stored),))
    [read] = checkpoints.load(conn, job.id).blocks
    assert read.plan.chunks == (Chunk(0, 160_000, 1_500),)
    assert checkpoints.results(conn, job.id) == (ChunkResult(Chunk(0, 160_000, 1_500), (), attempts=3),)


def test_a_batch_is_stored_once_and_only_of_a_planned_block(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    checkpoints.save_block(conn, job.id, 0, plan(0, 320_000, None))
    checkpoints.save_batch(conn, job.id, 0, 0, (), 1.0, 10.0)
    with pytest.raises(sqlite3.IntegrityError):
        checkpoints.save_batch(conn, job.id, 0, 0, (), 1.0, 10.0)
    with pytest.raises(sqlite3.IntegrityError):
        checkpoints.save_batch(conn, job.id, 1, 0, (), 1.0, 10.0)
    with pytest.raises(sqlite3.IntegrityError):
        checkpoints.save_block(conn, job.id, 0, plan(0, 640_000, None))


def test_discarding_forgets_one_job_only(conn: sqlite3.Connection) -> None:
    job, other = queued(conn), queued(conn)
    for each in (job, other):
        checkpoints.save_block(conn, each.id, 0, plan(0, 320_000, None))
        checkpoints.save_batch(conn, each.id, 0, 0, (result(Chunk(0, 160_000)),), 1.0, 10.0)
    checkpoints.discard(conn, job.id)
    assert (checkpoints.load(conn, job.id).blocks, checkpoints.results(conn, job.id)) == ((), ())
    assert len(checkpoints.results(conn, other.id)) == 1
    after = jobs.get(conn, job.id)
    assert after is not None
    assert (after.done, after.processing_time) == (0.0, 0.0)


# -- transcripts ------------------------------------------------------------------------------------------------------


def transcript(text: str) -> Transcript:
    return Transcript(
        text=text,
        segments=result(Chunk(0, 160_000)).segments,
        language="en",
        language_probability=0.1 + 0.2,
        confidence=1 / 3,
        duration=10.0,
        processing_time=2.0,
        model="test-en",
        device="cpu",
        partial=True,
        missing=1.5,
        unheard=2.25,
        notes=("a note",),
    )


def test_a_transcript_comes_back_and_a_later_one_takes_its_place(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    assert transcripts.get(conn, job.id) is None
    transcripts.save(conn, job, transcript("one"), 1.0)
    assert transcripts.get(conn, job.id) == transcript("one")
    transcripts.save(conn, job, transcript("two"), 2.0)
    assert transcripts.get(conn, job.id) == transcript("two")


def test_the_text_can_be_searched_and_outlives_its_job(conn: sqlite3.Connection) -> None:
    job = brought(conn, queued(conn), Command.START, Command.COMPLETE)
    assert job.state is State.COMPLETED
    transcripts.save(conn, job, transcript("the lighthouse"), 1.0)
    jobs.delete(conn, [job.id])
    found = conn.execute("SELECT job FROM transcript_texts WHERE text LIKE '%lighthouse%'").fetchall()
    assert found == [(job.id,)]


# -- events -----------------------------------------------------------------------------------------------------------


def test_events_are_numbered_and_read_from_any_of_them_on(conn: sqlite3.Connection) -> None:
    assert events.newest(conn) == 0
    made = [events.append(conn, "queue.state", {"n": n}, None, float(n)) for n in range(5)]
    assert events.newest(conn) == made[-1].seq
    assert events.since(conn, 0, limit=100) == made
    assert events.since(conn, made[1].seq, limit=2) == made[2:4]
    assert events.since(conn, made[-1].seq, limit=100) == []


def test_events_are_filtered_by_topic_and_job(conn: sqlite3.Connection) -> None:
    first = events.append(conn, "job.state", {}, 1, 1.0)
    second = events.append(conn, "job.state", {}, 2, 2.0)
    third = events.append(conn, "queue.state", {"text": "ü"}, None, 3.0)
    assert events.since(conn, 0, limit=9, topics=["queue.state"]) == [third]
    assert events.since(conn, 0, limit=9, jobs=[2]) == [second]
    assert events.since(conn, 0, limit=9, topics=["job.state"], jobs=[1, 2]) == [first, second]
    assert events.of_job(conn, 1) == [first]


# -- measurements -----------------------------------------------------------------------------------------------------


def test_the_real_time_factor_is_of_all_work_and_of_newer_work_more(conn: sqlite3.Connection) -> None:
    assert measurements.real_time_factor(conn, "small", "cpu", "int8") is None
    measurements.save_speed(conn, "small", "cpu", "int8", 0.0, 1.0)
    assert measurements.real_time_factor(conn, "small", "cpu", "int8") is None
    measurements.save_speed(conn, "small", "cpu", "int8", 3_600.0, 360.0)
    assert measurements.real_time_factor(conn, "small", "cpu", "int8") == pytest.approx(0.1)
    measurements.save_speed(conn, "small", "cpu", "int8", 3_600.0, 720.0)
    assert measurements.real_time_factor(conn, "small", "cpu", "int8") == pytest.approx((0.5 * 0.1 + 0.2) / 1.5)
    assert measurements.real_time_factor(conn, "small", "cuda", "int8") is None


def test_a_calibration_belongs_to_an_engine_a_beam_and_a_context(conn: sqlite3.Connection) -> None:
    full, fit = AudioContext.FULL, AudioContext.FIT
    assert measurements.calibration(conn, "engine", 5, full) is None
    measurements.save_calibration(conn, "engine", 5, full, 2, {1: 0.3, 2: 0.1 + 0.2})
    measurements.save_calibration(conn, "engine", 5, full, 4, {4: 0.25})
    measurements.save_calibration(conn, "engine", 5, fit, 8, {8: 0.125})
    assert measurements.calibration(conn, "engine", 5, full) == Calibration(4, {4: 0.25})
    assert measurements.calibration(conn, "engine", 5, fit) == Calibration(8, {8: 0.125})
    assert measurements.calibration(conn, "engine", 1, full) is None
