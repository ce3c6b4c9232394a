"""What is done about a file that was found: the table from what is known of it to a decision.

Owns: when a known file is a matter at all, and what a finished one leads to. Leaves to others: looking at the disk
(`scanner`) and in the database (`whisperd.store.watch`), and whether two files have the same content, which only the
worker tells when the job starts.
"""

import enum

from whisperd.jobs.folder import FileState
from whisperd.jobs.version import Version


class Decision(enum.Enum):
    QUEUE = "queue"
    FOLLOW = "follow"
    """It is known under a path where it no longer is: it was renamed or moved, and keeps its state."""
    DONE = "done"
    """Its transcripts lie where they would be written."""
    KEEP = "keep"
    """Nothing is to be done."""


_ASKED_AGAIN = frozenset({FileState.FAILED, FileState.CANCELLED, FileState.DONE})
"""What a person can ask for again; what the rules skip, or was left at the beginning, stays."""


def concerns(known: tuple[Version, FileState] | None, found: Version, *, again: bool = False) -> bool:
    """Whether a file that was found must be looked into. `again`: a person asks for what ended without a transcript."""
    if known is None or not found.same_at_its_path(known[0]):
        return True
    return known[1] is FileState.GONE or (again and known[1] in _ASKED_AGAIN)


def decide(
    known: tuple[Version, FileState] | None, found: Version, *, again: bool, moved: bool, transcribed: bool
) -> Decision:
    """What a finished file leads to.

    `known` is what is known under its path; `moved`, that the same file was known under another path in the folder and
    is no longer there; `transcribed`, that all its transcripts are where they would be written.
    """
    if not concerns(known, found, again=again):
        return Decision.KEEP
    same = known is not None and found.same_at_its_path(known[0])
    if moved and not same:
        return Decision.FOLLOW
    if known is None:
        return Decision.DONE if transcribed else Decision.QUEUE
    if same and known[1] is FileState.DONE and transcribed:
        return Decision.KEEP
    return Decision.QUEUE  # changed, back again, or asked for again
