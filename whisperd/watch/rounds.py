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


class Rounds:
    """`folders_due` and `files_due` are when the folders inside, and all files, are to be looked at next."""

    def __init__(self) -> None:
        self.folders_due = self.files_due = float("-inf")
        self._quiet = 0

    def begin_anew(self) -> None:
        """Anything may have happened: look at all files at once."""
        self.files_due = float("-inf")

    def found(self) -> None:
        """There is something new, so that more may follow."""
        self._quiet = 0

    def done(self, now: float, *, all_files: bool, events: bool) -> None:
        """A round has been made. `events`: the kernel tells of changes, and rounds only find what it lost."""
        self._quiet += 1
        if all_files:
            self.files_due = now + pause(FILES_EVERY, FILES_EVERY_QUIET if events else FILES_EVERY, self._quiet)
        base, longest = (FOLDERS_EVERY, FOLDERS_EVERY_QUIET) if events else (POLL_EVERY, FOLDERS_EVERY)
        self.folders_due = now + pause(base, longest, self._quiet)

    def put_off(self, until: float) -> None:
        self.folders_due = self.files_due = until

    @property
    def next(self) -> float:
        return min(self.folders_due, self.files_due)


def pause(base: float, longest: float, quiet: int) -> float:
    """Seconds to the next round: doubled for each round in which nothing was found, up to `longest`."""
    return min(base * 2.0 ** min(max(0, quiet - 1), 16), max(base, longest))
