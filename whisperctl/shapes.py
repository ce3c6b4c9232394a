"""The daemon's JSON values as the client sees them: plain dictionaries, described for the type checker only.

Owns: the shapes. Nothing imports this module at run time (`typing` costs milliseconds): it is imported where
`TYPE_CHECKING` is true. A test holds it equal to `whisperd.wire`. Times are ISO 8601 UTC, durations seconds.
"""

from collections.abc import Callable
from typing import Any, NotRequired, TypedDict

Json = Any
"""Any JSON value."""

Params = dict[str, Json]
"""Parameters of a request, or a result that is handed on as it came."""


class ErrorDict(TypedDict):
    kind: str
    retryable: bool
    message: str | None
    hint: str | None


class ErrorObject(TypedDict):
    code: int
    message: str
    data: NotRequired[ErrorDict]


class Failure(TypedDict):
    kind: str
    message: str
    hint: str | None


class Output(TypedDict):
    format: str
    path: str
    path_b64: NotRequired[str]
    size: NotRequired[int]
    digest: NotRequired[str]
    error: NotRequired[str]


class Job(TypedDict):
    id: int
    kind: str
    state: str
    path: str
    created_at: str
    options: Params
    stage: str | None
    progress: float
    done: float
    duration: float | None
    speed: float | None
    eta: float | None
    place: int | None
    starts_in: float | None
    hold: str | None
    priority: str
    attempts: int
    error: Failure | None
    path_b64: str | None
    key: str | None
    started_at: str | None
    finished_at: str | None
    retry_at: str | None
    model: str | None
    device: str | None
    language: str | None
    processing_time: float | None
    partial: bool | None
    missing: float | None
    unheard: float | None
    confidence: float | None
    outputs: list[Output]
    outputs_retry_at: str | None
    notes: list[str]
    size: int | None
    batch: int | None


class Batch(TypedDict):
    id: int
    name: str
    state: str
    concurrency: int
    options: Params
    total: int
    items: dict[str, int]
    size: int
    progress: float
    done: float
    duration: float
    estimated: bool
    created_at: str
    speed: float | None
    megabytes_per_second: float | None
    eta: float | None
    started_at: str | None
    finished_at: str | None


class BatchFailure(TypedDict):
    job: int
    path: str
    kind: str
    message: str
    hint: str | None


class BatchList(TypedDict):
    batches: list[Batch]
    next_cursor: str | None


class BatchStory(TypedDict):
    batch: Batch
    items: "list[Job]"
    failures: list[BatchFailure]
    next_cursor: str | None


class BatchAnswer(TypedDict):
    id: int | str
    ok: bool
    batch: Batch | None
    error: ErrorDict | None


class JobList(TypedDict):
    jobs: list[Job]
    next_cursor: str | None


class StoryEntry(TypedDict):
    seq: int
    at: str
    event: str
    data: Params


class JobStory(TypedDict):
    job: Job
    story: list[StoryEntry]


class Answer(TypedDict):
    id: int
    ok: bool
    job: Job | None
    error: ErrorDict | None


class Summary(TypedDict):
    id: int
    source: str
    path: str
    at: str
    duration: float
    processing_time: float
    confidence: float
    model: str
    device: str
    beginning: str
    language: str | None
    partial: bool
    edited: bool
    batch: int | None
    batch_name: str | None


class Folder(TypedDict):
    folder: str
    transcripts: int
    duration: float
    at: str


class HistoryList(TypedDict):
    transcripts: list[Summary]
    folders: list[Folder]
    next_cursor: str | None


class SnippetPart(TypedDict):
    text: str
    match: bool


class Match(TypedDict):
    transcript: Summary
    snippet: list[SnippetPart]


class HistorySearch(TypedDict):
    matches: list[Match]
    next_cursor: str | None


class HistoryShow(TypedDict):
    summary: Summary
    transcript: Params
    original: str | None
    rendered: str | None


class HistoryAnswer(TypedDict):
    id: int
    ok: bool
    error: ErrorDict | None


class Document(TypedDict):
    id: int
    name: str
    content: str
    name_b64: str | None


class HistoryExport(TypedDict):
    documents: list[Document]
    next_cursor: str | None


class Worker(TypedDict):
    lane: str
    state: str
    pid: int | None
    model: str | None
    device: str | None
    compute_type: str | None
    job: int | None
    memory: int | None
    error: str | None
    fallback: str | None


class Lanes(TypedDict):
    count: int
    reason: str


class Hold(TypedDict):
    reason: str
    jobs: int


class QueueState(TypedDict):
    paused: bool
    queue: dict[str, int]


class Status(TypedDict):
    version: str
    pid: int
    started_at: str
    uptime: float
    state_dir: str
    socket: str
    config: str | None
    memory: int
    queue: dict[str, int]
    paused: bool
    trouble: str | None
    config_error: str | None
    restart_needed: list[str]
    holds: list[Hold]
    lanes: Lanes
    workers: list[Worker]
    running: list[Job]


class Check(TypedDict):
    name: str
    status: str
    message: str
    hint: str | None


class DoctorResult(TypedDict):
    ok: bool
    checks: list[Check]


class Pull(TypedDict):
    done: int
    total: int | None
    progress: float
    speed: float
    eta: float | None


class Model(TypedDict):
    name: str
    state: str
    repository: str | None
    languages: str | None
    translates: bool
    disk_mb: int | None
    memory_mb: int | None
    origin: str | None
    path: str | None
    size: int | None
    loaded: list[str]
    resident: int | None
    used_for: list[str]
    pull: Pull | None


class ModelChoice(TypedDict):
    kind: str
    model: str | None
    reason: str
    hint: str | None


class ModelList(TypedDict):
    models: list[Model]
    choices: list[ModelChoice]


class Event(TypedDict, total=False):
    subscription: int
    topic: str
    at: str
    data: Params
    seq: int
    job: int
    batch: int


class FolderCounts(TypedDict):
    found: int
    settling: int
    queued: int
    done: int
    skipped: int
    failed: int
    cancelled: int
    gone: int
    left: int


class WatchedFolder(TypedDict):
    id: int
    path: str
    origin: str
    state: str
    rules: Params
    counts: FolderCounts
    reason: str | None
    path_b64: str | None
    last_found: str | None
    last_found_at: str | None
    last_scan_at: str | None
    last_error: str | None


class WatchedFile(TypedDict):
    path: str
    state: str
    path_b64: str | None
    reason: str | None
    job: int | None
    changed_at: str | None


class FileParam(TypedDict, total=False):
    path: str
    path_b64: str
    key: str


Notice = Callable[[str], None]
"""Tells the person something on stderr."""

Paint = Callable[[str, str], str]
"""`paint(style, text)`: the text in that style, or as it is where there are no colours."""

Bar = Callable[[float, int], str]
"""`bar(fraction, columns)`: a bar of that length, or nothing where there are no bars."""


class DictateStart(TypedDict):
    session: int
    state: str
    device: str
    recording: str


class DictateResult(TypedDict):
    session: int | None
    state: str
    text: str
    job: int | None
    duration: float
    latency: float | None
    error: ErrorDict | None


class DictateToggle(TypedDict):
    started: bool
    session: int
    start: DictateStart | None
    result: DictateResult | None


class DictateSession(TypedDict):
    session: int
    state: str
    started_at: str
    duration: float
    level: float
    private: bool
    committed: str
    device: str | None


class DictateStatus(TypedDict):
    state: str
    sessions: list[DictateSession]
    device: str | None
    error: ErrorDict | None


class InputDevice(TypedDict):
    name: str
    host: str
    channels: int
    rate: float
    default: bool
