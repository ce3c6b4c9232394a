"""The settings as they are now: one holder that everything long-lived reads from at the moment of use.

Owns: the value, and telling those who asked when it is replaced. Leaves to others: reading the file and deciding what a
change means (`whisperd.config.effects`, `whisperd.reload`). Whoever copies a setting out of here at construction makes
it one that needs a restart, which `effects` then has to say.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from whisperd.config.flags import Flags
from whisperd.config.settings import Settings

Listener = Callable[[Settings, Settings], None]
"""Called with the old settings and the new ones; on the event loop, must not block."""


class Current:
    """`settings` is immutable; read it anew for each use, and once for one decision. `flags` are in it already."""

    def __init__(self, settings: Settings, flags: Flags) -> None:
        self._settings = settings
        self.flags = flags
        self._listeners: list[Listener] = []

    @property
    def settings(self) -> Settings:
        return self._settings

    @contextmanager
    def told(self, listener: Listener) -> Generator[None]:
        """Have `listener` told of every replacement meanwhile; those who asked first are told first."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def replace(self, settings: Settings) -> None:
        """Put new settings in the old ones' place; nobody is told where they are equal."""
        old, self._settings = self._settings, settings
        if old != settings:
            for listener in self._listeners:
                listener(old, settings)
