"""The agent's loop: keys and news from the daemon in, dictations out.

Owns: the one thread that decides, fed by a thread for the keys and one for the daemon's events. Leaves to others: the
rules (`whisperctl.hotkey.rules`), keys (the backends), dictations and their texts (`whisperctl.hotkey.dictations`),
sounds and notifications (`whisperctl.feedback`).
"""

import sys
import threading
from queue import SimpleQueue
from typing import NamedTuple

from whisperctl.errors import CommandError
from whisperctl.feedback import Feedback
from whisperctl.hotkey.backend import Backend, BackendError
from whisperctl.hotkey.bindings import Binding
from whisperctl.hotkey.dictations import Deliveries, Dictation, again
from whisperctl.hotkey.news import Gone, SessionNews, follow_sessions
from whisperctl.hotkey.rules import Action, action
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_RECORDING = ("opening", "listening")


class Key(NamedTuple):
    """The keys of a binding went down or up."""

    binding: int
    down: bool


class Agent:
    """Runs until its backend fails; whoever ends the process ends the dictation that listens."""

    def __init__(
        self, socket: str, bindings: "tuple[Binding, ...]", feedback: Feedback, say: "Callable[[str], None]"
    ) -> None:
        self._socket = socket
        self._bindings = bindings
        self._feedback = feedback
        self._say = say
        self._inbox: SimpleQueue[Key | SessionNews | Gone | BackendError] = SimpleQueue()
        self._deliveries = Deliveries(feedback)
        self._listening: Dictation | None = None

    def run(self, backend: Backend) -> None:
        """Raises `BackendError` when the backend does."""
        threading.Thread(target=self._watch, args=[backend], name="keys", daemon=True).start()
        threading.Thread(target=follow_sessions, args=[self._socket, self._inbox.put], name="news", daemon=True).start()
        try:
            while True:
                self._take(self._inbox.get())
        finally:
            if self._listening:
                self._listening.close()

    def _watch(self, backend: Backend) -> None:
        def ready() -> None:
            keys = ", ".join(f"{binding.chord} ({binding.mode})" for binding in self._bindings)
            self._say(f"listening for {keys} by {backend.name}")

        try:
            backend.watch(self._bindings, ready, lambda binding, down: self._inbox.put(Key(binding, down)))
        except BackendError as error:
            self._inbox.put(error)
        except BaseException:
            self._inbox.put(BackendError(f"the backend {backend.name} broke", "report this, with the lines above"))
            raise

    def _take(self, message: "Key | SessionNews | Gone | BackendError") -> None:
        match message:
            case Key(binding, down):
                self._key(binding, down)
            case SessionNews(session, state, reason):
                self._session(session, state, reason)
            case Gone():
                self._lost()
            case BackendError():
                raise message

    def _key(self, number: int, down: bool) -> None:
        binding = self._bindings[number]
        listening = self._listening.number if self._listening else None
        try:
            match action(listening, number, binding.mode, down):
                case Action.START:
                    self._listening = Dictation(self._socket, number, binding)
                case Action.STOP:
                    self._stop()
                case Action.CANCEL:
                    self._cancel()
                case Action.AGAIN:
                    self._deliveries.put(again(self._socket, binding))
                case None:
                    pass
        except CommandError as error:
            self._feedback.problem(error.message, error.hint)

    def _stop(self) -> None:
        dictation, self._listening = self._listening, None
        assert dictation is not None
        self._feedback.thinking()
        self._deliveries.put(dictation.stop())

    def _cancel(self) -> None:
        dictation, self._listening = self._listening, None
        if dictation:
            dictation.cancel()
            self._feedback.cancelled()

    def _session(self, session: int, state: str, reason: str | None) -> None:
        """News of ours: the first frames have come, or it ended without us (at its maximum length, for example)."""
        if self._listening is None or self._listening.session != session:
            return
        if state == "listening":
            self._feedback.listening()
        elif state not in _RECORDING:
            if reason == "max_length":
                self._feedback.problem("the dictation reached its maximum length", "what was said is transcribed")
            self._stop()

    def _lost(self) -> None:
        if self._listening:
            self._listening.close()
            self._listening = None
            self._feedback.problem("whisperd went away while it was listening", "what was said will be in its history")


def run(socket: str, bindings: "tuple[Binding, ...]", backend: Backend, feedback: Feedback) -> int:
    """Until the backend fails (its reason is raised as a `CommandError`), or the process ends."""

    def say(text: str) -> None:
        print(f"whisperctl: {text}", file=sys.stderr, flush=True)

    try:
        Agent(socket, bindings, feedback, say).run(backend)
    except BackendError as error:
        raise CommandError(f"{backend.name}: {error.reason}", error.remedy) from None
    return names.EXIT_OK
