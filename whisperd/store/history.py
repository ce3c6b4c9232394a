"""Finding transcripts: pages of them by time, folders of watched files, words, all of them one after the other.

Owns: these queries, in time that does not grow with the history. Leaves to others: writing transcripts
(`transcripts`), what a query's words mean (`whisperd.transcripts.words`).
"""

import json
import sqlite3
from typing import Any, Final

import msgspec

from whisperd.jobs.job import Kind
from whisperd.transcripts.words import GAP

WINDOW: Final = 1_000
"""Matches that are ranked together: the newest ones first, then the next. To rank all would mean to score every
transcript that a common word is in (100 ms for 75,000), and what is newer is more likely to be looked for."""

SNIPPET_WORDS: Final = 24
_OPEN, _CLOSE, _MORE = "\x02", "\x03", "…"


class Filter(msgspec.Struct, frozen=True):
    """Which transcripts; times are unix seconds, `since` included and `until` not; `batch` is a number or a name. What
    is None or empty excludes nothing."""

    sources: tuple[Kind, ...] = ()
    since: float | None = None
    until: float | None = None
    language: str | None = None
    batch: int | str | None = None
    confidence_below: float | None = None
    folder: bytes | None = None


class TranscriptRow(msgspec.Struct, frozen=True):
    """What is known of a transcript besides its text, and how that begins. Columns carry these names."""

    job: int
    source: Kind
    path: bytes
    at: float
    created_at: float
    language: str | None
    model: str
    device: str
    duration: float
    processing_time: float
    confidence: float
    partial: bool
    batch: int | None
    batch_name: str | None
    edited_at: float | None
    beginning: str


class FolderRow(msgspec.Struct, frozen=True):
    """The transcripts of a folder's watched files taken together; `at` is the newest one's."""

    folder: bytes
    transcripts: int
    duration: float
    at: float


class Position(msgspec.Struct, frozen=True):
    """Where a page by time ended."""

    at: float
    job: int


class Place(msgspec.Struct, frozen=True):
    """Where a page of matches ended: after the first `offset` of the window whose newest transcript is `newest`."""

    newest: int
    offset: int


class Match(msgspec.Struct, frozen=True):
    """A transcript that was found, and pieces of its text with whether each is what was looked for."""

    row: TranscriptRow
    snippet: tuple[tuple[str, bool], ...]


_COLUMNS: Final = ", ".join(f"transcripts.{name}" for name in TranscriptRow.__struct_fields__)


def get(conn: sqlite3.Connection, job_id: int) -> TranscriptRow | None:
    return next(iter(_rows(conn, [job_id])), None)


def page(
    conn: sqlite3.Connection, wanted: Filter, *, limit: int, before: Position | None = None, folded: bool = False
) -> list[TranscriptRow]:
    """At most `limit` transcripts, newest first; `folded` leaves out watched ones."""
    conditions, values = _conditions(wanted)
    if folded:
        conditions.append("folder IS NULL")
    if before is not None:
        conditions.append("(at, job) < (?, ?)")
        values += [before.at, before.job]
    ids = conn.execute(
        f"SELECT job FROM transcripts{_where(conditions)} ORDER BY at DESC, job DESC LIMIT ?",  # noqa: S608
        (*values, limit),
    )
    return _rows(conn, [job_id for (job_id,) in ids])


def folders(conn: sqlite3.Connection, wanted: Filter, *, limit: int) -> list[FolderRow]:
    """The folders of watched files with what they hold of the wanted, that with the newest one first."""
    conditions, values = _conditions(msgspec.structs.replace(wanted, sources=()))
    if not conditions:
        rows = conn.execute(
            "SELECT folder, transcripts, duration, newest FROM watched_folders ORDER BY newest DESC LIMIT ?", (limit,)
        )
    else:
        rows = conn.execute(
            f"""SELECT folder, count(*), total(duration), max(at) AS newest FROM transcripts
            INDEXED BY transcripts_by_folder{_where([*conditions, "folder IS NOT NULL"])}
            GROUP BY folder ORDER BY newest DESC LIMIT ?""",  # noqa: S608
            (*values, limit),
        )
    return [FolderRow(*row) for row in rows]


def search(
    conn: sqlite3.Connection, expression: str, wanted: Filter, *, limit: int, place: Place | None = None
) -> tuple[list[Match], Place | None]:
    """A page of what an FTS5 expression matches, and where the next one begins, None after the last.

    The newest `WINDOW` matches come first, best of them first (BM25); then the next `WINDOW`.
    """
    newest, offset = (place.newest, place.offset) if place else (None, 0)
    found = _window(conn, expression, wanted, newest, WINDOW)
    ranked = [job_id for job_id, _ in sorted(found, key=lambda one: (one[1], -one[0]))]
    shown = ranked[offset : offset + limit]
    after: Place | None = None
    if offset + limit < len(ranked):
        after = Place(found[0][0], offset + limit)
    elif len(found) == WINDOW and _window(conn, expression, wanted, found[-1][0] - 1, 1):
        after = Place(found[-1][0] - 1, 0)
    snippets = _snippets(conn, expression, shown)
    return [Match(row, snippets[row.job]) for row in _rows(conn, shown)], after


def oldest(conn: sqlite3.Connection, wanted: Filter, *, limit: int, after: int = 0) -> list[TranscriptRow]:
    """At most `limit` transcripts whose ids are over `after`, in the order of their ids."""
    conditions, values = _conditions(wanted)
    ids = conn.execute(
        f"SELECT job FROM transcripts{_where([*conditions, 'job > ?'])} ORDER BY job LIMIT ?",  # noqa: S608
        (*values, after, limit),
    )
    return _rows(conn, [job_id for (job_id,) in ids])


def some(conn: sqlite3.Connection, ids: list[int]) -> list[TranscriptRow]:
    """The transcripts that exist of these, in this order."""
    return _rows(conn, ids)


# -- the parts of queries ---------------------------------------------------------------------------------------------


def _conditions(wanted: Filter) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    given: tuple[tuple[str, object], ...] = (
        ("source IN (SELECT value FROM json_each(?))", json.dumps(wanted.sources) if wanted.sources else None),
        ("at >= ?", wanted.since),
        ("at < ?", wanted.until),
        ("language = ?", wanted.language),
        ("batch_name = ?" if isinstance(wanted.batch, str) else "batch = ?", wanted.batch),
        ("confidence < ?", wanted.confidence_below),
        ("folder = ?", wanted.folder),
    )
    for condition, value in given:
        if value is not None:
            conditions.append(condition)
            values.append(value)
    return conditions, values


def _where(conditions: list[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _rows(conn: sqlite3.Connection, ids: list[int]) -> list[TranscriptRow]:
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM transcripts WHERE job IN (SELECT value FROM json_each(?))",  # noqa: S608
        (json.dumps(ids),),
    )
    found = {row[0]: _row(row) for row in rows}
    return [found[job_id] for job_id in dict.fromkeys(ids) if job_id in found]


def _row(columns: tuple[Any, ...]) -> TranscriptRow:
    row = TranscriptRow(*columns)
    return msgspec.structs.replace(row, source=Kind(row.source), partial=bool(row.partial))


def _window(
    conn: sqlite3.Connection, expression: str, wanted: Filter, newest: int | None, limit: int
) -> list[tuple[int, float]]:
    """The newest matches from `newest` on, newest first, each with its rank (the lower the better)."""
    conditions, values = _conditions(wanted)
    joined = "CROSS JOIN transcripts ON transcripts.job = words.rowid" if conditions else ""
    between, bounds = _bounds(conn, wanted, newest)
    rows = conn.execute(
        f"""SELECT words.rowid, bm25(transcript_words) FROM transcript_words AS words {joined}
        {_where(["words.transcript_words MATCH ?", *between, *conditions])}
        ORDER BY words.rowid DESC LIMIT ?""",  # noqa: S608
        (expression, *bounds, *values, limit),
    )
    return rows.fetchall()


def _bounds(conn: sqlite3.Connection, wanted: Filter, newest: int | None) -> tuple[list[str], list[object]]:
    """The ids that a time span leaves, which the index of words can skip to."""
    conditions: list[str] = []
    values: list[object] = []
    if newest is not None:
        conditions.append("words.rowid <= ?")
        values.append(newest)
    if wanted.since is not None or wanted.until is not None:
        span, times = _conditions(Filter(since=wanted.since, until=wanted.until))
        first, last = conn.execute(f"SELECT min(job), max(job) FROM transcripts{_where(span)}", times).fetchone()  # noqa: S608
        conditions += ["words.rowid >= ?", "words.rowid <= ?"]
        values += [0, -1] if first is None else [first, last]
    return conditions, values


def _snippets(conn: sqlite3.Connection, expression: str, ids: list[int]) -> dict[int, tuple[tuple[str, bool], ...]]:
    """In one pass: to begin with the index anew for each would cost as much as the search."""
    if not ids:
        return {}
    rows = conn.execute(
        """SELECT rowid, snippet(transcript_words, 0, ?, ?, ?, ?) FROM transcript_words
        WHERE transcript_words MATCH ? AND rowid BETWEEN ? AND ? AND +rowid IN (SELECT value FROM json_each(?))""",
        (_OPEN, _CLOSE, _MORE, SNIPPET_WORDS, expression, min(ids), max(ids), json.dumps(ids)),
    )
    return {job_id: parts(marked) for job_id, marked in rows}


def parts(marked: str) -> tuple[tuple[str, bool], ...]:
    """A snippet in which matches stand between marks, as pieces; gaps between words go, as do line breaks."""
    pieces: list[tuple[str, bool]] = []
    for piece in marked.replace(GAP, "").replace("\n", " ").split(_OPEN):
        inside, closed, outside = piece.partition(_CLOSE)
        found = [(inside, True), (outside, False)] if closed else [(inside, False)]
        pieces += [(text, match) for text, match in found if text]
    return tuple(pieces)
