"""Parameters and results of `daemon.health`, `daemon.stats` and `daemon.metrics`.

Owns: those shapes. Leaves to others: the rule behind health (`whisperd.health`), figures (`whisperd.store.figures`).
"""

from typing import Annotated

from msgspec import Meta, Struct

from whisperd.wire.types import Params


class HealthReason(Struct, frozen=True):
    """One thing that is wrong, `degraded` or `failing`, and what to do."""

    kind: str
    level: str
    message: str
    hint: str


class HealthResult(Struct, frozen=True):
    """`ok`, `degraded` or `failing`, and everything that is wrong."""

    state: str
    reasons: list[HealthReason]


class StatsParams(Params, frozen=True):
    """The last `days` days, the day of asking included."""

    days: Annotated[int, Meta(ge=1, le=3660)] = 7


class FiguresView(Struct, frozen=True):
    """Figures of one `name`: a day (local), a source, or a model.

    Seconds: `audio` transcribed, `processing_time`, mean `queue_wait`, `latency` from a dictation's end to its text
    (mean and 95th percentile). `real_time_factor` is processing time a second of audio. None: nothing to tell.
    """

    name: str
    jobs: int
    failures: int
    jobs_per_hour: float
    audio: float
    processing_time: float
    real_time_factor: float | None
    queue_wait: float | None
    latency: float | None
    latency_p95: float | None
    confidence: float | None


class StorageView(Struct, frozen=True):
    """Bytes in the state folder."""

    database: int
    backups: int
    temporary: int
    models: int
    free: int


class StatsResult(Struct, frozen=True):
    days: int
    total: FiguresView
    by_day: list[FiguresView]
    by_source: list[FiguresView]
    by_model: list[FiguresView]
    storage: StorageView


class MetricsResult(Struct, frozen=True):
    """`text` in Prometheus's text format, of `content_type`."""

    content_type: str
    text: str
