"""The queue: every job, its state, and every change of it.

Owns: the `jobs` table, and that a state changes only by `transition`, with its event row in the same transaction.
Leaves to others: which transition is legal (`whisperd.jobs.transitions`), what is made of a failure
(`whisperd.jobs.retry`), the order of the queue (`order`) and the transaction itself (`connection`). Each function is
called inside one.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from whisperd.errors import NotFoundError
from whisperd.jobs import retry
from whisperd.jobs.job import Failure, Kind, Options, Priority, State
from whisperd.jobs.transitions import Command, next_state
from whisperd.store import batches, checkpoints, events
from whisperd.store.events import StoredEvent
from whisperd.store.order import due, next_queued, next_retry_at, places
from whisperd.store.rows import COLUMNS, JobChanges, JobRow, changed, column, job_row
from whisperd.wire import names
from whisperd.wire.times import iso8601

__all__ = [
    "JobChanges",
    "JobRow",
    "NewJob",
    "Transitioned",
    "counts",
    "delete",
    "due",
    "get",
    "get_many",
    "insert",
    "insert_completed",
    "insert_failed",
    "next_queued",
    "next_retry_at",
    "page",
    "places",
    "release",
    "transition",
    "update",
]


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job to be queued. The same `key` again is the same job.

    `signature` names the file and the options: while a job with it is unfinished, another one is not queued. None
    for what is to be queued in any case.
    """

    path: bytes
    kind: Kind
    priority: Priority
    options: Options = Options()
    key: str | None = None
    signature: str | None = None
    hold: str | None = None
    size: int | None = None
    batch: int | None = None
    company: str | None = None


class Transitioned(msgspec.Struct, frozen=True):
    """A job after a change, and the events that report it; none when nothing was changed."""

    job: JobRow
    events: tuple[StoredEvent, ...]


# -- adding -----------------------------------------------------------------------------------------------------------


def insert(conn: sqlite3.Connection, new: NewJob, now: float) -> Transitioned:
    """Queue a job. With a key that is known, that job and no events.

    With the signature of an unfinished job, that job; it is promoted where the new one is of a higher class.
    """
    if (existing := _by_key(conn, new.key)) is not None:
        return Transitioned(job=existing, events=())
    if (existing := _unfinished(conn, new)) is not None:
        return _promoted(conn, existing, new.priority, now)
    job = _insert(conn, new, now, state=State.QUEUED)
    return Transitioned(job=job, events=(_append_state(conn, job, now), *_begun(conn, job, now)))


def insert_failed(conn: sqlite3.Connection, new: NewJob, failure: Failure, now: float) -> Transitioned:
    """Record a job that failed before it could be queued, such as a bad file among good ones."""
    if (existing := _by_key(conn, new.key)) is not None:
        return Transitioned(job=existing, events=())
    job = _insert(conn, new, now, state=State.FAILED, finished_at=now, error=column("error", failure))
    reported = _append_state(conn, job, now)
    return Transitioned(job=job, events=(reported, *_begun(conn, job, now), *_ended(conn, job, now)))


def insert_completed(
    conn: sqlite3.Connection, new: NewJob, changes: JobChanges, started_at: float, now: float
) -> Transitioned:
    """Record a job whose work was done without the queue, such as a dictation that was decoded while it was spoken."""
    columns = {field: column(field, value) for field, value in changed(changes).items()}
    times = {"created_at": started_at, "queued_at": started_at, "started_at": started_at, "finished_at": now}
    job = _insert(conn, new, now, state=State.COMPLETED, **times, **columns)
    return Transitioned(job=job, events=(_append_state(conn, job, now),))


def _insert(conn: sqlite3.Connection, new: NewJob, now: float, *, state: State, **more: object) -> JobRow:
    hold = batches.hold(conn, new.batch) if new.batch is not None else new.hold
    values: dict[str, object] = {
        "kind": new.kind,
        "priority": new.priority,
        "path": new.path,
        "options": column("options", new.options),
        "requested_model": new.options.model,
        "key": new.key,
        "signature": new.signature,
        "state": state,
        "hold": hold if state is State.QUEUED else None,
        "size": new.size,
        "batch": new.batch,
        "company": new.company,
        "created_at": now,
        "queued_at": now,
        **more,
    }
    marks = ", ".join("?" * len(values))
    sql = f"INSERT INTO jobs ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 (our own names)
    job_id = conn.execute(sql, tuple(values.values())).lastrowid
    assert job_id is not None
    return _existing(conn, job_id)


def _by_key(conn: sqlite3.Connection, key: str | None) -> JobRow | None:
    if key is None:
        return None
    row = conn.execute(f"SELECT {COLUMNS} FROM jobs WHERE key = ?", (key,)).fetchone()  # noqa: S608
    return None if row is None else job_row(row)


def _unfinished(conn: sqlite3.Connection, new: NewJob) -> JobRow | None:
    """The unfinished job of the same file and options. One that is to be a batch's item is only another item of it;
    any other does not wait for what holds a batch back."""
    if new.signature is None:
        return None
    row = conn.execute(
        f"""SELECT {COLUMNS} FROM jobs WHERE signature = ? AND finished_at IS NULL
        AND CASE WHEN ? IS NULL THEN hold IS NULL ELSE batch = ? END LIMIT 1""",  # noqa: S608 (our own names)
        (new.signature, new.batch, new.batch),
    ).fetchone()
    return None if row is None else job_row(row)


def _begun(conn: sqlite3.Connection, job: JobRow, now: float) -> list[StoredEvent]:
    return [] if job.batch is None else batches.item_begun(conn, job.batch, now)


def _ended(conn: sqlite3.Connection, job: JobRow, now: float) -> list[StoredEvent]:
    return [] if job.batch is None else batches.item_ended(conn, job.batch, now)


def _promoted(conn: sqlite3.Connection, job: JobRow, priority: Priority, now: float) -> Transitioned:
    if priority >= job.priority:
        return Transitioned(job=job, events=())
    after = update(conn, job.id, JobChanges(priority=priority))
    return Transitioned(job=after, events=(_append_state(conn, after, now, reason="promoted by hand"),))


# -- reading ----------------------------------------------------------------------------------------------------------


def get(conn: sqlite3.Connection, job_id: int) -> JobRow | None:
    row = conn.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchone()  # noqa: S608
    return None if row is None else job_row(row)


def get_many(conn: sqlite3.Connection, ids: Iterable[int]) -> list[JobRow]:
    """The jobs that exist of these, in the order of `ids`."""
    wanted = list(ids)
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608
        (json.dumps(wanted),),
    )
    found = {job.id: job for job in map(job_row, rows)}
    return [found[job_id] for job_id in wanted if job_id in found]


def page(
    conn: sqlite3.Connection,
    *,
    states: Collection[State] = (),
    kinds: Collection[Kind] = (),
    batch: int | None = None,
    limit: int,
    before: int | None = None,
) -> list[JobRow]:
    """At most `limit` jobs of these states and kinds (empty: all) and of this batch (None: any), newest first, with ids
    below `before`."""
    top = 2**63 - 1 if before is None else before
    if batch is not None:
        sql = f"""SELECT {COLUMNS} FROM jobs WHERE batch = ? AND id < ?
        AND state IN (SELECT value FROM json_each(?)) AND kind IN (SELECT value FROM json_each(?))
        ORDER BY id DESC LIMIT ?"""  # noqa: S608
        wanted = (json.dumps(list(states or State)), json.dumps(list(kinds or Kind)))
        return [job_row(row) for row in conn.execute(sql, (batch, top, *wanted, limit))]
    if not states and not kinds:
        sql = f"SELECT {COLUMNS} FROM jobs WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608
        return [job_row(row) for row in conn.execute(sql, (top, limit))]
    # One short walk along the index for each pair, since one query for all would read every job of these states.
    one = "SELECT id FROM jobs WHERE state = ? AND kind = ? AND id < ? ORDER BY id DESC LIMIT ?"
    ids = [
        job_id
        for state in set(states or State)
        for kind in set(kinds or Kind)
        for (job_id,) in conn.execute(one, (state, kind, top, limit))
    ]
    return get_many(conn, sorted(ids, reverse=True)[:limit])


def counts(conn: sqlite3.Connection) -> dict[State, int]:
    """How many jobs are in each state: kept by triggers, so that asking costs the same for any number of jobs."""
    return {State(state): count for state, count in conn.execute("SELECT state, count FROM job_counts")}


# -- changing ---------------------------------------------------------------------------------------------------------


def transition(
    conn: sqlite3.Connection,
    job_id: int,
    command: Command,
    now: float,
    *,
    reason: str | None = None,
    changes: JobChanges | None = None,
) -> Transitioned:
    """Carry out a command: the new state, what follows from it, `changes` on top, and the event.

    Raises NotFoundError for an unknown job and IllegalTransitionError for a command that its state does not allow,
    and then changes nothing.
    """
    job = _existing(conn, job_id)
    state = next_state(job.state, command)
    if command is Command.RETRY and not retry.keeps_checkpoint(job.state, job.error and job.error.kind):
        checkpoints.discard(conn, job_id)
    values = {"state": state, **_consequences(job, command, state, now), **changed(changes)}
    values["hold"] = batches.hold(conn, job.batch) if job.batch is not None and state is State.QUEUED else None
    after = _set(conn, job_id, values)
    event = _append_state(conn, after, now, previous=job.state, command=command, reason=reason)
    if state.final:
        return Transitioned(job=after, events=(event, *_ended(conn, after, now)))
    return Transitioned(job=after, events=(event, *(_begun(conn, after, now) if job.state.final else ())))


def update(conn: sqlite3.Connection, job_id: int, changes: JobChanges) -> JobRow:
    """Store facts that do not change the state. Raises NotFoundError for an unknown job."""
    values = changed(changes)
    return _set(conn, job_id, values) if values else _existing(conn, job_id)


def release(conn: sqlite3.Connection, job_id: int, now: float, reason: str) -> Transitioned:
    """Let a queued job start that nothing holds back any more. Raises NotFoundError."""
    job = update(conn, job_id, JobChanges(hold=None))
    return Transitioned(job=job, events=(_append_state(conn, job, now, reason=reason),))


def delete(conn: sqlite3.Connection, ids: Iterable[int]) -> int:
    """Remove those of `ids` that are in a final state, with their checkpoints; how many were removed.

    Their transcripts and events stay.
    """
    cursor = conn.execute(
        """DELETE FROM jobs WHERE state IN ('completed', 'failed', 'cancelled')
        AND id IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(ids)),),
    )
    return cursor.rowcount


def _consequences(job: JobRow, command: Command, state: State, now: float) -> dict[str, object]:
    """What changes with the state, whoever gave the command."""
    values: dict[str, object] = {}
    if job.state is State.RUNNING:
        # Whoever writes this lives: the start did not take the daemon with it.
        values["unfinished_starts"] = max(0, job.unfinished_starts - 1)
    if job.state is State.WAITING:
        values["retry_at"] = None
    if state.final:
        values["finished_at"] = now
    if command is Command.START:
        values["started_at"] = now if job.started_at is None else job.started_at
        values["unfinished_starts"] = job.unfinished_starts + 1
        values["error"] = None
    elif command is Command.RETRY:
        values |= {
            "priority": Priority.NORMAL,
            "queued_at": now,
            "started_at": None,
            "finished_at": None,
            "attempts": 0,
            "failures": {},
            "unfinished_starts": 0,
            "error": None,
            "notes": (),
            "partial": None,
            "missing": None,
            "unheard": None,
            "confidence": None,
            "outputs_due_at": None,
            "outputs_tries": 0,
        }
        if job.state is State.COMPLETED or not job.done:
            values["model"] = None  # nothing ties it to the model of the first try
    return values


def _set(conn: sqlite3.Connection, job_id: int, values: dict[str, object]) -> JobRow:
    assignments = ", ".join(f"{field} = ?" for field in values)
    parameters = [column(field, value) for field, value in values.items()]
    sql = f"UPDATE jobs SET {assignments} WHERE id = ?"  # noqa: S608 (our own names)
    conn.execute(sql, (*parameters, job_id))
    return _existing(conn, job_id)  # read anew: RETURNING gives what was written, before columns make it a REAL


def _existing(conn: sqlite3.Connection, job_id: int) -> JobRow:
    job = get(conn, job_id)
    if job is None:
        raise NotFoundError(f"there is no job {job_id}")
    return job


def _append_state(
    conn: sqlite3.Connection,
    job: JobRow,
    now: float,
    *,
    previous: State | None = None,
    command: Command | None = None,
    reason: str | None = None,
) -> StoredEvent:
    data: dict[str, Any] = {
        "state": job.state,
        "previous": previous,
        "command": command,
        "reason": reason,
        "kind": job.kind,
        "attempts": job.attempts,
        "retry_at": None if job.retry_at is None else iso8601(job.retry_at),
        "error": None if job.error is None else msgspec.to_builtins(job.error),
    }
    told = {key: value for key, value in data.items() if value is not None}
    return events.append(conn, names.TOPIC_JOB_STATE, told, job.id, now, job.batch)
