"""Parameters and results of `history.*`: finished transcripts, found again.

Owns: those shapes. Leaves to others: a transcript itself (`types.TranscriptView`), and what the methods do
(`whisperd.api.history`). A transcript's `id` is that of the job it came from. Times are ISO 8601 UTC with milliseconds,
durations are seconds.
"""

import datetime
from typing import Annotated

from msgspec import Meta, Struct

from whisperd.jobs.job import Format, Kind
from whisperd.wire import names
from whisperd.wire.job import TranscriptView
from whisperd.wire.types import ErrorData, JobId, Params

Moment = Annotated[datetime.datetime, Meta(tz=True, description="ISO 8601 with an offset")]
Query = Annotated[str, Meta(min_length=1, max_length=1_000)]
Ids = Annotated[list[JobId], Meta(min_length=1, max_length=names.MAX_PAGE)]


class HistoryFilter(Params, frozen=True):
    """Which transcripts; what is left out excludes nothing.

    `since` and `until` are of the time it was finished, the first included. `batch` is a batch's number or name, also
    of one that is deleted; `folder` the absolute path of watched files' folder (`folder_b64` where it is not UTF-8).
    """

    sources: tuple[Kind, ...] = ()
    since: Moment | None = None
    until: Moment | None = None
    language: str | None = None
    batch: JobId | Query | None = None
    confidence_below: Annotated[float, Meta(ge=0, le=1)] | None = None
    folder: str | None = None
    folder_b64: str | None = None


class TranscriptSummary(Struct, frozen=True):
    """What is known of a transcript besides its text, and how that begins.

    `at` is when it was finished; `edited` says that a person has changed the text.
    """

    id: int
    source: Kind
    path: str
    at: str
    created_at: str
    duration: float
    processing_time: float
    confidence: float
    model: str
    device: str
    beginning: str
    path_b64: str | None = None
    language: str | None = None
    partial: bool = False
    edited: bool = False
    batch: int | None = None
    batch_name: str | None = None


class HistoryListParams(Params, frozen=True):
    """Newest first. `cursor` is the `next_cursor` of the page before.

    Watched files come as one line a folder, unless `unfold`, or the filter names their source or their folder.
    """

    filter: HistoryFilter = HistoryFilter()
    unfold: bool = False
    limit: Annotated[int, Meta(ge=1, le=names.MAX_PAGE)] = names.DEFAULT_PAGE
    cursor: str | None = None


class FolderSummary(Struct, frozen=True):
    """The transcripts of a folder's watched files in one line; `at` is when the newest was finished."""

    folder: str
    transcripts: int
    duration: float
    at: str
    folder_b64: str | None = None


class HistoryListResult(Struct, frozen=True):
    """`folders`, newest first, are on the first page only."""

    transcripts: list[TranscriptSummary]
    folders: list[FolderSummary]
    next_cursor: str | None


class HistorySearchParams(Params, frozen=True):
    """All words of `query` must occur, each at the beginning of a word; `"…"` stands for these words in this order.

    Best first among the newest matches, then the older ones.
    """

    query: Query
    filter: HistoryFilter = HistoryFilter()
    limit: Annotated[int, Meta(ge=1, le=200)] = 20
    cursor: str | None = None


class SnippetPart(Struct, frozen=True):
    """A piece of text; `match` says that it is what was searched for."""

    text: str
    match: bool = False


class HistoryMatch(Struct, frozen=True):
    transcript: TranscriptSummary
    snippet: list[SnippetPart]


class HistorySearchResult(Struct, frozen=True):
    matches: list[HistoryMatch]
    next_cursor: str | None


class HistoryShowParams(Params, frozen=True):
    """With a `format`, the result carries the rendered file as well."""

    id: JobId
    format: Format | None = None


class HistoryShowResult(Struct, frozen=True):
    """`original` is the text as it was decoded, where it has been edited since."""

    summary: TranscriptSummary
    transcript: TranscriptView
    original: str | None = None
    rendered: str | None = None


class HistoryEditParams(Params, frozen=True):
    """The new `text`; null brings back the original."""

    id: JobId
    text: Annotated[str, Meta(max_length=names.MAX_REQUEST)] | None


class HistoryEditResult(Struct, frozen=True):
    transcript: TranscriptSummary


class HistoryDeleteParams(Params, frozen=True):
    """With each transcript goes what is left of its job."""

    ids: Ids


class HistoryAnswer(Struct, frozen=True):
    """One id's answer: done, or why not."""

    id: int
    ok: bool
    error: ErrorData | None = None


class HistoryAnswersResult(Struct, frozen=True):
    transcripts: list[HistoryAnswer]


class HistoryExportParams(Params, frozen=True):
    """Whole transcripts, oldest first, a page at a time: those of `ids`, or all that the filter lets through.

    With a `format` each comes as such a file's content, without one as a JSON value on one line.
    """

    ids: Ids | None = None
    filter: HistoryFilter = HistoryFilter()
    format: Format | None = None
    cursor: str | None = None


class Document(Struct, frozen=True):
    """`name` is what a file of it may be called, without a suffix; `name_b64` where that is not UTF-8."""

    id: int
    name: str
    content: str
    name_b64: str | None = None


class HistoryExportResult(Struct, frozen=True):
    documents: list[Document]
    next_cursor: str | None
