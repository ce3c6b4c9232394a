"""When progress is drawn."""

import pytest

from tests.screen import Screen
from tests.scripted_daemon import job
from whisperctl.monitor import Monitor
from whisperctl.terminal import Output, Stream

RUNNING = job(1, "running", stage="transcribing", progress=0.5, speed=2.0, eta=125.0)


class OnScreen(Stream):
    """A terminal, in front or not."""

    def __init__(self) -> None:
        self.screen = Screen(60)
        self.live = self.terminal = self.symbols = self.in_front = True
        self.colours = False

    def foreground(self) -> bool:
        return self.in_front

    def size(self) -> tuple[int, int]:
        return self.screen.columns, self.screen.rows

    def write(self, text: str) -> None:
        self.screen.feed(text)


@pytest.fixture
def stream() -> OnScreen:
    return OnScreen()


@pytest.fixture
def monitor(stream: OnScreen) -> Monitor:
    output = Output(json_only=False)
    output.err = stream
    return Monitor(output)


def test_the_time_left_counts_down_between_two_events(
    stream: OnScreen, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    monitor.update(RUNNING)
    monitor.update(None)
    assert stream.screen.lines[0].endswith("50%    2:05 left")
    now += 10
    monitor.update(None)
    assert stream.screen.lines[0].endswith("50%    1:55 left")
    now += 1_000
    monitor.update(None)
    assert stream.screen.lines[0].endswith("50%    0:00 left")


def test_nothing_is_drawn_in_the_background(stream: OnScreen, monitor: Monitor) -> None:
    monitor.update(RUNNING)
    monitor.update(None)
    drawn = stream.screen.lines
    stream.in_front = False
    stream.write("$ the shell's line\n")
    monitor.update(None)
    monitor.clear()
    assert stream.screen.lines == [*drawn, "$ the shell's line"]
    stream.in_front = True
    monitor.update(None)
    assert stream.screen.lines == [*drawn, "$ the shell's line", *drawn]


def test_a_crowd_of_changes_is_not_drawn_one_by_one(
    stream: OnScreen, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings: list[str] = []
    monkeypatch.setattr(stream, "write", drawings.append)
    for number in range(5_000):
        monitor.update(job(number, "queued"))
    monitor.update(None)
    assert 1 <= len(drawings) < 100
    assert "0 of 5,000 done" in drawings[-1]
