"""The time by which something is deleted for its age: a clock that has just jumped is not believed.

Owns: that rule. Leaves to others: what is deleted when. A computer's clock can be wrong for minutes: an empty battery,
a time server in trouble, a virtual machine that slept. What is deleted by such a reading is gone; what is deleted late
does no harm.
"""

import time
from collections.abc import Callable
from typing import Final

import msgspec

TOLERANCE: Final = 60.0
"""Seconds by which the clock may be put forward at once without being doubted: what time services correct."""

HOLD: Final = 3_600.0
"""Seconds for which a clock that has jumped ahead must go on from there until it is believed."""

LONGEST_REST: Final = 86_400.0
"""Seconds that the daemon may have been off for without the clock being doubted at its start: over a night."""


class Reading(msgspec.Struct, frozen=True):
    """Two clocks at one moment: `wall` in unix seconds, and `running`, which nobody can put forward or back."""

    wall: float
    running: float


class Trust(msgspec.Struct, frozen=True):
    """What is believed: that the wall clock is ahead of the running one by `offset` at least. `doubted` is a larger
    offset that was seen, since `since` on the running clock."""

    offset: float
    doubted: float | None = None
    since: float = 0.0

    def at(self, reading: Reading) -> float:
        """The time that it has been for certain."""
        return min(reading.wall, reading.running + self.offset)


def first(reading: Reading, seen: float | None) -> Trust:
    """What to believe at the start; `seen` is the newest time that was written down before, None where none was."""
    if seen is None or reading.wall - seen <= LONGEST_REST:
        return Trust(reading.wall - reading.running)
    return Trust(seen - reading.running, reading.wall - reading.running, reading.running)


def followed(trust: Trust, reading: Reading) -> Trust:
    """What to believe after one more reading. A clock that was put back is believed at once: it deletes nothing."""
    offset = reading.wall - reading.running
    if offset <= trust.offset + TOLERANCE:
        return Trust(offset)
    if trust.doubted is None or abs(offset - trust.doubted) > TOLERANCE:
        return Trust(trust.offset, offset, reading.running)
    return Trust(offset) if reading.running - trust.since >= HOLD else trust


def read() -> Reading:
    """Both clocks; the running one goes on while the machine sleeps."""
    return Reading(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))


class SteadyClock:
    """`seen` as for `first`; `reading` is where both clocks are read."""

    def __init__(self, seen: float | None, reading: Callable[[], Reading] = read) -> None:
        self._reading = reading
        self._trust = first(reading(), seen)

    def now(self) -> float:
        """Unix seconds: never later than it is, unless the clock has been wrong for longer than it is doubted."""
        reading = self._reading()
        self._trust = followed(self._trust, reading)
        return self._trust.at(reading)
