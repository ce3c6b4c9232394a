"""What a person hears and sees of a dictation: sounds and desktop notifications.

Owns: when there is which. Leaves to others: playing (`whisperctl.feedback.sounds`) and showing
(`whisperctl.feedback.notifications`). Both happen in a thread of their own: neither may hold up a key or a text.
"""

import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Literal

from whisperctl.feedback.notifications import Notifications
from whisperctl.feedback.sounds import Sound, Sounds

Shown = Literal["all", "problems", "none"]
SHOWN: tuple[Shown, ...] = ("all", "problems", "none")


class Feedback:
    """Notifications of `shown` and, with `audible`, sounds. Problems always go to stderr (the journal) too."""

    def __init__(self, shown: Shown, audible: bool) -> None:
        self._shown = shown
        self._audible = audible
        self._sounds = Sounds()
        self._notifications = Notifications()
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._run, name="feedback", daemon=True).start()

    def listening(self) -> None:
        """The first frames have arrived: speech is heard from now on."""
        self._play("ready")
        self._show("Listening…")

    def thinking(self) -> None:
        self._show("Thinking…")

    def done(self) -> None:
        """The text is delivered."""
        self._play("done")
        self._withdraw()

    def nothing_heard(self) -> None:
        self._play("nothing")
        self._show("Nothing heard")

    def cancelled(self) -> None:
        self._play("nothing")
        self._withdraw()

    def problem(self, message: str, hint: str | None = None) -> None:
        """Something that the person must know."""
        print(f"whisperctl: {message}" + (f" ({hint})" if hint else ""), file=sys.stderr, flush=True)
        self._play("problem")
        if self._shown != "none":
            self._queue.put(
                lambda: self._notifications.show("Dictation", f"{message}\n{hint or ''}".strip(), urgent=True)
            )

    def _play(self, sound: Sound) -> None:
        if self._audible:
            self._queue.put(lambda: self._sounds.play(sound))

    def _show(self, words: str) -> None:
        if self._shown == "all":
            self._queue.put(lambda: self._notifications.show(words, "", urgent=False))

    def _withdraw(self) -> None:
        if self._shown == "all":
            self._queue.put(self._notifications.withdraw)

    def _run(self) -> None:
        while True:
            self._queue.get()()
