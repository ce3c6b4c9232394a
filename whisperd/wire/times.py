"""Times over the wire: ISO 8601 in UTC with milliseconds, from seconds since 1970."""

from datetime import UTC, datetime


def iso8601(unix: float) -> str:
    """`2026-01-31T12:00:00.250Z`"""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
