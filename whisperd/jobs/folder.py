"""What a drop folder is: audio that lands there is transcribed, once.

Owns: the words a folder and its files are described with (rules, states). Leaves to others: which names are taken and
when a file is finished (`whisperd.watch`), and where folders are kept (`whisperd.store.watch`).
"""

import enum
from typing import Annotated

from msgspec import Meta, Struct

from whisperd.jobs.asked import folder_objection
from whisperd.jobs.job import Options


class Afterwards(enum.StrEnum):
    """What becomes of audio once it has a transcript."""

    KEEP = "keep"
    MOVE = "move"
    DELETE = "delete"


class Recordings(enum.StrEnum):
    """Which recordings are taken: those of whisperd's own recorder are named `*-voice-note`."""

    ALL = "all"
    OWN = "own"
    IMPORTED = "imported"


class Notice(enum.StrEnum):
    """How new files are noticed; `auto` polls network and FUSE file systems, which tell nothing of what others do."""

    AUTO = "auto"
    EVENTS = "events"
    POLLING = "polling"


class FolderState(enum.StrEnum):
    """Whether a folder is watched, and what is in the way if not."""

    STARTING = "starting"
    WATCHING = "watching"
    POLLING = "polling"
    MISSING = "missing"
    UNMOUNTED = "unmounted"
    UNREADABLE = "unreadable"
    UNRESPONSIVE = "unresponsive"
    DISABLED = "disabled"


class FileState(enum.StrEnum):
    """What became of a file that is known.

    `gone`: it went away before it was transcribed, and is queued again when it is back. `left`: it was there when the
    folder was added with `--new-only`. `skipped`: the rules exclude it, and the reason says how.
    """

    QUEUED = "queued"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GONE = "gone"
    LEFT = "left"


Pattern = Annotated[str, Meta(min_length=1, max_length=255)]
Seconds = Annotated[float, Meta(ge=0, le=86_400 * 365)]


class FolderRules(Struct, frozen=True, forbid_unknown_fields=True):
    """How a folder's files are found and transcribed.

    `patterns` are shell patterns of names, without regard to case; none means the usual audio suffixes. `ignore` are
    patterns of names, or of paths inside the folder where they have a slash. `options` are those of its jobs, with
    `output_dir` as the root of a mirrored tree (beside the audio without it) and `txt` as the format where none is set.
    `settle`: seconds without a change after which a file counts as finished. `min_duration`, `max_duration`: seconds
    of audio. `afterwards` `move` moves the audio into the tree `move_to`, `delete` removes it `delete_after` days after
    its transcript was written.
    """

    enabled: bool = True
    recursive: bool = True
    patterns: tuple[Pattern, ...] = ()
    ignore: tuple[Pattern, ...] = ()
    options: Options = Options()
    recordings: Recordings = Recordings.ALL
    settle: Seconds = 2.0
    min_duration: Seconds = 0.0
    max_duration: Seconds | None = None
    afterwards: Afterwards = Afterwards.KEEP
    move_to: str | None = None
    delete_after: Annotated[float, Meta(ge=0, le=36_500)] = 30.0
    notice: Notice = Notice.AUTO

    def objection(self) -> str | None:
        """Why these rules make no sense together; None where they do. `whisperd.jobs.asked` checks the options."""
        if self.afterwards is Afterwards.MOVE and not self.move_to:
            return "`afterwards` is `move`, and `move_to` does not say where to"
        if self.move_to and (objection := folder_objection(self.move_to)):
            return f"`move_to`: {'; '.join(objection)}"
        if self.max_duration is not None and self.max_duration < self.min_duration:
            return f"`max_duration` ({self.max_duration:g}) is below `min_duration` ({self.min_duration:g})"
        return None
