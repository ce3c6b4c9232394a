"""What a dictation works with, and how its result is told: what every step of its course needs."""

import math
import time
from collections.abc import Callable

import msgspec

from whisperd.config.current import Current
from whisperd.dictation import rules
from whisperd.dictation.recordings import Shelf
from whisperd.dictation.session import Session
from whisperd.events import EventBus
from whisperd.job_commands import JobCommands
from whisperd.ledger import Ledger
from whisperd.scheduler import Scheduler
from whisperd.store.jobs import JobRow
from whisperd.wire.dictate import DictateResult
from whisperd.workers.recorder import Microphone


class LastText:
    """The text that was delivered last, which the next one may go on from; in memory only, and nothing private."""

    def __init__(self) -> None:
        self._text = ""
        self._at = -math.inf
        self.unstored: DictateResult | None = None
        """What was handed out last, where it is nowhere else."""

    def keep(self, text: str) -> None:
        self._text, self._at = text, time.monotonic()

    def before(self, started_at: float, within: float) -> str:
        """What stands before a dictation that began at a time of the monotonic clock: the text, unless it was
        delivered more than `within` seconds earlier."""
        return self._text if within and started_at - self._at < within else ""


class Surroundings(msgspec.Struct, frozen=True):
    """What a session works with; `tell` says what its state is now, `completed` that its transcript is stored."""

    ledger: Ledger
    scheduler: Scheduler
    commands: JobCommands
    bus: EventBus
    current: Current
    microphone: Microphone
    shelf: Shelf
    tell: Callable[[Session], None]
    completed: Callable[[JobRow], None]
    last: LastText

    def before(self, session: Session) -> str:
        """What the session's text goes on from. Known for good once it is the session's turn."""
        return self.last.before(session.began, self.current.settings.rules.continue_within)

    def delivered(self, text: str, before: str = "") -> str:
        """The text as it is handed out to stand after `before`."""
        if not text:
            return text
        text = rules.join(before, text)[len(before) :]
        return f"{text} " if self.current.settings.rules.trailing_space and not text[-1].isspace() else text
