"""When a folder is looked at: a pure rule on times, with no clock and no task.

Owns: the pauses between rounds, and that they grow while nothing is found. Leaves to others: the rounds (`folder`).
Times are seconds of a monotonic clock.
"""

from typing import Final

FOLDERS_EVERY: Final = 30.0
"""Seconds between two looks at the modification times of all folders inside, by which missed events are found."""
FOLDERS_EVERY_QUIET: Final = 300.0
FILES_EVERY: Final = 600.0
"""Seconds between two looks at every file."""
FILES_EVERY_QUIET: Final = 3_600.0
POLL_EVERY: Final = 10.0
"""Seconds between two looks at the folders inside, where no events tell."""
EFFORT: Final = 0.05
"""Of the time, what looking may take: of a huge or slow folder, rounds are so much rarer."""


class Rounds:
    """`folders_due` and `files_due` are when the folders inside, and all files, are to be looked at next."""

    def __init__(self) -> None:
        self.folders_due = self.files_due = float("-inf")
        self._quiet = 0
        self._rested = float("-inf")

    def begin_anew(self) -> None:
        """Anything may have happened: look at all files at once, or after a rest as long as the last look took."""
        self.files_due = min(self.files_due, self._rested)

    def found(self) -> None:
        """There is something new, so that more may follow."""
        self._quiet = 0

    def done(self, now: float, *, all_files: bool, events: bool, took: float = 0.0) -> None:
        """A round has been made, in `took` seconds. `events`: the kernel tells of changes, and rounds only find what it
        lost."""
        self._quiet += 1
        self._rested = now + took
        rest = took / EFFORT
        if all_files:
            longest = FILES_EVERY_QUIET if events else FILES_EVERY
            self.files_due = now + max(pause(FILES_EVERY, longest, self._quiet), rest)
        base, longest = (FOLDERS_EVERY, FOLDERS_EVERY_QUIET) if events else (POLL_EVERY, FOLDERS_EVERY)
        self.folders_due = now + max(pause(base, longest, self._quiet), 0.0 if all_files else rest)

    def put_off(self, until: float) -> None:
        self.folders_due = self.files_due = until

    @property
    def next(self) -> float:
        return min(self.folders_due, self.files_due)


def pause(base: float, longest: float, quiet: int) -> float:
    """Seconds to the next round: doubled for each round in which nothing was found, up to `longest`."""
    return min(base * 2.0 ** min(max(0, quiet - 1), 16), max(base, longest))
