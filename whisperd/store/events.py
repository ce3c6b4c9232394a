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


def _event(row: tuple[int, float, str, int | None, int | None, str]) -> StoredEvent:
    seq, at, topic, job, batch, data = row
    return StoredEvent(seq=seq, at=at, topic=topic, job=job, batch=batch, data=msgspec.json.decode(data))
