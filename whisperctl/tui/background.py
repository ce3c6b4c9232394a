"""Whether the terminal is dark or bright: asked of it, before anything is drawn.

Owns: the question (xterm's OSC 11, "what is your background colour?") and reading the answer. A terminal that does not
know it answers the second question (DA1, which all know) only, so nothing waits for an answer that never comes.
"""

import contextlib
import os
import re
import select
import termios
import time
import tty

_QUESTION = b"\x1b]11;?\x1b\\\x1b[c"
_COLOUR = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
_END = re.compile(rb"\x1b\[\?[0-9;]*c")
_PATIENCE = 0.3
"""Seconds for both answers: a terminal far away takes a tenth of one."""


def palette_name(environment: "dict[str, str]", terminal: int) -> str:
    """The palette that suits: `terminal` where colours are unwanted or few, else `bright` or `dark`."""
    if environment.get("NO_COLOR") or environment.get("TERM", "") in ("linux", "xterm-mono", "vt100", "vt220"):
        return "terminal"
    colour = _asked(terminal)
    if colour is None:
        return "bright" if _bright_by_environment(environment.get("COLORFGBG", "")) else "dark"
    return "bright" if is_bright(colour) else "dark"


def colour_of(answer: bytes) -> "tuple[float, float, float] | None":
    """Red, green and blue from 0 to 1 in a terminal's answer, whose numbers have one to four hexadecimal digits."""
    found = _COLOUR.search(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return red, green, blue


def is_bright(colour: "tuple[float, float, float]") -> bool:
    """By the relative luminance of ITU-R BT.709."""
    red, green, blue = colour
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5


def _bright_by_environment(colours: str) -> bool:
    """rxvt's `COLORFGBG`, such as `0;15`: the last number is the background's, 7 and 15 are white."""
    return colours.rpartition(";")[2] in ("7", "15")


def _asked(terminal: int) -> "tuple[float, float, float] | None":
    try:
        before = termios.tcgetattr(terminal)
    except termios.error:
        return None
    try:
        tty.setcbreak(terminal, termios.TCSANOW)
        os.write(terminal, _QUESTION)
        return colour_of(_answer(terminal))
    except OSError:
        return None
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSANOW, before)


def _answer(terminal: int) -> bytes:
    received = b""
    end = time.monotonic() + _PATIENCE
    while not _END.search(received) and select.select([terminal], [], [], max(end - time.monotonic(), 0))[0]:
        part = os.read(terminal, 256)
        if not part:
            break
        received += part
    return received
