"""How transcripts of the history look on the wire, and how their cursors are written.

Owns: turning rows, matches and places into the types of `whisperd.wire.history` and back. Pure.
"""

import os
from pathlib import PurePath
from typing import Any, TypeVar

import msgspec

from whisperd.api import cursors
from whisperd.store.history import Filter, FolderRow, Match, Place, Position, TranscriptRow
from whisperd.transcripts.transcript import Transcript
from whisperd.wire import history as wire
from whisperd.wire.paths import from_wire, to_wire
from whisperd.wire.times import iso8601

T = TypeVar("T")


def summary(row: TranscriptRow) -> wire.TranscriptSummary:
    path, path_b64 = to_wire(row.path)
    return wire.TranscriptSummary(
        id=row.job,
        source=row.source,
        path=path,
        path_b64=path_b64,
        at=iso8601(row.at),
        created_at=iso8601(row.created_at),
        duration=row.duration,
        processing_time=row.processing_time,
        confidence=row.confidence,
        model=row.model,
        device=row.device,
        beginning=row.beginning,
        language=row.language,
        partial=row.partial,
        edited=row.edited_at is not None,
        batch=row.batch,
        batch_name=row.batch_name,
    )


def folder_summary(row: FolderRow) -> wire.FolderSummary:
    folder, folder_b64 = to_wire(row.folder)
    return wire.FolderSummary(folder, row.transcripts, row.duration, iso8601(row.at), folder_b64)


def match_view(match: Match) -> wire.HistoryMatch:
    return wire.HistoryMatch(summary(match.row), [wire.SnippetPart(text, found) for text, found in match.snippet])


def document(row: TranscriptRow, content: str) -> wire.Document:
    name, name_b64 = to_wire(os.fsencode(PurePath(os.fsdecode(row.path)).stem))
    return wire.Document(row.job, name, content, name_b64)


def record(row: TranscriptRow, transcript: Transcript, original: str | None) -> str:
    """Everything about a transcript as JSON on one line."""
    facts: dict[str, Any] = msgspec.to_builtins(summary(row))
    del facts["beginning"]
    return msgspec.json.encode(facts | {"original": original} | msgspec.structs.asdict(transcript)).decode()


def to_filter(given: wire.HistoryFilter) -> Filter:
    """Raises InvalidParamsError for a folder that is no absolute path."""
    folder = None
    if given.folder is not None or given.folder_b64 is not None:
        folder = from_wire(given.folder, given.folder_b64, "params.filter.folder").rstrip(b"/") or b"/"
    return Filter(
        sources=given.sources,
        since=given.since.timestamp() if given.since else None,
        until=given.until.timestamp() if given.until else None,
        language=given.language,
        batch=given.batch,
        confidence_below=given.confidence_below,
        folder=folder,
    )


# -- cursors ----------------------------------------------------------------------------------------------------------


def position_cursor(row: TranscriptRow) -> str:
    return f"{row.at!r}:{row.job}"


def position(cursor: str | None) -> Position | None:
    """Raises InvalidParamsError, as `place` does, for what is no cursor of such a page."""
    return Position(*cursors.moment_and_number(cursor)) if cursor is not None else None


def place_cursor(place: Place) -> str:
    return f"{place.newest}:{place.offset}"


def place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    newest, offset = cursors.numbers(cursor, 2)
    if newest < 0 or offset < 0:
        raise cursors.unknown()
    return Place(newest, offset)
