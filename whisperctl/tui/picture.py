"""What the live view knows of the daemon, as a frozen value.

Owns: the value and the questions that can be asked about it. Leaves to others: how answers and events change it
(`whisperctl.tui.advance`), and what becomes of it on the screen. Everything in it came over the socket; jobs, batches
and transcripts are kept as they came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from whisperctl.shapes import Job, Json, Params, Status, Worker

Subject = tuple[str, int]
"""What the daemon can be asked about: `("status", 0)`, `("job", 12)`, `("items", 3)`, a list such as `("queue", 0)`."""

RUNNING, WAITING, QUEUE, PAUSED, FAILED, ENDED = "running", "waiting", "queue", "paused", "failed", "ended"
LIST_OF_STATE = {
    "running": RUNNING,
    "waiting": WAITING,
    "queued": QUEUE,
    "paused": PAUSED,
    "failed": FAILED,
    "completed": ENDED,
    "cancelled": ENDED,
}
"""The list that a job in a state is in."""
LISTS = (RUNNING, WAITING, QUEUE, PAUSED, FAILED, ENDED)
LOADED = 10_000
"""Jobs of one list that are kept at most; the rest is only counted."""
REMEMBERED = 50
"""Jobs that have ended and are still shown."""
STATUS: Subject = ("status", 0)
BATCHES: Subject = ("batches", 0)
HISTORY: Subject = ("history", 0)
DICTATION: Subject = ("dictation", 0)
HEALTH: Subject = ("health", 0)
EVERYTHING: frozenset[Subject] = frozenset(
    {STATUS, BATCHES, HISTORY, DICTATION, HEALTH, *((name, 0) for name in LISTS)}
)


@dataclass(frozen=True, slots=True)
class Gone:
    """The daemon does not answer since `at` (seconds of the monotonic clock), and why."""

    message: str
    hint: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Transcripts:
    """A list of finished transcripts: the newest, or what was found for `query`. `rows` are summaries, with `snippet`
    parts where they were searched for, and folders of watched files."""

    query: str = ""
    rows: tuple[Json, ...] = ()
    next_cursor: str | None = None
    error: str | None = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class Dictation:
    """`status` as `dictate.status` tells it; `level` and `peak`, from 0 to 1 of full scale, as they were last heard;
    `heard` is what is understood so far."""

    status: Params | None = None
    level: float = 0.0
    peak: float = 0.0
    heard: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """`jobs` holds every job that a list or a batch names; `words` are the segments so far of the job that is
    `followed`.

    `pending` is what was asked for and not yet done with jobs and batches, in words; `stale` what has changed since it
    was last asked for; `unknown` what this daemon has no method for.
    """

    gone: Gone | None = None
    connected: bool = False
    status: Status | None = None
    workers: Mapping[str, Worker] = field(default_factory=dict[str, Worker])
    jobs: Mapping[int, Job] = field(default_factory=dict[int, Job])
    lists: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    batches: Mapping[int, Json] = field(default_factory=dict[int, Json])
    items: Mapping[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])
    transcripts: Transcripts = Transcripts()
    dictation: Dictation = Dictation()
    health: Params | None = None
    followed: int | None = None
    words: tuple[Json, ...] = ()
    pending: Mapping[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    stale: frozenset[Subject] = field(default=EVERYTHING)
    unknown: frozenset[str] = frozenset()

    def listed(self, name: str) -> tuple[int, ...]:
        return self.lists.get(name, ())

    def counted(self, state: str) -> int:
        """Jobs in a state: by the daemon's counts, which know of those that are not loaded too."""
        return self.status["queue"].get(state, 0) if self.status else 0

    @property
    def paused(self) -> bool:
        return bool(self.status and self.status["paused"])
