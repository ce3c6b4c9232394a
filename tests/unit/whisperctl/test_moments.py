"""Moments as a person gives them."""

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from whisperctl import moments
from whisperctl.errors import UsageError


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


NOW = datetime.fromisoformat("2026-03-10T15:30:00+01:00")


@pytest.mark.parametrize(
    ("words", "first", "end"),
    [
        ("2026-01-31", "2026-01-31T00:00:00+01:00", "2026-02-01T00:00:00+01:00"),
        ("2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),  # of 23 hours
        ("today", "2026-03-10T00:00:00+01:00", "2026-03-11T00:00:00+01:00"),
        ("yesterday", "2026-03-09T00:00:00+01:00", "2026-03-10T00:00:00+01:00"),
        ("2026-07-01 14:30", "2026-07-01T14:30:00+02:00", "2026-07-01T14:30:00+02:00"),
        ("2026-07-01T14:30:00Z", "2026-07-01T14:30:00+00:00", "2026-07-01T14:30:00+00:00"),
        ("90m", "2026-03-10T14:00:00+01:00", "2026-03-10T14:00:00+01:00"),
        ("7d", "2026-03-03T15:30:00+01:00", "2026-03-03T15:30:00+01:00"),
    ],
)
def test_a_moment_is_local_and_a_day_ends_at_midnight(words: str, first: str, end: str) -> None:
    assert moments.since(words, NOW) == first
    assert moments.until(words, NOW) == end


@pytest.mark.parametrize("words", ["soon", "2026-13-01", "7", "7y", ""])
def test_what_is_no_time_is_refused(words: str) -> None:
    with pytest.raises(UsageError, match="not a time"):
        moments.since(words, NOW)
