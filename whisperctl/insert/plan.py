"""What is typed, key by key and piece by piece, and by which backends: the rules.

Owns: pure functions on text and on the facts of a desktop. Leaves to others: finding those facts
(`whisperctl.insert.desktop`) and doing it (`whisperctl.insert.backends`).
"""

import re
import unicodedata
from typing import Literal, NamedTuple

Newlines = Literal["space", "shift+enter", "enter"]
"""What a line break becomes. Enter submits forms and runs commands, and so does shift+enter in some programs: only a
space is always harmless."""
NEWLINES: tuple[Newlines, ...] = ("space", "shift+enter", "enter")

PIECE = 200
"""Characters typed by one call of a program: its time limit is then short, and a failure repeats little."""

_ORDER = {
    "wayland": ("wtype", "ydotool", "clipboard", "keyboard", "xdotool"),
    "x11": ("xdotool", "clipboard", "ydotool", "keyboard", "wtype"),
    "console": ("ydotool", "keyboard", "wtype", "xdotool", "clipboard"),
}
"""By kind of session, best first: what types any character without touching the clipboard, then what has limits."""

BACKENDS = tuple(sorted(_ORDER["console"]))

_GLUE = frozenset("\u200d\ufe0e\ufe0f") | {chr(code) for code in range(0x1F3FB, 0x1F400)}
"""What joins itself to the character before: joiner, variation selectors, skin tones."""


class Piece(NamedTuple):
    """Text without line breaks, and whether a line break comes after it."""

    text: str
    breaks: bool = False


def pieces(text: str, newlines: Newlines, longest: int = PIECE) -> "list[Piece]":
    """`text` in the order of typing, in pieces of at most `longest` characters (more where characters belong together).

    Control characters are not typed: a tab, which would leave a field, becomes a space.
    """
    lines = _typeable(text).split("\n")
    if newlines == "space":
        lines = [re.sub(" *\n[ \n]*", " ", "\n".join(lines))]
    made: list[Piece] = []
    for number, line in enumerate(lines):
        *first, last = _cut(line, longest) or [""]
        made += [Piece(part) for part in first]
        made.append(Piece(last, breaks=number < len(lines) - 1))
    return [piece for piece in made if piece.text or piece.breaks]


def order(session: str, wanted: "tuple[str, ...]" = ()) -> "tuple[str, ...]":
    """The backends to try, best first: those that were asked for, else all in the session's order."""
    return wanted or _ORDER[session]


def _typeable(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = re.sub("[\v\f\x85\u2028\u2029]", "\n", text)
    return "".join(
        character for character in text if character == "\n" or unicodedata.category(character) not in ("Cc", "Cs")
    )


def _cut(line: str, longest: int) -> "list[str]":
    """Cut after a space in the second half of a piece where there is one, never within a character of several parts."""
    parts: list[str] = []
    while len(line) > longest:
        at = line.rfind(" ", longest // 2, longest) + 1 or longest
        while at < len(line) and _belongs_to_the_one_before(line, at):
            at += 1
        parts.append(line[:at])
        line = line[at:]
    return [*parts, line] if line else parts


def _belongs_to_the_one_before(line: str, at: int) -> bool:
    character, before = line[at], line[at - 1]
    return (
        character in _GLUE
        or before == "\u200d"
        or bool(unicodedata.combining(character))
        or unicodedata.category(character) in ("Mn", "Me", "Mc")
        or ("\U0001f1e6" <= character <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff")
    )
