"""What can change the live view's picture, as frozen values.

Owns: their types. Leaves to others: what each changes (`whisperctl.tui.advance`), and where they come from: the
connection (`whisperctl.tui.link`), answers (`whisperctl.tui.inquiry`), the person (`whisperctl.tui.app`, `orders`).
"""

from dataclasses import dataclass

from whisperctl.shapes import Job, Json, Params, Status
from whisperctl.tui.picture import Subject, Transcripts


@dataclass(frozen=True, slots=True)
class Connected:
    """A daemon answers; it may be another one than before."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """It does not answer any more, or not yet. `at` is in seconds of the monotonic clock."""

    message: str
    hint: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Happened:
    """An event."""

    topic: str
    data: Params
    job: int | None = None
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class EventsLost:
    """Events were lost: whatever was known may have changed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """These are being asked for: what happens from now on may not be in the answers."""

    subjects: frozenset[Subject]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """They could not be answered, and are as stale as before."""

    subjects: frozenset[Subject]


@dataclass(frozen=True, slots=True)
class StatusCame:
    status: Status


@dataclass(frozen=True, slots=True)
class ListCame:
    """The jobs of a list, in its order."""

    name: str
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class JobsCame:
    """The jobs that were `asked` for; those not among `jobs` exist no more."""

    asked: tuple[int, ...]
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class BatchesCame:
    batches: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class ItemsCame:
    """A batch, None where it exists no more, and its items."""

    number: int
    batch: Json
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class TranscriptsCame:
    transcripts: Transcripts


@dataclass(frozen=True, slots=True)
class Followed:
    """The person reads a job's words as they are recognised; None: not any more."""

    job: int | None


@dataclass(frozen=True, slots=True)
class WordsCame:
    """The segments of a job so far."""

    job: int
    segments: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class DictationCame:
    status: Params


@dataclass(frozen=True, slots=True)
class HealthCame:
    health: Params


@dataclass(frozen=True, slots=True)
class MethodUnknown:
    """This daemon does not have a method: what it would tell is left out."""

    method: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """A verb was sent for a job or a batch (`("job", 12)`); `doing` says so, such as `pausing…`."""

    subjects: tuple[Subject, ...]
    doing: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The verb was answered: done, or refused."""

    subjects: tuple[Subject, ...]


Input = (
    Connected | Disconnected | Happened | EventsLost | Asked | Unanswered | StatusCame | ListCame | JobsCame
    | BatchesCame | ItemsCame | Followed | WordsCame | TranscriptsCame | DictationCame | HealthCame | MethodUnknown
    | Ordered | Answered
)  # fmt: skip
