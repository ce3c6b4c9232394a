"""The order of the queue: which job starts next, and which place each has.

Owns: the queries that follow it, in time that does not grow with the queue. Leaves to others: what is in the queue
(`jobs`), the kept counts (triggers in `migrations`), and whether a class may start at all (`whisperd.jobs.policy`).
"""

import json
import math
import sqlite3
from collections.abc import Collection, Iterable

import msgspec

from whisperd.jobs.job import Priority
from whisperd.store.rows import COLUMNS, JobRow, job_row

# Queued and held back by nothing; both indexes of the queue carry this condition.
READY = "state = 'queued' AND hold IS NULL"
_READY = f"INDEXED BY queue_by_arrival WHERE {READY}"
_HELD = "INDEXED BY queue_held WHERE state = 'queued' AND hold IS NOT NULL"


def places(conn: sqlite3.Connection, ids: Iterable[int]) -> dict[int, int]:
    """The place in the queue, from 1, of those of `ids` that are queued and not held back.

    Whole stretches of the queue are added up from their kept counts; only those that hold one of `ids` are read.
    """
    wanted = set(ids)
    holding = conn.execute(
        f"""SELECT DISTINCT priority, position, id >> 8 FROM jobs NOT INDEXED
        WHERE {READY} AND id IN (SELECT value FROM json_each(?))""",  # noqa: S608
        (json.dumps(list(wanted)),),
    )
    sought = set(holding)
    found: dict[int, int] = {}
    before = 0
    for priority, position, stretch, count in conn.execute(
        "SELECT priority, position, stretch, count FROM queue_counts ORDER BY priority, position, stretch"
    ):
        if (priority, position, stretch) in sought:
            members = conn.execute(
                f"""SELECT id FROM jobs INDEXED BY queue_by_arrival WHERE {READY}
                AND priority = ? AND position = ? AND id BETWEEN ? AND ? ORDER BY id""",  # noqa: S608
                (priority, position, stretch << 8, (stretch << 8) + 255),
            )
            found |= {job_id: before + n for n, (job_id,) in enumerate(members, 1) if job_id in wanted}
        before += count
    return found


class Mark(msgspec.Struct, frozen=True):
    """Where a page of the queue ended: at a job that was `held` back, or at one with that place in the order."""

    held: bool
    priority: int
    position: int
    id: int


_BEGINNING = Mark(held=False, priority=-1, position=0, id=0)


def page(conn: sqlite3.Connection, *, limit: int, after: Mark | None = None) -> list[JobRow]:
    """At most `limit` queued jobs, the next one to start first; those that are held back follow, oldest first."""
    last = after or _BEGINNING
    held = f"{_HELD} AND id > ? ORDER BY id"
    if last.held:
        stretches: list[tuple[str, tuple[int, ...]]] = [(held, (last.id,))]
    else:  # one comparison of all three with the mark would make SQLite read its whole class
        stretches = [
            (
                f"{_READY} AND priority = ? AND position = ? AND id > ? ORDER BY id",
                (last.priority, last.position, last.id),
            ),
            (f"{_READY} AND priority = ? AND position > ? ORDER BY position, id", (last.priority, last.position)),
            (f"{_READY} AND priority > ? ORDER BY priority, position, id", (last.priority,)),
            (held, (0,)),
        ]
    found: list[JobRow] = []
    for condition, values in stretches:
        if len(found) < limit:
            sql = f"SELECT {COLUMNS} FROM jobs {condition} LIMIT ?"  # noqa: S608
            found += [job_row(row) for row in conn.execute(sql, (*values, limit - len(found)))]
    return found


def mark(job: JobRow) -> Mark:
    """The mark of a page that ends with this job."""
    return Mark(held=job.hold is not None, priority=job.priority, position=job.position, id=job.id)


def next_queued(
    conn: sqlite3.Connection,
    priorities: Collection[Priority],
    *,
    prefer_model: str | None = None,
    overdue_before: float | None = None,
) -> JobRow | None:
    """The job to start next: by class, then the position a person gave, then `prefer_model`, then arrival.

    A job whose model is not yet chosen takes the preferred one. A job that arrived before `overdue_before` is not
    overtaken for the sake of a model.
    """
    for priority in sorted(priorities):
        head = _first(conn, priority)
        if head is None:
            continue
        overdue = overdue_before is not None and head.queued_at < overdue_before
        if prefer_model is None or overdue or _model(head) in (None, prefer_model):
            return head
        same = [_first(conn, priority, head.position, model) for model in (prefer_model, None)]
        return min((job for job in same if job), key=lambda job: job.id, default=head)
    return None


def companions(
    conn: sqlite3.Connection,
    beside: JobRow,
    *,
    limit: int,
    running: Collection[int],
    model: str | None,
    overdue_before: float,
) -> list[int]:
    """The jobs to start beside a running one, `limit` of them at most: of its company and class, in their order.

    As with a loaded model, they overtake others of their class that stand at the same position, but none that arrived
    before `overdue_before`. `model` is the one that is loaded; a job that was given another one stays out, and so does
    one of `running`: it was queued again, and its run has not ended yet.
    """
    head = _first(conn, beside.priority)
    overdue = head is not None and head.queued_at < overdue_before and head.company != beside.company
    if head is None or overdue or beside.company is None or limit <= 0:
        return []
    rows = conn.execute(
        f"""SELECT id FROM jobs INDEXED BY queue_by_company WHERE {READY} AND company = ? AND priority = ?
        AND position = ? AND alone = 0 AND coalesce(model, ?) IS ? AND id NOT IN (SELECT value FROM json_each(?))
        ORDER BY id LIMIT ?""",  # noqa: S608 (our own names)
        (beside.company, beside.priority, head.position, model, model, json.dumps(list(running)), limit),
    )
    return [job_id for (job_id,) in rows]


def last_position(conn: sqlite3.Connection, priority: Priority) -> int:
    """The position of the last job of a class that waits for its turn; 0 where none was moved."""
    (last,) = conn.execute(
        f"SELECT coalesce(max(position), 0) FROM jobs WHERE {READY} AND priority = ?",  # noqa: S608 (a condition of ours)
        (priority,),
    ).fetchone()
    return last


def _first(
    conn: sqlite3.Connection, priority: Priority, position: int | None = None, model: str | None = None
) -> JobRow | None:
    """The first job of a class, or of a class, position and model."""
    sql = f"SELECT {COLUMNS} FROM jobs WHERE {READY} AND priority = ?"  # noqa: S608
    parameters: tuple[object, ...] = (priority,)
    order = "position, id"
    if position is not None:
        sql += " AND position = ? AND coalesce(model, requested_model) IS ?"
        parameters = (priority, position, model)
        order = "id"  # naming the position here as well would make SQLite sort all of them
    row = conn.execute(f"{sql} ORDER BY {order} LIMIT 1", parameters).fetchone()
    return None if row is None else job_row(row)


def _model(job: JobRow) -> str | None:
    return job.model or job.options.model


def due(conn: sqlite3.Connection, now: float, longest: float = math.inf) -> list[int]:
    """The waiting jobs whose time has come, or is more than `longest` seconds away: it was set by a clock that was
    wrong, and nobody would wait for it."""
    rows = conn.execute(
        "SELECT id FROM jobs WHERE state = 'waiting' AND (retry_at <= ?1 OR retry_at > ?1 + ?2) ORDER BY retry_at, id",
        (now, longest),
    )
    return [job_id for (job_id,) in rows]


def outputs_due(conn: sqlite3.Connection, now: float, longest: float = math.inf) -> list[int]:
    """The completed jobs with files that are to be written again now; `longest` as with `due`."""
    rows = conn.execute(
        "SELECT id FROM jobs WHERE outputs_due_at <= ?1 OR outputs_due_at > ?1 + ?2 ORDER BY outputs_due_at LIMIT 100",
        (now, longest),
    )
    return [job_id for (job_id,) in rows]


def next_retry_at(conn: sqlite3.Connection) -> float | None:
    """When the next waiting job, or file that could not be written, is due; None when nothing is."""
    (job_at,) = conn.execute("SELECT min(retry_at) FROM jobs WHERE state = 'waiting'").fetchone()
    (output_at,) = conn.execute("SELECT min(outputs_due_at) FROM jobs WHERE outputs_due_at IS NOT NULL").fetchone()
    return min((at for at in (job_at, output_at) if at is not None), default=None)
