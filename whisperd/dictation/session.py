"""One dictation as it stands: what was asked, what has been recorded, what has become of it.

Owns: the session's state (which only the table of `transitions` changes) and the events that its tasks wait for. Leaves
to others: doing anything (`service`, `course`).
"""

import time

import anyio
import msgspec

from whisperd.dictation.transitions import Command, is_legal, next_state
from whisperd.errors import WhisperdError
from whisperd.frames import SAMPLE_RATE
from whisperd.jobs.job import Options
from whisperd.models.engine import Engine
from whisperd.recorder.messages import Level, Opened
from whisperd.wire.dictate import DictateResult, SessionState, SessionView
from whisperd.wire.times import iso8601

AT_MAX_LENGTH = "max_length"
BY_MICROPHONE = "microphone"
"""Why a recording ended that nobody ended."""


class Request(msgspec.Struct, frozen=True):
    """What was asked for, with nothing left open."""

    options: Options
    engine: Engine
    device: str | None
    private: bool


class Session:
    """`before` is the session whose text comes first."""

    def __init__(self, number: int, request: Request, before: "Session | None") -> None:
        self.number = number
        self.request = request
        self.before = before
        self.state = SessionState.OPENING
        self.told: SessionState | None = None
        self.started_at = time.time()
        self.began = time.monotonic()
        self.opened: Opened | None = None
        self.level = Level(0.0, 0.0, 0)
        self.peak = 0.0
        self.committed = ""
        self.problem: WhisperdError | None = None
        """What went wrong with the microphone."""
        self.reason: str | None = None
        self.released_at: float | None = None
        self.answering = anyio.Event()
        """The microphone is open, or can't be opened."""
        self.released = anyio.Event()
        self.over = anyio.Event()
        """Nothing is added to the recording any more."""
        self.settled = anyio.Event()
        self.result: DictateResult | None = None
        self.taken = False
        """Whoever started it has been told what became of it."""
        self._news = anyio.Event()

    @property
    def path(self) -> bytes | None:
        return self.opened.path.encode() if self.opened else None

    @property
    def duration(self) -> float:
        """Seconds recorded."""
        return round(self.level.samples / SAMPLE_RATE, 3)

    @property
    def cancelled(self) -> bool:
        return self.state is SessionState.CANCELLED

    @property
    def ended_by_itself(self) -> bool:
        """Whether nobody has asked for the end of the recording: whoever began it will, and is to get its text."""
        return self.released_at is not None and self.reason in (AT_MAX_LENGTH, BY_MICROPHONE)

    def give(self, command: Command) -> SessionState:
        """Raises RefusedError where the state does not allow it."""
        self.state = next_state(self.state, command)
        return self.state

    def allows(self, command: Command) -> bool:
        return is_legal(self.state, command)

    def hear(self, level: Level) -> None:
        """What has come in, in place of what had come before."""
        self.level = level
        self.peak = max(self.peak, level.peak)
        self._news.set()

    def let_go(self) -> None:
        """Nothing more is to be recorded; what is on its way still comes."""
        self.released.set()
        self._news.set()

    def end_recording(self) -> None:
        self.answering.set()
        self.released.set()
        self.over.set()
        self._news.set()

    async def turn(self) -> None:
        """Wait until the session whose text comes first is settled."""
        if self.before is not None:
            await self.before.settled.wait()

    async def recorded(self, samples: int) -> None:
        """Wait until that much is recorded, or nothing more is to be."""
        while self.level.samples < samples and not self.released.is_set():
            self._news = anyio.Event()
            await self._news.wait()

    def settle(self, result: DictateResult) -> None:
        self.result = result
        self.before = None  # a chain of all that was ever said would be kept otherwise
        self.settled.set()

    def view(self) -> SessionView:
        return SessionView(
            session=self.number,
            state=self.state,
            started_at=iso8601(self.started_at),
            duration=self.duration,
            level=self.level.level if self.state.recording else 0.0,
            private=self.request.private,
            committed=self.committed,
            device=self.opened.device if self.opened else None,
        )
