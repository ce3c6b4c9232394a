"""A line of the screen as a value: pieces of text, each with the name of a style and what a click on it does.

Owns: pieces, lines, headings, and fitting them into columns. Leaves to others: colours (`whisperctl.tui.palette`), and
putting lines on the screen (`whisperctl.tui.canvas`). Widths are terminal columns.
"""

from typing import NamedTuple

from whisperctl import render


class Piece(NamedTuple):
    """`style` is a name of the palette; `click` an action, such as `app.show('history')`."""

    text: str
    style: str = ""
    click: str = ""


Line = tuple[Piece, ...]
BLANK: Line = ()


def columns_of(line: Line) -> int:
    return sum(render.width(piece.text) for piece in line)


def cell(text: str, columns: int, style: str = "", *, right: bool = False, name: bool = False) -> Piece:
    """`text` in exactly `columns`; a `name` keeps its end where it must be shortened."""
    fitted = render.fit_name(text, columns) if name else render.fit(text, columns)
    return Piece(render.pad(fitted, columns, right), style)


def fitted(line: Line, columns: int) -> Line:
    """The line in at most `columns`."""
    pieces: list[Piece] = []
    room = columns
    for piece in line:
        taken = render.width(piece.text)
        if taken > room:
            pieces.append(piece._replace(text=render.fit(piece.text, room)))
            break
        pieces.append(piece)
        room -= taken
    return tuple(pieces)


def spread(left: Line, right: Line, columns: int) -> Line:
    """`left` at the beginning and `right` at the end of a line of `columns`; without `right` where both don't fit."""
    gap = columns - columns_of(left) - columns_of(right)
    if gap < 1:
        return fitted(left, columns)
    return (*left, Piece(" " * gap), *right)


def joined(parts: "list[Line]", separator: str = "  ") -> Line:
    """Lines one after another, with a separator between those that hold anything."""
    pieces: list[Piece] = []
    for part in parts:
        if part and pieces:
            pieces.append(Piece(separator))
        pieces += part
    return tuple(pieces)


def wrapped(text: str, columns: int, style: str = "") -> "list[Line]":
    """A paragraph as lines of at most `columns`; a word that is longer is cut."""
    lines: list[Line] = []
    for part in render.safe_lines(text).split("\n"):
        for broken in render.wrap(part.replace("\t", " "), max(columns, 1)):
            rest = broken
            while render.width(rest) > columns > 0:
                head = _head(rest, columns)
                lines.append((Piece(head, style),))
                rest = rest[len(head) :]
            lines.append((Piece(rest, style),))
    return lines


def _head(text: str, columns: int) -> str:
    """The longest beginning of at most `columns`, of one character at least."""
    taken = 0
    for number, char in enumerate(text):
        taken += render.width(char)
        if taken > columns and number:
            return text[:number]
    return text


def plain(line: Line) -> str:
    return "".join(piece.text for piece in line)


def heading(text: str, columns: int, count: str = "") -> Line:
    """A section's title with a rule to the end of the line."""
    told: Line = (Piece(f" {text.upper()}", "heading"), Piece(f" {count}" if count else "", "count"), Piece(" "))
    return (*told, Piece("─" * max(columns - columns_of(told) - 1, 0), "track"))
