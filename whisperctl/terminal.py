"""Where a command's words go: stdout for results, stderr for everything else, with what each can show.

Owns: colours, the terminal's width, encoding trouble, and the area of lines that is redrawn in place. Leaves to
others: the words. Styles and bars only on a terminal; `NO_COLOR` and `TERM=dumb` are respected.
"""

import os
import sys

from whisperctl import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import TextIOWrapper

    from whisperctl.shapes import Json

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

STATE_STYLES = {
    "queued": "",
    "running": "cyan",
    "waiting": "yellow",
    "paused": "yellow",
    "completed": "green",
    "failed": "red",
    "cancelled": "dim",
}


class Stream:
    """stdout or stderr. `live`: lines on it can be redrawn; `symbols`: it can show more than letters."""

    def __init__(self, file: "TextIOWrapper") -> None:
        term = os.environ.get("TERM", "")
        file.reconfigure(errors="backslashreplace")
        self.file = file
        self.terminal = file.isatty()
        self.live = self.terminal and term not in ("", "dumb")
        self.colours = self.live and not os.environ.get("NO_COLOR")
        self.utf8 = file.encoding.lower().replace("-", "") == "utf8"
        self.symbols = self.utf8 and not (self.terminal and term in ("", "dumb", "linux"))

    def paint(self, style: str, text: str) -> str:
        """`text` in a style (`bold`, `dim`, `red`, `green`, `yellow`, `cyan`, or none)."""
        if not (self.colours and style and text):
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"

    def bar(self, fraction: float, columns: int) -> str:
        """A bar of that length on a terminal, nothing elsewhere."""
        return render.bar(fraction, columns, self.symbols) if self.terminal else ""

    def size(self) -> "tuple[int, int]":
        """Columns and lines now; a terminal may be resized at any time. 80 × 24 where there is no terminal."""
        try:
            columns, lines = os.get_terminal_size(self.file.fileno()) if self.terminal else (0, 0)
        except (OSError, ValueError):
            columns, lines = 0, 0
        return columns or _columns_by_environment(), lines or 24

    def wrapped(self, text: str, hang: int = 0) -> str:
        """On a terminal, lines broken at words to its width, the rest indented by `hang`; elsewhere as they are."""
        if not self.terminal:
            return text
        columns = self.size()[0]
        return "\n".join(part for line in text.split("\n") for part in render.wrap(line, columns, hang))

    def foreground(self) -> bool:
        """Whether the terminal is ours to draw on: not where a shell runs us in the background (`&`)."""
        try:
            return os.tcgetpgrp(self.file.fileno()) == os.getpgrp()
        except OSError:  # not our controlling terminal: no shell shares it with us
            return True

    def write(self, text: str) -> None:
        self.file.write(text)
        self.file.flush()


def _columns_by_environment() -> int:
    value = os.environ.get("COLUMNS", "")
    return int(value) if value.isdecimal() and int(value) > 0 else 80


class Output:
    """What a command prints with. With `json_only`, stdout carries JSON values and nothing else."""

    def __init__(self, json_only: bool) -> None:
        self.json_only = json_only
        self.out = Stream(sys.stdout)  # pyright: ignore[reportArgumentType] (TextIO in typeshed)
        self.err = Stream(sys.stderr)  # pyright: ignore[reportArgumentType]

    def line(self, text: str = "", hang: int = 0) -> None:
        """A line of the result, made safe by whoever made it; nothing where only JSON is wanted.

        Where a terminal is too narrow for it, its rest is indented by `hang` columns.
        """
        if not self.json_only:
            self.out.file.write(self.out.wrapped(text, hang) + "\n")

    def lines(self, texts: "list[str]", hang: int = 0) -> None:
        for text in texts:
            self.line(text, hang)

    def text(self, text: str, wrapped: bool = True) -> None:
        """A transcript: on a terminal made safe and, if `wrapped`, broken at words; elsewhere as it is."""
        shown = render.safe_lines(text) if self.out.terminal else text
        shown = self.out.wrapped(shown) if wrapped else shown
        self.out.write(shown if shown.endswith("\n") else shown + "\n")

    def value(self, value: "Json") -> None:
        """A JSON value on a line of its own, at once: the reader may be a program that waits for it.

        On a terminal, what could act on it is written as JSON's escapes, which mean the same.
        """
        import json

        text = json.dumps(value, ensure_ascii=not self.out.utf8)
        self.out.write((render.safe_json(text) if self.out.terminal else text) + "\n")

    def result(self, value: "Json", words: str) -> None:
        """A result as JSON, or in the words of one line."""
        if self.json_only:
            self.value(value)
        self.line(words)

    def note(self, text: str) -> None:
        """A line for the person, on stderr."""
        self.err.write(self.err.wrapped(text, hang=4) + "\n")

    def complain(self, message: str, hint: str | None = None) -> None:
        """An error and what to do about it, on stderr; both may hold foreign text."""
        self.note(f"{self.err.paint('red', 'whisperctl:')} {render.safe(message)}")
        if hint:
            self.note(f"  {self.err.paint('dim', '→' if self.err.symbols else '->')} {render.safe(hint)}")


class Live:
    """Lines at the bottom of a terminal that are redrawn in place, in one write each time so that nothing flickers."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._widths: list[int] = []

    def draw(self, lines: "list[str]") -> None:
        """Show these lines in place of the last ones. Each must be narrower than the terminal."""
        text = self._home() + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J"
        self._widths = [render.shown_width(line) for line in lines]
        self._stream.write(text)

    def clear(self) -> None:
        """Take the lines away, so that something else can be printed there."""
        if self._widths:
            self._stream.write(self._home() + "\x1b[J")
            self._widths = []

    def leave(self) -> None:
        """Leave the lines as they are; the next ones are drawn wherever the cursor is then."""
        self._widths = []

    def _home(self) -> str:
        """The way to the first line; a terminal that became narrower has wrapped the lines it shows."""
        columns, height = self._stream.size()
        rows = sum(max(1, -(-taken // columns)) for taken in self._widths)
        return f"\r\x1b[{min(rows, height - 1)}A" if rows else "\r"
