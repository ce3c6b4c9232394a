"""What a dictation works with, and how its result is told: what every step of its course needs."""

from collections.abc import Callable

import msgspec

from whisperd.config.current import Current
from whisperd.dictation.recordings import Shelf
from whisperd.dictation.session import Session
from whisperd.events import EventBus
from whisperd.ledger import Ledger
from whisperd.scheduler import Scheduler
from whisperd.workers.recorder import Microphone


class Surroundings(msgspec.Struct, frozen=True):
    """What a session works with; `tell` says what its state is now."""

    ledger: Ledger
    scheduler: Scheduler
    bus: EventBus
    current: Current
    microphone: Microphone
    shelf: Shelf
    tell: Callable[[Session], None]

    def delivered(self, text: str) -> str:
        """The text as it is handed out."""
        return f"{text} " if text and self.current.settings.rules.trailing_space else text
