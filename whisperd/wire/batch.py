"""Parameters and results of `batch.*`, and the payloads of `batch.state` and `batch.progress`.

Owns: these shapes. Leaves to others: those of the jobs that are a batch's items (`job`), and what the methods do
(`whisperd.api.batch`).
"""

from typing import Annotated

from msgspec import Meta, Struct

from whisperd.frames import FailureKind
from whisperd.jobs.batches import MAX_CONCURRENCY, BatchState
from whisperd.jobs.job import Options, State
from whisperd.wire import names
from whisperd.wire.job import FileParam, JobView, QueueCounts
from whisperd.wire.types import BatchRef, ErrorData, JobId, Params

Name = Annotated[str, Meta(min_length=1, max_length=200)]
"""A batch's name: unique among the unfinished ones, and not a number, which would be an id."""

Concurrency = Annotated[int, Meta(ge=1, le=MAX_CONCURRENCY)]
BatchRefs = Annotated[list[BatchRef], Meta(min_length=1, max_length=names.MAX_PAGE)]
Files = Annotated[list[FileParam], Meta(max_length=names.MAX_FILES)]
Limit = Annotated[int, Meta(ge=1, le=names.MAX_PAGE)]


class BatchView(Struct, frozen=True):
    """A batch as every method and event shows it.

    `items` counts its jobs by state. `progress` is from 0 to 1 of the audio that is to be transcribed, that of failed
    and cancelled items left out; `duration` that audio's seconds and `done` those transcribed. A file's length is known
    once it was opened; while one is not, its share of `duration` is estimated from its bytes and `estimated` says so.
    `speed` is audio seconds a second of computing, `megabytes_per_second` the same in the files' bytes (10⁶), `eta` the
    seconds left at that speed. `size` is the bytes of all items.
    """

    id: int
    name: str
    state: BatchState
    concurrency: int
    options: Options
    total: int
    items: QueueCounts
    size: int
    progress: float
    done: float
    duration: float
    estimated: bool
    created_at: str
    speed: float | None = None
    megabytes_per_second: float | None = None
    eta: float | None = None
    started_at: str | None = None
    finished_at: str | None = None


class BatchFailure(Struct, frozen=True):
    """An item that failed, and why."""

    job: int
    path: str
    kind: FailureKind
    message: str
    hint: str | None = None


class BatchResult(Struct, frozen=True):
    batch: BatchView


class BatchCreateParams(Params, frozen=True):
    """Makes a draft, or with `start` a running batch. `options` are those of every item that brings none of its own;
    without `concurrency` it is the configuration's."""

    name: Name
    concurrency: Concurrency | None = None
    options: Options = Options()
    files: Files = []
    start: bool = False


class BatchListParams(Params, frozen=True):
    """Newest first. `cursor` is the `next_cursor` of the page before."""

    states: list[BatchState] = []
    limit: Limit = names.DEFAULT_PAGE
    cursor: str | None = None


class BatchListResult(Struct, frozen=True):
    batches: list[BatchView]
    next_cursor: str | None


class BatchShowParams(Params, frozen=True):
    """The batch with a page of its items (of these states; empty: all) in the order in which they were added."""

    id: BatchRef
    states: list[State] = []
    limit: Limit = names.DEFAULT_PAGE
    cursor: str | None = None


class BatchShowResult(Struct, frozen=True):
    """`failures` are the first ones of all items, whatever page was asked for."""

    batch: BatchView
    items: list[JobView]
    failures: list[BatchFailure]
    next_cursor: str | None


class BatchAddParams(Params, frozen=True):
    """`options` are used in place of the batch's own. A file that is an unfinished item with the same options already
    is not added twice unless `again`."""

    id: BatchRef
    files: Annotated[list[FileParam], Meta(min_length=1, max_length=names.MAX_FILES)]
    options: Options | None = None
    again: bool = False


class BatchRemoveParams(Params, frozen=True):
    """Takes jobs out of the batch; those that are not finished are cancelled."""

    id: BatchRef
    jobs: Annotated[list[JobId], Meta(min_length=1, max_length=names.MAX_PAGE)]


class BatchSetParams(Params, frozen=True):
    """What is left out stays as it is; both may be changed while the batch runs."""

    id: BatchRef
    name: Name | None = None
    concurrency: Concurrency | None = None


class BatchRetryParams(Params, frozen=True):
    """Queues items again: these `jobs`, or every failed one where none is named."""

    id: BatchRef
    jobs: Annotated[list[JobId], Meta(max_length=names.MAX_PAGE)] = []


class BatchIdsParams(Params, frozen=True):
    ids: BatchRefs


class BatchDeleteParams(Params, frozen=True):
    """Removes finished batches and drafts with their jobs; with `transcripts`, what was transcribed too."""

    ids: BatchRefs
    transcripts: bool = False


class BatchAnswer(Struct, frozen=True):
    """One batch's answer to a verb given for several: `id` as it was asked for, and the batch as it is now or why the
    verb did nothing."""

    id: int | str
    ok: bool
    batch: BatchView | None = None
    error: ErrorData | None = None


class BatchAnswersResult(Struct, frozen=True):
    batches: list[BatchAnswer]
