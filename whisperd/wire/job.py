"""Parameters and results of `job.*` and `queue.*`, and the views of jobs that other methods answer with too.

Owns: these shapes. Leaves to others: making them of rows (`whisperd.api.views`), history (`history`) and batches
(`batch`).
"""

import enum
from typing import Annotated, Any

from msgspec import Meta, Struct

from whisperd.frames import FailureKind, Segment
from whisperd.jobs.job import Format, Kind, Options, Output, Stage, State
from whisperd.wire import names
from whisperd.wire.types import BatchRef, ErrorData, JobId, Params


class QueueCounts(Struct, frozen=True):
    queued: int = 0
    running: int = 0
    waiting: int = 0
    paused: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0


class FileParam(Params, frozen=True):
    """An audio file by absolute path; `path_b64` (base64 of the bytes) where the name is not UTF-8."""

    path: str | None = None
    path_b64: str | None = None
    key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class SubmitParams(Params, frozen=True):
    """A file's `key` makes submitting idempotent: the same key returns the same job.

    A file that is queued or running with the same options is not queued twice unless `again`; sent by hand it is
    promoted. `low` lowers a file's class.
    """

    files: Annotated[list[FileParam], Meta(min_length=1, max_length=names.MAX_FILES)]
    kind: Kind = Kind.FILE
    options: Options = Options()
    low: bool = False
    again: bool = False


class FailureView(Struct, frozen=True):
    kind: FailureKind
    message: str
    hint: str | None = None


class JobView(Struct, frozen=True):
    """A job as every method and event shows it.

    `progress` is from 0 to 1 of the audio's seconds; `duration` the audio's seconds once known; `done` the seconds
    transcribed; `speed` audio seconds a second of work; `eta` seconds left; `place` 1 for the next one in the queue;
    `starts_in` the seconds until it starts, by estimate; `hold` what keeps a queued job from starting;
    `outputs_retry_at` when files that could not be written are tried again; `size` the file's bytes; `batch` the id of
    the batch whose item it is.
    """

    id: int
    kind: Kind
    state: State
    path: str
    created_at: str
    options: Options
    stage: Stage | None = None
    progress: float = 0.0
    done: float = 0.0
    duration: float | None = None
    speed: float | None = None
    eta: float | None = None
    place: int | None = None
    starts_in: float | None = None
    hold: str | None = None
    priority: str = "normal"
    attempts: int = 0
    error: FailureView | None = None
    path_b64: str | None = None
    key: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    retry_at: str | None = None
    model: str | None = None
    device: str | None = None
    language: str | None = None
    processing_time: float | None = None
    partial: bool | None = None
    missing: float | None = None
    unheard: float | None = None
    confidence: float | None = None
    outputs: list[Output] = []
    outputs_retry_at: str | None = None
    notes: list[str] = []
    size: int | None = None
    batch: int | None = None


class JobsResult(Struct, frozen=True):
    jobs: list[JobView]


class Order(enum.StrEnum):
    """`newest` first, or as the `queue` goes: the next job to start first, and after all that wait their turn those
    that are held back."""

    NEWEST = "newest"
    QUEUE = "queue"


class JobListParams(Params, frozen=True):
    """`cursor` is the `next_cursor` of the page before. In the order of the `queue`, only queued jobs are listed."""

    states: list[State] = []
    kinds: list[Kind] = []
    order: Order = Order.NEWEST
    batch: BatchRef | None = None
    limit: Annotated[int, Meta(ge=1, le=names.MAX_PAGE)] = names.DEFAULT_PAGE
    cursor: str | None = None


class JobListResult(Struct, frozen=True):
    jobs: list[JobView]
    next_cursor: str | None


class JobParams(Params, frozen=True):
    id: JobId


class StoryEntry(Struct, frozen=True):
    """One committed event of a job's story."""

    seq: int
    at: str
    event: str
    data: dict[str, Any]


class JobShowResult(Struct, frozen=True):
    job: JobView
    story: list[StoryEntry]


class TranscriptView(Struct, frozen=True):
    """A finished transcript. `missing` is the seconds of audio that could not be decoded, `unheard` those in which
    somebody speaks and no words were found."""

    text: str
    segments: list[Segment]
    language: str | None
    duration: float
    partial: bool
    language_probability: float
    confidence: float
    missing: float
    processing_time: float
    model: str
    device: str
    notes: list[str] = []
    unheard: float = 0.0


class JobTextParams(Params, frozen=True):
    """With a `format`, the result carries the rendered file as well.

    With `so_far`, a job that is not finished answers with what is stored of it; its `duration` is that of the audio
    done.
    """

    id: JobId
    format: Format | None = None
    so_far: bool = False


class JobTextResult(Struct, frozen=True):
    id: int
    transcript: TranscriptView
    rendered: str | None = None


class JobIdsParams(Params, frozen=True):
    ids: Annotated[list[JobId], Meta(min_length=1, max_length=names.MAX_PAGE)]


class JobMoveParams(Params, frozen=True):
    """`place` is counted from 1 within the job's class; several jobs take consecutive places."""

    ids: Annotated[list[JobId], Meta(min_length=1, max_length=names.MAX_PAGE)]
    place: Annotated[int, Meta(ge=1, le=2**31)]


class JobWaitParams(Params, frozen=True):
    """Answers when every job is in a final state, or after `timeout` seconds with what they are then."""

    ids: Annotated[list[JobId], Meta(min_length=1, max_length=names.MAX_PAGE)]
    timeout: Annotated[float, Meta(ge=0, le=86_400)] | None = None


class JobAnswer(Struct, frozen=True):
    """One id's answer to a verb given for several: the job as it is now, or why the verb did nothing."""

    id: int
    ok: bool
    job: JobView | None = None
    error: "ErrorData | None" = None


class JobAnswersResult(Struct, frozen=True):
    jobs: list[JobAnswer]


class QueueResult(Struct, frozen=True):
    paused: bool
    queue: QueueCounts


class QueueClearResult(Struct, frozen=True):
    removed: int
