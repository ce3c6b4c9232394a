"""A status bar's line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperctl.bar import Bar, loudness


def bar(state: str, level: float = 0.0, queued: int = 0, error: str | None = None) -> Bar:
    made = Bar()
    sessions: Any = [{"level": level}] if state == "listening" else []
    problem: Any = {"kind": "microphone", "retryable": True, "message": error, "hint": None} if error else None
    made.dictation({"state": state, "sessions": sessions, "device": None, "error": problem})
    made.queue({"queued": queued, "running": 0, "waiting": 0, "completed": 7})
    return made


@pytest.mark.parametrize(
    ("made", "text", "state", "percentage"),
    [
        (Bar(), "○", "off", 0),
        (bar("idle"), "", "idle", 0),
        (bar("idle", queued=3), "3", "idle", 0),
        (bar("listening", level=0.0), "● ▁", "listening", 0),
        (bar("listening", level=1.0, queued=2), "● █ 2", "listening", 100),
        (bar("thinking"), "…", "thinking", 0),
        (bar("idle", error="there is no microphone"), "⚠", "error", 0),
        (bar("listening", level=0.1, error="an old one"), "● ▆", "listening", 67),
    ],
)
def test_what_a_bar_shows(made: Bar, text: str, state: str, percentage: int) -> None:
    line = made.line()
    assert (line["text"], line["alt"], line["class"], line["percentage"]) == (text, state, state, percentage)


def test_the_tooltip_says_it_in_words() -> None:
    assert Bar().line()["tooltip"] == "whisperd is not running"
    assert bar("thinking", queued=1).line()["tooltip"] == "dictation: thinking\n1 job in the queue"
    assert bar("idle", error="no microphone").line()["tooltip"] == "no microphone\n0 jobs in the queue"


@given(st.floats(0, 1))
def test_loudness_stays_within_the_meter(level: float) -> None:
    assert 0 <= loudness(level) <= 1
