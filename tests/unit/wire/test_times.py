"""Times on the wire."""

from whisperd.wire.times import iso8601


def test_a_time_is_utc_with_milliseconds() -> None:
    assert iso8601(0) == "1970-01-01T00:00:00.000Z"
    assert iso8601(1_769_860_800.25) == "2026-01-31T12:00:00.250Z"
