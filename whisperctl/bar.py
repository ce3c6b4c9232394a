"""One line of JSON for a status bar: what dictation is doing, how loud it is, how much is queued.

Owns: pure functions from what is known to what Waybar's custom modules read (`text`, `alt`, `class`, `tooltip`,
`percentage`); i3blocks and Polybar take `text` out of it. Leaves to others: finding it out
(`whisperctl.commands.events`).
"""

import math

from whisperctl import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import DictateStatus, ErrorDict, Json, Params

_QUIETEST = -60.0
"""Decibels below full scale that an empty meter stands for."""
_METER = "▁▂▃▄▅▆▇█"
_UNFINISHED = ("queued", "running", "waiting")
_SYMBOLS = {"off": "○", "idle": "", "listening": "●", "thinking": "…", "error": "⚠"}


class Bar:
    """What is known; `line` tells it. `level` is a root mean square from 0 to 1."""

    def __init__(self) -> None:
        self.state = "off"
        self.level = 0.0
        self.queued = 0
        self.error: str | None = None

    def dictation(self, status: "DictateStatus") -> None:
        """Take in the answer of `dictate.status`."""
        self.state = status["state"]
        self.level = max((session["level"] for session in status["sessions"]), default=0.0)
        error: ErrorDict | None = status["error"]
        self.error = (error["message"] or error["kind"]) if error else None

    def queue(self, counts: "dict[str, int]") -> None:
        """Take in the queue's counts by state."""
        self.queued = sum(counts.get(state, 0) for state in _UNFINISHED)

    def gone(self) -> None:
        """Nobody answers."""
        self.__init__()

    def line(self) -> "Params":
        """The module's JSON object."""
        state = "error" if self.error and self.state == "idle" else self.state
        parts = [_SYMBOLS[state]]
        if state == "listening":
            parts.append(_METER[round(loudness(self.level) * (len(_METER) - 1))])
        if self.queued:
            parts.append(f"{self.queued}")
        shown: Json = {"text": " ".join(part for part in parts if part), "alt": state, "class": state}
        shown["tooltip"] = self._tooltip(state)
        shown["percentage"] = round(100 * loudness(self.level)) if state == "listening" else 0
        return shown

    def _tooltip(self, state: str) -> str:
        if state == "off":
            return "whisperd is not running"
        said = self.error if state == "error" else f"dictation: {state}"
        return f"{said}\n{render.counted(self.queued, 'job')} in the queue"


def loudness(level: float) -> float:
    """A level as a person hears it: decibels from `_QUIETEST` to 0, as 0 to 1."""
    if level <= 0:
        return 0.0
    return min(max(1 - 20 * math.log10(level) / _QUIETEST, 0.0), 1.0)
