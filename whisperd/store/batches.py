"""Batches: their rows, finding them by id or name, and every change of their states.

Owns: the `batches` table, that a batch's state changes only by `transition` with its event row in the same transaction,
and what a batch holds back. Leaves to others: which transition is legal and what items' ends mean
(`whisperd.jobs.batches`), and changing items, which are jobs (`batch_items`). Each function is called inside a
transaction.
"""

import sqlite3
from collections.abc import Collection
from typing import Any

import msgspec

from whisperd.errors import NotFoundError, RefusedError
from whisperd.jobs.batches import BatchCommand, BatchState, ItemTotals, begun, ended, hold_of, next_state
from whisperd.jobs.job import Options, State
from whisperd.store import events
from whisperd.store.events import StoredEvent
from whisperd.wire import names


class BatchRow(msgspec.Struct, frozen=True):
    """What is stored of a batch. Times are unix seconds."""

    id: int
    name: str
    state: BatchState
    concurrency: int
    options: Options
    created_at: float
    started_at: float | None
    finished_at: float | None


_COLUMNS = ", ".join(BatchRow.__struct_fields__)
_options = msgspec.json.Decoder(Options)


def get(conn: sqlite3.Connection, batch_id: int) -> BatchRow | None:
    row = conn.execute(f"SELECT {_COLUMNS} FROM batches WHERE id = ?", (batch_id,)).fetchone()  # noqa: S608
    return None if row is None else _batch(row)


def find(conn: sqlite3.Connection, reference: int | str) -> BatchRow:
    """The batch with this id, or of this name: the unfinished one, else the newest. Raises NotFoundError."""
    if isinstance(reference, int):
        found = get(conn, reference)
    else:
        row = conn.execute(
            f"""SELECT {_COLUMNS} FROM batches WHERE name = ?
            ORDER BY finished_at IS NOT NULL, id DESC LIMIT 1""",  # noqa: S608
            (reference,),
        ).fetchone()
        found = None if row is None else _batch(row)
    if found is None:
        named = reference if isinstance(reference, int) else f"{reference!r}"
        raise NotFoundError(f"there is no batch {named}", hint="`whisperctl batch list` shows those there are")
    return found


def page(
    conn: sqlite3.Connection, *, states: Collection[BatchState] = (), limit: int, before: int | None = None
) -> list[BatchRow]:
    """At most `limit` batches in these states (empty: all), newest first, with ids below `before`."""
    top = 2**63 - 1 if before is None else before
    rows = [
        row
        for state in set(states or BatchState)
        for row in conn.execute(
            f"SELECT {_COLUMNS} FROM batches WHERE state = ? AND id < ? ORDER BY id DESC LIMIT ?",  # noqa: S608
            (state, top, limit),
        )
    ]
    return sorted(map(_batch, rows), key=lambda batch: -batch.id)[:limit]


# -- figures ----------------------------------------------------------------------------------------------------------


def totals(conn: sqlite3.Connection, batch_id: int) -> list[ItemTotals]:
    """The batch's items added up by state, those of known length apart; read from an index alone."""
    rows = conn.execute(
        """SELECT state, duration IS NOT NULL, count(*), coalesce(sum(size), 0), coalesce(sum(duration), 0.0),
        coalesce(sum(done), 0.0), coalesce(sum(processing_time), 0.0)
        FROM jobs INDEXED BY batch_totals WHERE batch = ? GROUP BY 1, 2""",
        (batch_id,),
    )
    return [ItemTotals(State(state), bool(known), *sums) for state, known, *sums in rows]


def counts(conn: sqlite3.Connection, batch_id: int) -> dict[State, int]:
    """How many items are in each state."""
    rows = conn.execute("SELECT state, count(*) FROM jobs WHERE batch = ? GROUP BY state", (batch_id,))
    return {State(state): count for state, count in rows}


# -- changing ---------------------------------------------------------------------------------------------------------


def create(
    conn: sqlite3.Connection, name: str, concurrency: int, options: Options, now: float
) -> tuple[BatchRow, StoredEvent]:
    """A draft. Raises RefusedError while another batch of that name is unfinished."""
    _require_free_name(conn, name)
    batch_id = conn.execute(
        "INSERT INTO batches (name, state, concurrency, options, created_at) VALUES (?, ?, ?, ?, ?)",
        (name, BatchState.DRAFT, concurrency, msgspec.json.encode(options).decode(), now),
    ).lastrowid
    assert batch_id is not None
    batch = find(conn, batch_id)
    return batch, tell(conn, batch, now)


def change(
    conn: sqlite3.Connection, batch: BatchRow, now: float, *, name: str | None = None, concurrency: int | None = None
) -> tuple[BatchRow, StoredEvent]:
    """The batch with another name or concurrency. Raises RefusedError where an unfinished batch has that name."""
    if name is not None and name != batch.name and not batch.state.final:
        _require_free_name(conn, name)
    conn.execute(
        "UPDATE batches SET name = coalesce(?, name), concurrency = coalesce(?, concurrency) WHERE id = ?",
        (name, concurrency, batch.id),
    )
    after = find(conn, batch.id)
    return after, tell(conn, after, now, command="set")


def transition(
    conn: sqlite3.Connection, batch: BatchRow, command: BatchCommand, now: float
) -> tuple[BatchRow, StoredEvent]:
    """Carry out a command: the new state, what it holds back, and the event.

    Raises IllegalTransitionError for a command that the state does not allow, and RefusedError where an unfinished
    batch has the name of one that is to be opened again.
    """
    state = next_state(batch.state, command, f"batch {batch.id}")
    if command is BatchCommand.REOPEN:
        _require_free_name(conn, batch.name)
    conn.execute(
        """UPDATE batches SET state = ?, finished_at = ?, started_at = CASE WHEN ? THEN coalesce(started_at, ?)
        ELSE started_at END WHERE id = ?""",
        (state, now if state.final else None, state is BatchState.RUNNING, now, batch.id),
    )
    conn.execute("UPDATE jobs SET hold = ? WHERE batch = ? AND state = 'queued'", (hold_of(state), batch.id))
    after = find(conn, batch.id)
    return after, tell(conn, after, now, previous=batch.state, command=command)


def item_ended(conn: sqlite3.Connection, batch_id: int, now: float) -> list[StoredEvent]:
    """After the end of an item: the batch's own end, if it was the last. Costs the same for any number of items."""
    batch = find(conn, batch_id)
    some = "SELECT EXISTS (SELECT 1 FROM jobs WHERE batch = ? AND state = ?)"
    items = {state: conn.execute(some, (batch_id, state)).fetchone()[0] for state in State}
    return _follow(conn, batch, ended(batch.state, items), now)


def item_begun(conn: sqlite3.Connection, batch_id: int, now: float) -> list[StoredEvent]:
    """After an item was added or queued again: a finished batch is open again."""
    batch = find(conn, batch_id)
    return _follow(conn, batch, begun(batch.state), now)


def _follow(conn: sqlite3.Connection, batch: BatchRow, command: BatchCommand | None, now: float) -> list[StoredEvent]:
    return [] if command is None else [transition(conn, batch, command, now)[1]]


def hold(conn: sqlite3.Connection, batch_id: int) -> str | None:
    """What keeps the batch's queued items from starting."""
    return hold_of(find(conn, batch_id).state)


def tell(conn: sqlite3.Connection, batch: BatchRow, now: float, **more: object) -> StoredEvent:
    """The event of a change of the batch; of one that has ended it has the count of items by state."""
    data: dict[str, Any] = {"state": batch.state, "name": batch.name, "concurrency": batch.concurrency, **more}
    if batch.state.final:
        data["items"] = counts(conn, batch.id)
    return events.append(conn, names.TOPIC_BATCH_STATE, data, None, now, batch.id)


def delete(conn: sqlite3.Connection, batch_id: int) -> None:
    """Remove the row; no job may name it any more."""
    conn.execute("DELETE FROM batches WHERE id = ?", (batch_id,))


def _require_free_name(conn: sqlite3.Connection, name: str) -> None:
    taken = conn.execute("SELECT id FROM batches WHERE name = ? AND finished_at IS NULL", (name,)).fetchone()
    if taken:
        raise RefusedError(f"batch {taken[0]} is called {name!r} and is not finished", hint="choose another name")


def _batch(row: tuple[Any, ...]) -> BatchRow:
    number, name, state, concurrency, options, *times = row
    return BatchRow(number, name, BatchState(state), concurrency, _options.decode(options), *times)
