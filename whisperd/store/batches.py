"""Batches: their rows, and finding them by id or name.

Owns: the `batches` table. Leaves to others: what a change of state means (`whisperd.jobs.batches`), and the items,
which are jobs (`jobs`). Each function is called inside a transaction.
"""

import sqlite3
from collections.abc import Collection
from typing import Any

import msgspec

from whisperd.errors import NotFoundError
from whisperd.jobs.batches import BatchState
from whisperd.jobs.job import Options


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


def _batch(row: tuple[Any, ...]) -> BatchRow:
    number, name, state, concurrency, options, *times = row
    return BatchRow(number, name, BatchState(state), concurrency, _options.decode(options), *times)
