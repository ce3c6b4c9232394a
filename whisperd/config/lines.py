"""On which line of a TOML text a key stands, for messages.

Owns: a small scan that knows tables, dotted and quoted keys, and multi-line strings. Leaves to others: the values
(`tomllib` reads them, but keeps no positions). What the scan does not see, such as keys inside an inline table, is
reported at the nearest key around it. The tables of an array (`[[watch]]`) are told apart by a part `[0]`, `[1]`, … of
the path.
"""

import re
from collections import Counter
from typing import Final

KeyPath = tuple[str, ...]

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE: Final = re.compile(rf"\s*(\[\[?)\s*({_KEY})\s*\]")
_ASSIGNMENT: Final = re.compile(rf"\s*({_KEY})\s*=")
_TRIPLE: Final = re.compile(r'"""|\'\'\'')


def key_lines(text: str) -> dict[KeyPath, int]:
    """Line numbers, from 1, of every table header and key; the first one where a path occurs twice."""
    lines: dict[KeyPath, int] = {}
    items: Counter[KeyPath] = Counter()
    table: KeyPath = ()
    closing: str | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if closing is None:
            if header := _TABLE.match(line):
                table = _parts(header[2])
                lines.setdefault(table, number)
                if header[1] == "[[":
                    items[table] += 1
                    table = (*table, item_part(items[table] - 1))
                    lines[table] = number
            elif assignment := _ASSIGNMENT.match(line):
                path = table + _parts(assignment[1])
                for length in range(1, len(path) + 1):
                    lines.setdefault(path[:length], number)
        for quotes in _TRIPLE.findall(line):
            if closing is None:
                closing = quotes
            elif closing == quotes:
                closing = None
    return lines


def item_part(index: int) -> str:
    """The part of a path that stands for an array's table, counted from 0."""
    return f"[{index}]"


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int | None:
    """The line of a key, or of the nearest key around it that has one."""
    return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)


def _parts(key: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))
