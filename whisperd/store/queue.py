"""What a person does to the queue as a whole: pausing it, moving jobs in it, clearing what is finished.

Owns: those changes, and the table of daemon-wide switches. Leaves to others: the order itself (`order`), single jobs
(`jobs`).
"""

import sqlite3

from whisperd.errors import NotFoundError, RefusedError
from whisperd.jobs.job import Priority, State
from whisperd.store import events, jobs, transcripts
from whisperd.store.jobs import JobChanges, Transitioned
from whisperd.store.order import READY
from whisperd.wire import names


def startable(conn: sqlite3.Connection) -> dict[Priority, int]:
    """How many jobs of each class are queued and held back by nothing."""
    rows = conn.execute("SELECT priority, sum(count) FROM queue_counts GROUP BY priority")
    return {Priority(priority): count for priority, count in rows}


def is_paused(conn: sqlite3.Connection) -> bool:
    return conn.execute("SELECT 1 FROM switches WHERE name = 'queue_paused'").fetchone() is not None


def set_paused(conn: sqlite3.Connection, paused: bool) -> None:
    if paused:
        conn.execute("INSERT OR IGNORE INTO switches (name) VALUES ('queue_paused')")
    else:
        conn.execute("DELETE FROM switches WHERE name = 'queue_paused'")


def move(conn: sqlite3.Connection, job_id: int, place: int, now: float) -> Transitioned:
    """Put a queued job at a place of its class, 1 being the first and anything beyond the end the last.

    Raises NotFoundError, and RefusedError for a job that is not queued or is held back.
    """
    job = jobs.get(conn, job_id)
    if job is None:
        raise NotFoundError(f"there is no job {job_id}")
    if job.state is not State.QUEUED or job.hold is not None:
        held = f" ({job.hold})" if job.hold else ""
        raise RefusedError(f"job {job_id} is {job.state.value}{held}; only jobs that wait for their turn have a place")
    position = _make_room(conn, job_id, job.priority, place)
    moved = jobs.update(conn, job_id, JobChanges(position=position))
    data = {"state": job.state, "reason": f"moved to place {place}", "kind": job.kind, "attempts": job.attempts}
    return Transitioned(moved, (events.append(conn, names.TOPIC_JOB_STATE, data, job_id, now),))


def _make_room(conn: sqlite3.Connection, job_id: int, priority: Priority, place: int) -> int:
    """A position of its own between the jobs before the place and the one at it.

    Jobs that were never moved share a position and follow each other by id, so those before the place are shifted down
    together; the cost is that of the jobs before the place.
    """
    others = f"{READY} AND priority = ? AND id <> ?"
    at = conn.execute(
        f"SELECT position, id FROM jobs WHERE {others} ORDER BY position, id LIMIT 1 OFFSET ?",  # noqa: S608
        (priority, job_id, place - 1),
    ).fetchone()
    if at is None:
        (last,) = conn.execute(
            f"SELECT coalesce(max(position), 0) FROM jobs WHERE {others}",  # noqa: S608
            (priority, job_id),
        ).fetchone()
        return last + 1
    position, _ = at
    conn.execute(
        f"""UPDATE jobs SET position = CASE WHEN position < ?1 THEN position - 2 ELSE ?1 - 2 END
        WHERE {READY} AND priority = ?3 AND id <> ?4 AND (position < ?1 OR (position = ?1 AND id < ?2))""",  # noqa: S608
        (*at, priority, job_id),
    )
    return position - 1


def delete(conn: sqlite3.Connection, job_id: int) -> None:
    """Remove a finished job, its transcript and its story. Raises NotFoundError, RefusedError."""
    job = jobs.get(conn, job_id)
    if job is None:
        raise NotFoundError(f"there is no job {job_id}")
    if not job.state.final:
        raise RefusedError(
            f"job {job_id} is {job.state.value}; only finished jobs can be deleted", hint="cancel it first"
        )
    jobs.delete(conn, [job_id])
    forget(conn, job_id)


def forget(conn: sqlite3.Connection, job_id: int) -> None:
    """Remove what outlives a job's row: its transcript and its story."""
    transcripts.delete(conn, job_id)
    events.forget(conn, job_id)


def clear(conn: sqlite3.Connection) -> int:
    """Remove all finished jobs but the items of unfinished batches, and the finished batches; how many jobs there were.

    Their transcripts stay.
    """
    finished = conn.execute(
        """SELECT id FROM jobs WHERE finished_at IS NOT NULL
        AND (batch IS NULL OR batch IN (SELECT id FROM batches WHERE finished_at IS NOT NULL))"""
    )
    removed = jobs.delete(conn, [job_id for (job_id,) in finished])
    conn.execute("DELETE FROM batches WHERE finished_at IS NOT NULL AND id NOT IN (SELECT batch FROM jobs WHERE batch)")
    return removed
