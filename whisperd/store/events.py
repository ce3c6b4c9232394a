"""The log of what happened: one row an event, appended in the transaction of the change that it reports.

Owns: the `events` table. Leaves to others: handing committed events to subscribers (`whisperd.events`), and events
that are not kept, such as progress.
"""

import json
import sqlite3
from collections.abc import Collection
from typing import Any

import msgspec

_COLUMNS = "seq, at, topic, job, batch, data"


class StoredEvent(msgspec.Struct, frozen=True):
    """An event as committed. `seq` grows with each and is never given twice; `at` is unix time in seconds. `batch` is
    the batch that it is of, or whose item's it is."""

    seq: int
    at: float
    topic: str
    job: int | None
    data: dict[str, Any]
    batch: int | None = None


def append(
    conn: sqlite3.Connection,
    topic: str,
    data: dict[str, Any],
    job: int | None,
    now: float,
    batch: int | None = None,
) -> StoredEvent:
    cursor = conn.execute(
        "INSERT INTO events (at, topic, job, batch, data) VALUES (?, ?, ?, ?, ?)",
        (now, topic, job, batch, msgspec.json.encode(data).decode()),
    )
    seq = cursor.lastrowid
    assert seq is not None
    return StoredEvent(seq=seq, at=now, topic=topic, job=job, data=data, batch=batch)


def since(
    conn: sqlite3.Connection,
    seq: int,
    *,
    limit: int,
    topics: Collection[str] = (),
    jobs: Collection[int] = (),
    batches: Collection[int] = (),
) -> list[StoredEvent]:
    """At most `limit` events after `seq`, oldest first, of these topics, jobs and batches (empty: all)."""
    sql = f"SELECT {_COLUMNS} FROM events WHERE seq > ?"  # noqa: S608
    parameters: list[object] = [seq]
    if topics:
        sql += " AND topic IN (SELECT value FROM json_each(?))"
        parameters.append(json.dumps(sorted(topics)))
    if jobs:
        sql += " AND job IN (SELECT value FROM json_each(?))"
        parameters.append(json.dumps(sorted(jobs)))
    if batches:
        sql += " AND batch IN (SELECT value FROM json_each(?))"
        parameters.append(json.dumps(sorted(batches)))
    rows = conn.execute(f"{sql} ORDER BY seq LIMIT ?", (*parameters, limit))
    return [_event(row) for row in rows]


def of_job(conn: sqlite3.Connection, job_id: int) -> list[StoredEvent]:
    """The job's whole story, oldest first."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM events WHERE job = ? ORDER BY seq", (job_id,))  # noqa: S608
    return [_event(row) for row in rows]


def newest(conn: sqlite3.Connection) -> int:
    """The last event's `seq`; 0 before the first."""
    (seq,) = conn.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
    return seq


def newest_time(conn: sqlite3.Connection) -> float | None:
    """When the last event was (unix seconds); None before the first."""
    row = conn.execute("SELECT at FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    return None if row is None else row[0]


def forget(conn: sqlite3.Connection, job_id: int) -> None:
    """Remove a job's story, but for the newest event of all: readers go by it to know that they have all."""
    conn.execute("DELETE FROM events WHERE job = ? AND seq < (SELECT max(seq) FROM events)", (job_id,))


def pruned(conn: sqlite3.Connection) -> int:
    """The `seq` up to which old events were removed; 0 while all are there."""
    (seq,) = conn.execute("SELECT through FROM events_pruned").fetchone()
    return seq


def prunable(conn: sqlite3.Connection, before: float, most: int) -> int:
    """The `seq` up to which events are older than `before` (unix time) or more than the newest `most`.

    The newest event always stays.
    """
    (newest_seq,) = conn.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
    # Times rarely go back: the first event that is young enough ends what is too old.
    young = conn.execute("SELECT seq FROM events WHERE at >= ? ORDER BY seq LIMIT 1", (before,)).fetchone()
    over = conn.execute("SELECT seq FROM events ORDER BY seq DESC LIMIT 1 OFFSET ?", (most,)).fetchone()
    old = newest_seq if young is None else young[0] - 1
    return min(max(old, over[0] if over else 0), newest_seq - 1)


def prune(conn: sqlite3.Connection, through: int, limit: int) -> int:
    """Remove at most `limit` events, the oldest first, up to `through`; how many there were."""
    oldest = "SELECT seq FROM events WHERE seq <= ? ORDER BY seq LIMIT ?"
    count = conn.execute(f"DELETE FROM events WHERE seq IN ({oldest})", (through, limit)).rowcount  # noqa: S608
    conn.execute("UPDATE events_pruned SET through = max(through, ?)", (through,))
    return count


def _event(row: tuple[int, float, str, int | None, int | None, str]) -> StoredEvent:
    seq, at, topic, job, batch, data = row
    return StoredEvent(seq=seq, at=at, topic=topic, job=job, batch=batch, data=msgspec.json.decode(data))
