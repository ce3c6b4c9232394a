"""What can still be read of a damaged database, row by row, into a fresh one.

Owns: reading around what is damaged, and filling what could not be read from a backup. Leaves to others: when that is
done, and the files (`recovery`). Tables that triggers fill (counts, the words of texts) come with the rows they are
made from.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from whisperd.store import checkpoints, migrations
from whisperd.store.connection import connect
from whisperd.store.rows import COLUMNS, job_row

_NUMBERED: Final = {
    "batches": "id",
    "jobs": "id",
    "blocks": "rowid",
    "decoded_batches": "rowid",
    "transcripts": "job",
    "transcript_texts": "job",
    "events": "seq",
    "events_pruned": "rowid",
    "watch_folders": "id",
    "watch_files": "id",
}
"""Tables whose rows are found by a number, those first that others refer to."""

_KEYED: Final = ("switches", "recordings", "speeds", "calibrations", "sharing_times")
"""Tables of which there is only what comes before the damage."""

_CHECKPOINTS: Final = ("blocks", "decoded_batches")

_LONGEST_GAP: Final = 100_000
"""Numbers tried one by one behind the last row that could be read: more than damage of a few pages makes unreadable."""

_EVERYTHING: Final = frozenset({0})
"""Of a keyed table: some of it could not be read."""

Unread = dict[str, frozenset[int]]
"""The numbers that could not be read, by table; not all of them need have been in use."""


class Salvaged(msgspec.Struct, frozen=True):
    """`jobs` and `transcripts` that were read from the damaged file, how many more `came_back` from the backup, and up
    to how many of both are in the file that was set aside, if anywhere."""

    jobs: int
    transcripts: int
    came_back: int
    only_aside: int


def salvage(damaged: Path, backup: Path | None, fresh: Path, now: float) -> Salvaged:
    """Make a database at `fresh`, an empty file, of all that can be read of the damaged one, and of what a backup
    has of the rest; either may be of an earlier version.

    What was deleted since the backup stays so. Raises sqlite3.DatabaseError where nothing can be read, or `fresh` can't
    be written.
    """
    made = connect(fresh)
    try:
        made.execute("PRAGMA auto_vacuum = INCREMENTAL")
        migrations.migrate(made, fresh, now)
        made.execute("PRAGMA foreign_keys = OFF")
        made.execute("BEGIN")
        made.execute("DELETE FROM events_pruned")
        unread = _take_over(damaged, made, None)
        jobs, transcripts = _counts(made)
        if backup is not None:
            _take_over(backup, made, unread)
        _drop_what_is_incomplete(made, unread)
        after = _counts(made)
        only_aside = sum(_absent(made, table, unread.get(table, frozenset())) for table in ("jobs", "transcripts"))
        made.execute("COMMIT")
        return Salvaged(jobs, transcripts, max(0, sum(after) - jobs - transcripts), only_aside)
    finally:
        made.close()


def _take_over(path: Path, made: sqlite3.Connection, wanted: Unread | None) -> Unread:
    """Add the rows of another database, or those `wanted`; what could not be read."""
    unread: Unread = {}
    source = connect(path)
    try:
        source.execute("PRAGMA query_only = ON")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        highest = _sequences(source)
        for table, number in _NUMBERED.items():
            columns = _shared(source, made, table)
            lost: set[int] = set()
            top = highest.get("jobs" if table.startswith("transcript") else table)
            only = None if wanted is None else _needed(table, wanted)
            if columns:
                _insert(made, table, columns, _numbered(source, table, number, columns, top, lost, only))
            unread |= {table: frozenset(lost)} if lost else {}
        for table in _KEYED:
            columns = _shared(source, made, table)
            if columns and (wanted is None or table in wanted):
                rows = _rows(source, table, columns)
                unread |= {} if _insert(made, table, columns, rows) else {table: _EVERYTHING}
        _keep_sequences(made, highest)
    finally:
        source.close()
    return unread


def _needed(table: str, wanted: Unread) -> frozenset[int]:
    """The numbers that a backup is asked for. A checkpoint in pieces from two times would make a wrong transcript, so
    none is taken from it; the file is transcribed from its beginning."""
    if table in _CHECKPOINTS:
        return frozenset()
    texts = ("transcripts", "transcript_texts")
    return frozenset(number for one in (texts if table in texts else (table,)) for number in wanted.get(one, ()))


def _insert(made: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> bool:
    """Whether all rows could be read; one that reads well and means nothing is left out."""
    marks = ", ".join("?" * len(columns))
    sql = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 (our names)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return True
        except sqlite3.DatabaseError:
            return False
        try:
            made.execute(sql, row)
        except sqlite3.IntegrityError:
            continue


def _shared(source: sqlite3.Connection, made: sqlite3.Connection, table: str) -> list[str]:
    """The columns that the table has in both: the other may be of an earlier version."""
    there, here = (
        [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")] for connection in (source, made)
    )
    return [name for name in here if name in there]


def _rows(source: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    yield from source.execute(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 (our names)


def _numbered(
    source: sqlite3.Connection,
    table: str,
    number: str,
    columns: Sequence[str],
    top: int | None,
    lost: set[int],
    only: frozenset[int] | None,
) -> Iterator[tuple[Any, ...]]:
    """Every row that can be read, or those of `only`: what follows a damaged page is found by trying numbers."""
    read = ", ".join(columns)
    one = f"SELECT {read} FROM {table} NOT INDEXED WHERE {number} = ?"  # noqa: S608 (our names)
    some = f"SELECT {number}, {read} FROM {table} NOT INDEXED WHERE {number} > ? ORDER BY {number}"  # noqa: S608 (our names)
    if only is not None:
        yield from (row for at in sorted(only) if (row := source.execute(one, (at,)).fetchone()))
        return
    last = 0
    while True:
        try:
            for at, *row in source.execute(some, (last,)):
                last = at
                yield tuple(row)
        except sqlite3.DatabaseError:
            pass
        else:
            return
        for at in range(last + 1, min(last + _LONGEST_GAP, top or last + _LONGEST_GAP) + 1):
            try:
                found = source.execute(one, (at,)).fetchone()
            except sqlite3.DatabaseError:
                lost.add(at)
                continue
            if found is not None:
                yield found
                last = at
                break
        else:
            return


def _sequences(source: sqlite3.Connection) -> dict[str, int]:
    """The highest number that each table has ever given out."""
    try:
        return dict(source.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    except sqlite3.DatabaseError:
        return {}


def _keep_sequences(made: sqlite3.Connection, highest: Mapping[str, int]) -> None:
    """A number that was given out is never given out again."""
    for table, number in highest.items():
        made.execute(
            "INSERT INTO sqlite_sequence SELECT ?1, 0 WHERE ?1 NOT IN (SELECT name FROM sqlite_sequence)", (table,)
        )
        made.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, table))


def _drop_what_is_incomplete(made: sqlite3.Connection, unread: Unread) -> None:
    """Remove rows that refer to what is lost, or read well and mean nothing; what is started anew starts clean."""
    for (job_id,) in made.execute("SELECT id FROM jobs").fetchall():
        try:
            job_row(made.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchone())  # noqa: S608 (our names)
        except (ValueError, msgspec.MsgspecError):
            made.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
    made.execute(
        "UPDATE jobs SET batch = NULL, company = NULL, hold = NULL WHERE batch NOT IN (SELECT id FROM batches)"
    )
    made.execute("DELETE FROM transcripts WHERE job NOT IN (SELECT job FROM transcript_texts)")
    while lost := made.execute("PRAGMA foreign_key_check").fetchall():
        for table, rowid, *_ in lost:
            made.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))  # noqa: S608 (our names)
    if unread.keys() & {"jobs", *_CHECKPOINTS}:
        for (job_id,) in made.execute("SELECT id FROM jobs WHERE finished_at IS NULL").fetchall():
            checkpoints.discard(made, job_id)
    made.execute("INSERT INTO events_pruned SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM events_pruned)")


def _counts(made: sqlite3.Connection) -> tuple[int, int]:
    return made.execute("SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM transcripts)").fetchone()


def _absent(made: sqlite3.Connection, table: str, numbers: frozenset[int]) -> int:
    sql = f"SELECT 1 FROM {table} WHERE {_NUMBERED[table]} = ?"  # noqa: S608 (our names)
    return sum(1 for number in numbers if made.execute(sql, (number,)).fetchone() is None)
