"""Parameters and results of `initialize` and `daemon.*`: who answers, and how it is doing.

Owns: these shapes. Leaves to others: health and figures (`health`), making them (`whisperd.api.daemon`, `doctor`).
"""

from msgspec import Struct

from whisperd.wire import names
from whisperd.wire.job import JobView, QueueCounts
from whisperd.wire.types import Params


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
