"""Redrawing in place, on a screen that shows what a person would see; colours and encodings."""

import io

import pytest

from tests.screen import Screen
from whisperctl.terminal import Live, Output, Stream


class OnScreen(Stream):
    """A stream that ends on a screen."""

    def __init__(self, columns: int) -> None:
        self.screen = Screen(columns)

    def size(self) -> tuple[int, int]:
        return self.screen.columns, self.screen.rows

    def write(self, text: str) -> None:
        self.screen.feed(text)


def test_lines_are_replaced_by_the_next_ones() -> None:
    stream = OnScreen(40)
    stream.write("$ whisperctl\n")
    live = Live(stream)
    live.draw(["one", "two", "three"])
    assert stream.screen.lines == ["$ whisperctl", "one", "two", "three"]
    live.draw(["eins", "\x1b[36mzwei\x1b[0m"])
    assert stream.screen.lines == ["$ whisperctl", "eins", "zwei"]
    live.clear()
    assert stream.screen.lines == ["$ whisperctl"]
    live.clear()
    stream.write("text\n")
    live.draw(["below"])
    assert stream.screen.lines == ["$ whisperctl", "text", "below"]


def test_a_terminal_made_narrower_keeps_what_stands_above() -> None:
    stream = OnScreen(40)
    stream.write("$ whisperctl\n")
    live = Live(stream)
    live.draw(["x" * 39, "\x1b[36m" + "y" * 30 + "\x1b[0m", "short"])
    stream.screen.resize(20)
    live.draw(["x" * 19, "y" * 19, "short"])
    assert stream.screen.lines == ["$ whisperctl", "x" * 19, "y" * 19, "short"]


def test_a_terminal_made_wider_is_filled() -> None:
    stream = OnScreen(20)
    live = Live(stream)
    live.draw(["x" * 19])
    stream.screen.resize(40)
    live.draw(["x" * 39])
    assert stream.screen.lines == ["x" * 39]


class Terminal(io.TextIOWrapper):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def stream(encoding: str = "utf-8", terminal: bool = True) -> Stream:
    return Stream((Terminal if terminal else io.TextIOWrapper)(io.BytesIO(), encoding=encoding))


@pytest.mark.parametrize(
    ("environment", "terminal", "colours", "live", "bar"),
    [
        ({"TERM": "xterm"}, True, True, True, "██░░"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False, True, "██░░"),
        ({"TERM": "dumb"}, True, False, False, "##.."),
        ({"TERM": ""}, True, False, False, "##.."),
        ({"TERM": "linux"}, True, True, True, "##.."),
        ({"TERM": "xterm"}, False, False, False, ""),
    ],
)
def test_a_stream_shows_what_it_can(
    environment: dict[str, str], terminal: bool, colours: bool, live: bool, bar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = stream(terminal=terminal)
    assert (made.paint("red", "x") != "x") is colours
    assert made.live is live
    assert made.bar(0.5, 4) == bar


def test_a_terminal_that_can_not_show_blocks_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert stream(encoding="latin-1").bar(0.5, 4) == "##.."


def test_what_an_encoding_lacks_is_escaped_and_json_stays_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    output = Output(json_only=False)
    output.text("café")
    output.value({"text": "café"})
    assert written.getvalue() == b'caf\\xe9\n{"text": "caf\\u00e9"}\n'


def test_a_transcript_can_not_act_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for kind, shown in ((Terminal, b"a\\x1b[2Jb\n\tc\n"), (io.TextIOWrapper, b"a\x1b[2Jb\n\tc\n")):
        written = io.BytesIO()
        monkeypatch.setattr("sys.stdout", kind(written, encoding="utf-8"))
        Output(json_only=False).text("a\x1b[2Jb\n\tc")
        assert written.getvalue() == shown


@pytest.mark.parametrize(("terminal", "shown"), [(True, "one two\n   three\n"), (False, "one two three\n")])
def test_lines_are_broken_at_words_on_a_terminal_only(
    terminal: bool, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "10")
    written = io.BytesIO()
    file = (Terminal if terminal else io.TextIOWrapper)(written, encoding="utf-8")
    monkeypatch.setattr("sys.stdout", file)
    Output(json_only=False).line("one two three", hang=3)
    file.flush()
    assert written.getvalue().decode() == shown


@pytest.mark.parametrize(("value", "columns"), [("132", 132), ("", 80), ("wide", 80), ("0", 80)])
def test_without_a_terminal_the_environment_gives_the_width(
    value: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", value)
    assert stream(terminal=False).size() == (columns, 24)
