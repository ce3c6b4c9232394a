"""Asking costs the same with 100,000 jobs as with a few: counted in SQLite's steps, which no busy machine changes."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from whisperd.jobs.job import Priority, State
from whisperd.store import jobs, migrations, order
from whisperd.store.connection import connect

JOBS = 100_000


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path: Path = tmp_path_factory.mktemp("scale") / "whisperd.db"
    conn = connect(path)
    migrations.migrate(conn, path, 0.0)
    conn.execute("BEGIN")
    conn.execute(
        """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO jobs (kind, priority, state, path, options, requested_model, created_at, queued_at)
        SELECT 'file', 1 + i % 2, 'queued', x'41', json_object('model', iif(i <= 2, 'base', 'small')),
            iif(i <= 2, 'base', 'small'), i, i FROM n""",
        (JOBS,),
    )
    conn.execute("COMMIT")
    yield conn
    conn.close()


def steps(conn: sqlite3.Connection, query: Callable[[sqlite3.Connection], object]) -> int:
    """Hundreds of virtual-machine instructions that a query takes, plus one."""
    taken = 1

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    conn.set_progress_handler(count, 100)
    query(conn)
    conn.set_progress_handler(None, 0)
    return taken


QUERIES: dict[str, Callable[[sqlite3.Connection], object]] = {
    "counts": jobs.counts,
    "newest page": lambda conn: jobs.page(conn, limit=100),
    "oldest page": lambda conn: jobs.page(conn, limit=100, before=101),
    "newest queued": lambda conn: jobs.page(conn, states=[State.QUEUED], limit=100),
    "oldest queued": lambda conn: jobs.page(conn, states=[State.QUEUED], limit=100, before=101),
    "none failed": lambda conn: jobs.page(conn, states=[State.FAILED], limit=100),
    "next": lambda conn: jobs.next_queued(conn, list(Priority)),
    "next of a model": lambda conn: jobs.next_queued(conn, list(Priority), prefer_model="small"),
    "next of no model": lambda conn: jobs.next_queued(conn, list(Priority), prefer_model="medium"),
    "first places": lambda conn: jobs.places(conn, range(1, 51)),
    "first page of the queue": lambda conn: order.page(conn, limit=100),
    "last page of the queue": lambda conn: order.page(conn, limit=100, after=order.Mark(False, 2, 0, JOBS - 100)),
    "last places": lambda conn: jobs.places(conn, range(JOBS - 50, JOBS)),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_asking_reads_little_of_a_long_queue(
    crowded: sqlite3.Connection, query: Callable[[sqlite3.Connection], object]
) -> None:
    # Reading every job once, by the fastest index, takes three instructions or more a job: 3,000 of these.
    assert steps(crowded, query) < 300


def test_reading_every_job_would_be_noticed(crowded: sqlite3.Connection) -> None:
    everything = "SELECT count(*) FROM jobs WHERE state = 'queued' AND hold IS NULL"
    assert steps(crowded, lambda conn: conn.execute(everything).fetchall()) > 1_000


def test_the_answers_are_right(crowded: sqlite3.Connection) -> None:
    assert jobs.counts(crowded)[State.QUEUED] == JOBS
    assert jobs.places(crowded, [1, 2, JOBS]) == {2: 1, 1: JOBS // 2 + 1, JOBS: JOBS // 2}
    head = jobs.next_queued(crowded, list(Priority), prefer_model="small")
    assert head is not None
    assert head.id == 4
