"""When is a file finished? One pure rule over what was seen of it.

Owns: that rule. Leaves to others: looking (`scanner`), and whether anybody writes (`lease`).

A file is finished when its size, modification time and inode have been the same for `settle` seconds, nobody has it
open for writing, and it holds as much as its header promises. Where nobody can tell who writes (network and FUSE file
systems, other people's files), it must have been the same for longer; a promise that nobody keeps is waited for, for
some minutes. A file that does not change but is still open may be so for hours (a recorder): it is looked at less and
less often.
"""

from typing import Final

import msgspec

from whisperd.jobs.version import Version

BLIND_SETTLE: Final = 10.0
"""Seconds without a change, at least, where it can't be told whether somebody has the file open for writing: more than
the pauses of a slow network copy."""

MAX_RECHECK: Final = 10.0
"""Seconds at most between two looks at a file that is open for writing: how late its transcript can begin."""

PATIENCE: Final = 300.0
"""Seconds without a change until a file that holds less than its header promises is taken as it is: a copy that stalls
goes on within minutes, and what is damaged shall not wait for ever."""


class Observation(msgspec.Struct, frozen=True):
    """What one look at a file showed.

    `at` is in seconds of a monotonic clock. `age` is the seconds since its last change by the file system's own clock,
    None where that is not this machine's. `written` is whether anybody has it open for writing, None where that can't
    be told. `missing`: bytes that its header promises and it does not hold.
    """

    version: Version
    at: float
    age: float | None
    written: bool | None
    missing: int = 0


class Settling(msgspec.Struct, frozen=True):
    """A file that was seen and is not finished: unchanged since `since`, found open or incomplete `looks` times in a
    row, and to be looked at again at `due`."""

    version: Version
    since: float
    looks: int
    due: float
    reason: str


class Finished(msgspec.Struct, frozen=True):
    version: Version


def observe(before: Settling | None, seen: Observation, settle: float) -> Settling | Finished:
    """What a file is after another look; `before` is what it was after the last one."""
    since = _unchanged_since(before, seen)
    rested = since + (max(settle, BLIND_SETTLE) if seen.written is None else settle)
    if seen.at < rested:
        return Settling(seen.version, since, 0, rested, "it has only just changed")
    looks = (before.looks if before else 0) + 1
    wait = min(max(settle, 0.5) * 1.5 ** min(looks - 1, 20), max(MAX_RECHECK, settle))
    if seen.written:
        return Settling(seen.version, since, looks, seen.at + wait, "it is open for writing")
    if seen.missing and seen.at < since + PATIENCE:
        due = min(seen.at + wait, since + PATIENCE)
        return Settling(seen.version, since, looks, due, f"its header promises {seen.missing:,} bytes more")
    return Finished(seen.version)


def _unchanged_since(before: Settling | None, seen: Observation) -> float:
    watched = before.since if before and before.version == seen.version else seen.at
    return watched if seen.age is None else min(watched, seen.at - max(0.0, seen.age))
