"""Jobs, plans and results for tests."""

import sqlite3
from pathlib import Path

from whisperd.frames import BlockPlan, Chunk, ChunkResult, Damage, FailureKind, Segment, Word
from whisperd.jobs.job import Failure, Kind, Options, Priority
from whisperd.jobs.transitions import Command
from whisperd.store import jobs
from whisperd.store.jobs import JobChanges, JobRow, NewJob

FAILURE = Failure(kind=FailureKind.IO, message="the disk did not answer", hint="look at the cable")


def new_job(
    path: bytes = b"/audio/a.wav",
    *,
    kind: Kind = Kind.FILE,
    priority: Priority = Priority.NORMAL,
    model: str | None = None,
    key: str | None = None,
    hold: str | None = None,
) -> NewJob:
    return NewJob(path=path, kind=kind, priority=priority, options=Options(model=model), key=key, hold=hold)


def queued(conn: sqlite3.Connection, new: NewJob | None = None, now: float = 1.0) -> JobRow:
    return jobs.insert(conn, new or new_job(), now).job


def brought(conn: sqlite3.Connection, job: JobRow, *commands: Command, now: float = 2.0) -> JobRow:
    """The job after these commands, given what each of them needs."""
    for command in commands:
        changes = {
            Command.WAIT: JobChanges(retry_at=now + 30.0, error=FAILURE),
            Command.FAIL: JobChanges(error=FAILURE),
        }.get(command)
        job = jobs.transition(conn, job.id, command, now, changes=changes).job
    return job


def plan(start: int, end: int, next_start: int | None, batches: int = 2) -> BlockPlan:
    """A block cut into one chunk a batch."""
    width = (end - start) // batches
    chunks = tuple(Chunk(start + n * width, start + (n + 1) * width) for n in range(batches))
    return BlockPlan(
        start=start,
        end=end,
        next_start=next_start,
        chunks=chunks,
        batches=tuple((n,) for n in range(batches)),
        damage=Damage(bad_packets=1, missing=160),
    )


def result(chunk: Chunk, text: str = " word") -> ChunkResult:
    """Floats that have no short decimal form, and one that is none at all."""
    word = Word(start=chunk.start / 3, end=chunk.end / 3, word=text, probability=1 / 7)
    segment = Segment(
        start=chunk.start / 3,
        end=chunk.end / 3,
        text=text,
        confidence=0.1 + 0.2,
        avg_logprob=float("-inf"),
        compression_ratio=1e-300,
        no_speech_prob=5e-324,
        seek=0,
        tokens=(1, 50_364),
        words=(word,),
    )
    return ChunkResult(chunk=chunk, segments=(segment,), attempts=2)


def content(path: Path) -> bytes:
    return path.read_bytes()
