"""Jobs of a daemon under measurement: sent, waited for, and looked at in its database.

Owns: submitting with a wait of any length, and reading plans and results with the store's own queries on a read-only
connection.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.harness import Client, Daemon
from whisperd.frames import Chunk, ChunkResult
from whisperd.store import checkpoints

FINAL = ("completed", "failed", "cancelled")
ONE_WAIT = 30.0
"""Seconds of one `job.wait`: under the test client's own deadline for a call."""


def completed(daemon: Daemon, path: Path, *, deadline: float = 7200, **options: Any) -> dict[str, Any]:
    """The job of a file, once it is completed. Fails when it fails or takes longer than `deadline` seconds."""
    [job] = daemon.submit(path, options=options)
    return all_completed(daemon, [job["id"]], deadline=deadline)[0]


def all_completed(daemon: Daemon, ids: Sequence[int], *, deadline: float = 7200) -> list[dict[str, Any]]:
    """These jobs, once all of them are completed."""
    jobs = all_final(daemon, ids, deadline=deadline)
    failed = [job for job in jobs if job["state"] != "completed"]
    assert not failed, failed
    return jobs


def all_final(daemon: Daemon, ids: Sequence[int], *, deadline: float = 7200) -> list[dict[str, Any]]:
    """These jobs, once each has come to an end of some kind."""
    end = time.monotonic() + deadline
    while True:
        jobs = daemon.call("job.wait", ids=list(ids), timeout=ONE_WAIT)["jobs"]
        if all(job["state"] in FINAL for job in jobs):
            return jobs
        assert time.monotonic() < end, f"not final after {deadline:.0f} s"


def seconds_taken(row: dict[str, Any]) -> float:
    """From the start of a job, or a batch, to its end, as its row tells it."""
    began, ended = (datetime.fromisoformat(row[moment]) for moment in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def state_events(daemon: Daemon) -> Client:
    """A connection that is told of every job's change of state."""
    client = daemon.client()
    client.call("events.subscribe", topics=["job.state"])
    return client


@contextlib.contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to a daemon's database, whether it runs or not."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        yield connection


def stored_chunks(database: Path, job: int) -> list[tuple[Chunk, ...]]:
    """The chunks of each block, in order."""
    with reading(database) as connection:
        return [stored.plan.chunks for stored in checkpoints.load(connection, job).blocks]


def stored_batch_size(database: Path, job: int) -> int:
    """Chunks of the largest decoding batch."""
    with reading(database) as connection:
        blocks = checkpoints.load(connection, job).blocks
    return max(len(batch) for stored in blocks for batch in stored.plan.batches)


def stored_results(database: Path, job: int) -> tuple[ChunkResult, ...]:
    """The results of all chunks, in the order of the audio."""
    with reading(database) as connection:
        return checkpoints.results(connection, job)
