"""Figures of the past: how much was transcribed, how fast, how well, and what failed.

Owns: the queries. Leaves to others: what is measured of models (`measurements`), showing (`whisperd.api.health`).
Transcripts that were deleted, and failures whose rows were cleared, count no longer.
"""

import enum
import math
import sqlite3

from msgspec import Struct

from whisperd.jobs.job import Priority


class Grouping(enum.StrEnum):
    """What figures are told by."""

    ALL = "all"
    DAY = "day"
    SOURCE = "source"
    MODEL = "model"


_DONE_BY = {
    Grouping.ALL: "'all'",
    Grouping.DAY: "date(at, 'unixepoch', 'localtime')",
    Grouping.SOURCE: "source",
    Grouping.MODEL: "model",
}
_FAILED_BY = {
    Grouping.ALL: "'all'",
    Grouping.DAY: "date(finished_at, 'unixepoch', 'localtime')",
    Grouping.SOURCE: "kind",
    Grouping.MODEL: "coalesce(model, requested_model, 'unknown')",
}


class Figures(Struct, frozen=True):
    """Of one group; times are seconds. `queue_wait`, `latency` and `confidence` are means, None without any value."""

    name: str
    jobs: int = 0
    failures: int = 0
    audio: float = 0.0
    processing_time: float = 0.0
    queue_wait: float | None = None
    latency: float | None = None
    latency_p95: float | None = None
    confidence: float | None = None


def since(conn: sqlite3.Connection, at: float, grouping: Grouping) -> list[Figures]:
    """The figures of what ended at or after a time (unix seconds), by name."""
    done_by, failed_by = _DONE_BY[grouping], _FAILED_BY[grouping]
    done = conn.execute(
        f"""SELECT {done_by} AS name, count(*), total(duration), total(processing_time), avg(queue_wait), avg(latency),
            avg(confidence) FROM transcripts WHERE at >= ? GROUP BY name""",  # noqa: S608 (names of ours)
        (at,),
    ).fetchall()
    failed: dict[str, int] = dict(
        conn.execute(
            f"SELECT {failed_by} AS name, count(*) FROM jobs WHERE state = 'failed' AND finished_at >= ? GROUP BY name",  # noqa: S608
            (at,),
        ).fetchall()
    )
    p95 = _latencies_p95(conn, at, done_by)
    found = {
        name: Figures(name, jobs, failed.get(name, 0), audio, processing, wait, latency, p95.get(name), confidence)
        for name, jobs, audio, processing, wait, latency, confidence in done
    }
    found |= {name: Figures(name, failures=count) for name, count in failed.items() if name not in found}
    return [found[name] for name in sorted(found)]


def _latencies_p95(conn: sqlite3.Connection, at: float, by: str) -> dict[str, float]:
    grouped: dict[str, list[float]] = {}
    rows = conn.execute(
        f"SELECT {by}, latency FROM transcripts WHERE at >= ? AND latency IS NOT NULL",  # noqa: S608
        (at,),
    )
    for name, latency in rows:
        grouped.setdefault(name, []).append(latency)
    return {name: percentile(latencies, 0.95) for name, latencies in grouped.items()}


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of the (one or more) values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def head_queued_at(conn: sqlite3.Connection, priority: Priority) -> float | None:
    """Since when the next job of a class has been queued (unix seconds)."""
    row = conn.execute(
        """SELECT queued_at FROM jobs WHERE state = 'queued' AND hold IS NULL AND priority = ?
        ORDER BY position, id LIMIT 1""",
        (priority,),
    ).fetchone()
    return row[0] if row else None


def transcripts(conn: sqlite3.Connection) -> list[tuple[str, str, int, float, float]]:
    """Of all that is kept, by source and model: how many, seconds of audio, seconds of processing."""
    return conn.execute(
        """SELECT source, model, count(*), total(duration), total(processing_time) FROM transcripts
        GROUP BY source, model ORDER BY source, model"""
    ).fetchall()


def speeds(conn: sqlite3.Connection) -> list[tuple[str, str, str, float]]:
    """The measured real-time factor of each model, device and compute type."""
    return conn.execute(
        "SELECT model, device, compute_type, seconds / audio_seconds FROM speeds ORDER BY model, device, compute_type"
    ).fetchall()
