"""What a person sees of a program's output: a terminal's screen, as far as redrawing in place uses one."""

import re

from whisperctl import render

_PART = re.compile(r"\x1b\[(\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")


class Screen:
    """Feed it output; `lines` is what is shown. Long lines wrap, and wrap anew when the width changes, as in VTE."""

    def __init__(self, columns: int, rows: int = 24) -> None:
        self.columns, self.rows = columns, rows
        self._lines: list[str] = [""]
        self._row = 0
        self._column = 0

    @property
    def lines(self) -> list[str]:
        """Without empty ones at the end."""
        shown = [line.rstrip() for line in self._lines]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def resize(self, columns: int) -> None:
        """The lines above the cursor are wrapped anew; the cursor stays on its own, empty, line."""
        self.columns = columns
        wrapped = [part for line in self._lines[: self._row] for part in self._wrap(line.rstrip())]
        self._row = len(wrapped)
        self._lines = [*wrapped, *self._lines[self._row :], ""]

    def _wrap(self, line: str) -> list[str]:
        return [line[start : start + self.columns] for start in range(0, max(len(line), 1), self.columns)]

    def feed(self, text: str) -> None:
        for found in _PART.finditer(text):
            if found[2]:
                self._control(found[2], int(found[1] or 1))
            elif found[0] == "\r":
                self._column = 0
            elif found[0] == "\n":
                self._down()
            else:
                self._put(found[0])

    def _control(self, letter: str, count: int) -> None:
        line = self._lines[self._row]
        if letter == "A":
            self._row = max(0, self._row - count)
        elif letter == "K":
            self._lines[self._row] = line[: self._column]
        elif letter == "J":
            self._lines[self._row :] = [line[: self._column]]
        else:
            assert letter == "m", f"unknown control {letter}"

    def _down(self) -> None:
        self._row += 1
        self._column = 0
        if self._row == len(self._lines):
            self._lines.append("")

    def _put(self, text: str) -> None:
        for char in text:
            if self._column + render.width(char) > self.columns:
                self._down()
            line = self._lines[self._row].ljust(self._column)
            self._lines[self._row] = line[: self._column] + char + line[self._column + 1 :]
            self._column += 1
