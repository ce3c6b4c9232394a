"""A batch's items: adding and removing them, and what a command to the batch does to each.

Owns: these changes, each with the events that it brings about. Leaves to others: the batch's own row (`batches`) and a
job's (`jobs`). Each function is called inside a transaction.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence

import msgspec

from whisperd.errors import NotFoundError, RefusedError
from whisperd.jobs.batches import BatchState
from whisperd.jobs.company import company_of
from whisperd.jobs.job import Failure, State
from whisperd.jobs.transitions import Command
from whisperd.store import batches, jobs, transcripts
from whisperd.store.batches import BatchRow
from whisperd.store.events import StoredEvent
from whisperd.store.jobs import JobRow, NewJob
from whisperd.store.rows import COLUMNS, job_row

Changed = tuple[list[JobRow], list[StoredEvent]]
"""Items after a change, and the events that report it."""


def add(conn: sqlite3.Connection, batch: BatchRow, new: Sequence[tuple[NewJob, Failure | None]], now: float) -> Changed:
    """Make jobs of these the batch's items; one that has a failure already is born failed."""
    items: list[JobRow] = []
    told: list[StoredEvent] = []
    for job, failure in new:
        item = msgspec.structs.replace(job, batch=batch.id, company=company_of(f"batch {batch.id}", job.options))
        added = jobs.insert(conn, item, now) if failure is None else jobs.insert_failed(conn, item, failure, now)
        items.append(added.job)
        told += added.events
    return items, told


def page(
    conn: sqlite3.Connection, batch_id: int, *, states: Collection[State] = (), limit: int, after: int = 0
) -> list[JobRow]:
    """At most `limit` items in these states (empty: all) with ids above `after`, in the order of their adding."""
    rows = conn.execute(
        f"""SELECT {COLUMNS} FROM jobs INDEXED BY jobs_by_batch WHERE batch = ? AND id > ?
        AND state IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?""",  # noqa: S608
        (batch_id, after, json.dumps(list(states or State)), limit),
    )
    return [job_row(row) for row in rows]


def ids_in(conn: sqlite3.Connection, batch_id: int, states: Iterable[State]) -> list[int]:
    """The items in these states, in the order of their adding."""
    rows = conn.execute(
        """SELECT id FROM jobs WHERE batch = ? AND state IN (SELECT value FROM json_each(?)) ORDER BY id""",
        (batch_id, json.dumps(list(states))),
    )
    return [job_id for (job_id,) in rows]


def require(conn: sqlite3.Connection, batch: BatchRow, job_id: int) -> JobRow:
    """The job, which is an item of the batch. Raises NotFoundError where it is none."""
    job = jobs.get(conn, job_id)
    if job is None or job.batch != batch.id:
        raise NotFoundError(f"job {job_id} is no item of batch {batch.id}")
    return job


def remove(conn: sqlite3.Connection, batch: BatchRow, job_id: int, now: float) -> Changed:
    """Take a job out of the batch, cancelled unless it has ended. Raises NotFoundError."""
    job = require(conn, batch, job_id)
    told: list[StoredEvent] = []
    if not job.state.final:
        told += jobs.transition(conn, job_id, Command.CANCEL, now, reason="removed from its batch").events
    conn.execute("UPDATE jobs SET batch = NULL, company = NULL WHERE id = ?", (job_id,))
    removed = jobs.get_many(conn, [job_id])
    return removed, [*told, batches.tell(conn, batches.find(conn, batch.id), now, command="remove", job=job_id)]


def cancel(conn: sqlite3.Connection, batch: BatchRow, now: float) -> Changed:
    """Cancel every item that has not ended; the batch itself is cancelled already."""
    unfinished = ids_in(conn, batch.id, [state for state in State if not state.final])
    changed = [jobs.transition(conn, job, Command.CANCEL, now, reason="its batch was cancelled") for job in unfinished]
    return [one.job for one in changed], [event for one in changed for event in one.events]


def delete(conn: sqlite3.Connection, batch: BatchRow, now: float, *, with_transcripts: bool) -> list[StoredEvent]:
    """Remove a finished batch or a draft with its items. Raises RefusedError."""
    if not (batch.state.final or batch.state is BatchState.DRAFT):
        raise RefusedError(
            f"batch {batch.id} is {batch.state.value}; only finished batches and drafts can be deleted",
            hint="cancel it first",
        )
    _, told = cancel(conn, batch, now) if batch.state is BatchState.DRAFT else ([], [])
    items = ids_in(conn, batch.id, State)
    jobs.delete(conn, items)
    for job_id in items if with_transcripts else ():
        transcripts.delete(conn, job_id)
    told.append(batches.tell(conn, batch, now, command="delete"))
    batches.delete(conn, batch.id)
    return told
