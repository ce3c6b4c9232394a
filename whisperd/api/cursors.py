"""Cursors of pages: numbers that a page has given, which come back as anything that a client likes to send.

Owns: reading them, and the refusal of what is none. Leaves to others: what the numbers mean.
"""

import math
import re
from typing import Final

from whisperd.errors import InvalidParamsError

_WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
"""What SQLite's 64 bits hold in any case."""

_LONGEST: Final = 100


def numbers(cursor: str, count: int) -> list[int]:
    """That many whole numbers with colons in between. Raises InvalidParamsError."""
    parts = cursor[:_LONGEST].split(":")
    if len(parts) != count or not all(map(_WHOLE.fullmatch, parts)):
        raise unknown()
    return [int(part) for part in parts]


def number(cursor: str | None) -> int | None:
    """The id that a page ended with; None without a cursor. Raises InvalidParamsError."""
    if cursor is None:
        return None
    [found] = numbers(cursor, 1)
    if found < 0:
        raise unknown()
    return found


def moment_and_number(cursor: str) -> tuple[float, int]:
    """Unix seconds as Python writes them, and an id. Raises InvalidParamsError."""
    moment, _, rest = cursor[:_LONGEST].partition(":")
    [found] = numbers(rest, 1)
    try:
        at = float(moment)
    except ValueError:
        raise unknown() from None
    if not math.isfinite(at):
        raise unknown()
    return at, found


def unknown() -> InvalidParamsError:
    """What is said of a cursor that no page has given."""
    return InvalidParamsError("params.cursor is not one that a page has given", hint="leave it out to begin anew")
