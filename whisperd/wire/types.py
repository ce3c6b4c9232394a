"""Parameters and results of every method, and the payloads of events.

Owns: the shapes that cross the socket. Leaves to others: which method takes which (`methods`), reading and writing JSON
(`codec`), and what the methods do (`whisperd.api`). Times are ISO 8601 UTC with milliseconds, durations are seconds.
"""

import enum
from typing import Annotated, Any

from msgspec import Meta, Struct

from whisperd.errors import WhisperdError
from whisperd.frames import FailureKind, Segment
from whisperd.jobs.job import Format, Kind, Options, Output, Stage, State
from whisperd.wire import names

JobId = Annotated[int, Meta(ge=1, le=2**53 - 1)]

BatchRef = JobId | Annotated[str, Meta(min_length=1, max_length=200)]
"""A batch by its id, or by its name: the unfinished one's of that name, else the newest one's."""


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all parameters: what a method does not know is refused, so that a misspelt option is never ignored."""


class Empty(Params, frozen=True):
    """No parameters."""


# -- the connection and the daemon ------------------------------------------------------------------------------------


class InitializeParams(Params, frozen=True):
    client: str = "unknown"
    version: str | None = None
    protocol: int = names.PROTOCOL_VERSION


class Limits(Struct, frozen=True):
    max_request: int = names.MAX_REQUEST
    max_depth: int = names.MAX_DEPTH
    max_batch: int = names.MAX_BATCH
    max_in_flight: int = names.MAX_IN_FLIGHT
    max_files: int = names.MAX_FILES
    max_page: int = names.MAX_PAGE


class InitializeResult(Struct, frozen=True):
    name: str
    version: str
    protocol: int
    limits: Limits
    capabilities: list[str]


class PingResult(Struct, frozen=True):
    pong: bool = True


class QueueCounts(Struct, frozen=True):
    queued: int = 0
    running: int = 0
    waiting: int = 0
    paused: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0


class WorkerStatus(Struct, frozen=True):
    """A lane's worker process; `pid` is None while none runs. `jobs` are those in progress on it, `job` the first of
    them. `memory` is its resident set in bytes.

    `fallback` says why the model runs on the CPU though it was to run on an accelerator.
    """

    lane: str
    state: str
    pid: int | None = None
    model: str | None = None
    device: str | None = None
    compute_type: str | None = None
    job: int | None = None
    memory: int | None = None
    error: str | None = None
    fallback: str | None = None
    jobs: list[int] = []


class LanesView(Struct, frozen=True):
    """How many lanes there are, and why."""

    count: int
    reason: str


class HoldView(Struct, frozen=True):
    """What keeps whole classes of queued jobs from starting, and how many jobs."""

    reason: str
    jobs: int


class StatusResult(Struct, frozen=True):
    version: str
    pid: int
    started_at: str
    uptime: float
    state_dir: str
    socket: str
    config: str | None
    memory: int
    queue: QueueCounts
    paused: bool
    trouble: str | None
    config_error: str | None
    restart_needed: list[str]
    holds: list[HoldView]
    lanes: LanesView
    workers: list[WorkerStatus]
    running: list["JobView"]


class Check(Struct, frozen=True):
    """One line of `doctor`: `ok`, `warning` or `failed`, what was found, and what to do."""

    name: str
    status: str
    message: str
    hint: str | None = None


class DoctorResult(Struct, frozen=True):
    ok: bool
    checks: list[Check]


class ShutdownResult(Struct, frozen=True):
    stopping: bool = True


# -- jobs -------------------------------------------------------------------------------------------------------------


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
    """A finished transcript. `missing` is the seconds of audio that could not be decoded."""

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


# -- events -----------------------------------------------------------------------------------------------------------


class SubscribeParams(Params, frozen=True):
    """`topics`, `jobs` and `batches` filter (empty: all); an event of a batch's item is one of the batch. With `since`,
    stored events after that `seq` come first."""

    topics: list[str] = []
    jobs: list[JobId] = []
    batches: list[JobId] = []
    since: Annotated[int, Meta(ge=0)] | None = None


class SubscribeResult(Struct, frozen=True):
    """`seq` is the newest stored event's at the time of subscribing. Events up to `pruned` are not kept any more: who
    asked for some of these by `since` does not get them, and should look at the state of things anew."""

    subscription: int
    seq: int
    pruned: int = 0


class UnsubscribeParams(Params, frozen=True):
    subscription: int


class UnsubscribeResult(Struct, frozen=True):
    unsubscribed: bool


class EventView(Struct, frozen=True, omit_defaults=True):
    """Parameters of an `event` notification. State events have a `seq`; progress has none."""

    subscription: int
    topic: str
    at: str
    data: dict[str, Any]
    seq: int | None = None
    job: int | None = None
    batch: int | None = None


class EventsLostView(Struct, frozen=True):
    """The reader was too slow and the subscription ended; subscribe again with `since` (and look at `pruned`)."""

    subscription: int
    since: int


# -- errors -----------------------------------------------------------------------------------------------------------


class ErrorData(Struct, frozen=True):
    kind: str
    retryable: bool
    message: str | None = None
    hint: str | None = None

    @classmethod
    def of(cls, error: WhisperdError) -> "ErrorData":
        """As an answer for several things tells what went wrong with one of them."""
        return cls(error.kind, error.retryable, error.message, error.hint)


class ErrorObject(Struct, frozen=True, omit_defaults=True):
    code: int
    message: str
    data: ErrorData | None = None
