"""Dictations on connections of their own, and their texts, delivered in the order in which they were ended.

Owns: one dictation's conversation with the daemon, and the thread that waits for texts and delivers them. Leaves to
others: when one starts and ends (`whisperctl.hotkey.agent`), typing (`whisperctl.insert`). A dictation ends when its
connection does, so whatever becomes of this process, no microphone stays open.
"""

import threading
from queue import SimpleQueue

from whisperctl import insert
from whisperctl.client import Client
from whisperctl.errors import CommandError
from whisperctl.feedback import Feedback
from whisperctl.hotkey.bindings import Binding
from whisperctl.insert import Output
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json


class Dictation:
    """One that listens. Raises `CommandError` where it can't be started."""

    def __init__(self, socket: str, number: int, binding: Binding) -> None:
        self.number = number
        self.binding = binding
        self._client = Client(socket)
        try:
            started: Json = self._client.call(names.DICTATE_START, {**binding.options, "while_connected": True})
        except CommandError:
            self._client.close()
            raise
        self.session: int = started["session"]

    def stop(self) -> "Pending":
        """Ask for its end; the text comes later."""
        self._client.ask(names.DICTATE_STOP, {"session": self.session})
        return Pending(self._client, names.DICTATE_STOP, self.binding)

    def cancel(self) -> None:
        try:
            self._client.call(names.DICTATE_CANCEL, {"session": self.session})
        finally:
            self._client.close()

    def close(self) -> None:
        """Leave it; the daemon ends it if it still listens."""
        self._client.close()


class Pending:
    """A text that was asked for."""

    def __init__(self, client: Client, method: str, binding: Binding) -> None:
        self._client = client
        self._method = method
        self.binding = binding

    def result(self) -> "Json":
        """Wait for it, as long as the daemon lives. Raises `CommandError`."""
        try:
            return self._client.answer(self._method, timeout=None)
        finally:
            self._client.close()


def again(socket: str, binding: Binding) -> Pending:
    """Ask for the last text once more. Raises `CommandError`."""
    client = Client(socket)
    client.ask(names.DICTATE_AGAIN)
    return Pending(client, names.DICTATE_AGAIN, binding)


class Deliveries:
    """A thread that waits for the texts in the order they were put in, and delivers each."""

    def __init__(self, feedback: Feedback) -> None:
        self._feedback = feedback
        self._queue: SimpleQueue[Pending] = SimpleQueue()
        threading.Thread(target=self._run, name="deliveries", daemon=True).start()

    def put(self, pending: Pending) -> None:
        self._queue.put(pending)

    def _run(self) -> None:
        while True:
            pending = self._queue.get()
            try:
                self._deliver(pending.result(), pending.binding.output or insert.default_output())
            except CommandError as error:
                self._feedback.problem(error.message, error.hint)

    def _deliver(self, result: "Json", output: Output) -> None:
        error = result.get("error")
        if error:
            self._feedback.problem(error.get("message") or "the dictation failed", error.get("hint"))
        if result["text"]:
            problem = insert.deliver(result["text"], output).problem(output)
            if problem:
                self._feedback.problem(problem)
        if result["state"] == "nothing_heard":
            self._feedback.nothing_heard()
        elif result["text"]:
            self._feedback.done()
