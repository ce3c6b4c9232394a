"""The interface of what tells that a key was pressed or released.

Owns: the interface, and recognising chords in a stream of single keys. Leaves to others: the streams.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

from whisperctl.hotkey.bindings import Binding
from whisperctl.insert.desktop import Obstacle
from whisperctl.keys import KEYS, MODIFIERS

Report = Callable[[int, bool], None]
"""`report(binding, down)`: the keys of the binding of that number were pressed or released."""


class BackendError(Exception):
    """A backend can't go on, or not with these keys."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Backend(ABC):
    """One way to learn of keys. `name` is how it is asked for."""

    name = ""

    @abstractmethod
    def obstacle(self) -> Obstacle | None:
        """Why it can't work here; None where it should."""

    @abstractmethod
    def watch(self, bindings: "tuple[Binding, ...]", ready: Callable[[], None], report: Report) -> None:
        """Tell that it is `ready`, then report keys until the process ends. Raises `BackendError`; never returns."""


class Chords:
    """Finds the bindings' chords among keys that go down and up, each known by its kernel code.

    A chord is pressed when its key goes down while exactly its modifiers are held, of either side, and released when
    that key goes up. Keys belong to devices, since one that is unplugged releases its keys without a word.
    """

    def __init__(self, bindings: "tuple[Binding, ...]", report: Report) -> None:
        self._chords = [(KEYS[binding.chord.key].code, frozenset(binding.chord.modifiers)) for binding in bindings]
        self._report = report
        self._down: set[tuple[str, int]] = set()
        self._pressed: dict[int, tuple[str, int]] = {}

    @property
    def codes(self) -> "set[int]":
        """Of every key that matters here."""
        return {code for code, _ in self._chords} | set(_MODIFIER_OF)

    def key(self, device: str, code: int, down: bool) -> None:
        """A key of a device went down or up; one that is down already repeats itself."""
        key = (device, code)
        if not down:
            self._down.discard(key)
            for number in [number for number, pressed in self._pressed.items() if pressed == key]:
                del self._pressed[number]
                self._report(number, False)
        elif key not in self._down:
            held = {_MODIFIER_OF[other] for _, other in self._down if other in _MODIFIER_OF}
            self._down.add(key)
            for number, (wanted, modifiers) in enumerate(self._chords):
                if wanted == code and modifiers == frozenset(held) and number not in self._pressed:
                    self._pressed[number] = key
                    self._report(number, True)

    def lost(self, device: str) -> None:
        """The device is gone, and so are the hands on its keys."""
        for key in [key for key in self._down if key[0] == device]:
            self.key(*key, down=False)


_MODIFIER_OF = {key.code: name for name, keys in MODIFIERS.items() for key in keys}
