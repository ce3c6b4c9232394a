"""A daemon for tests of clients that does what a test tells it: answers, errors, silence, garbage, or dying.

Owns: a real Unix socket in a folder of its own, and a thread for each connection that answers from a table. What it
was asked is kept in `requests`.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from tests.harness import PATIENCE

Params = dict[str, Any]
Answer = Callable[["Conversation", Params], Any]


class AnswerError(Exception):
    """Raised by an answer: the error that is sent."""

    def __init__(self, code: int, kind: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.wire = {
            "code": code,
            "message": message,
            "data": {"kind": kind, "retryable": False, "message": None, "hint": hint},
        }


class HangUpError(Exception):
    """Raised by an answer: the connection is closed without one."""


class SilenceError(Exception):
    """Raised by an answer: none is sent."""


class Conversation:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """A JSON value, or bytes as they are."""
        line = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        with self._lock:
            self._connection.sendall(line)

    def event(self, topic: str, job: int, data: Params, seq: int | None = None) -> None:
        params: Params = {"subscription": 1, "topic": topic, "at": "2026-01-01T00:00:00.000Z", "data": data, "job": job}
        if seq is not None:
            params["seq"] = seq
        self.send({"jsonrpc": "2.0", "method": "event", "params": params})

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class ScriptedDaemon:
    """A context manager. `answers` maps a method to what answers it: a value, or a function of what was asked."""

    def __init__(self, folder: Path, answers: dict[str, Any]) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.socket = folder / "whisperd.sock"
        self.answers: dict[str, Any] = {"daemon.ping": {"pong": True}, **answers}
        self.requests: list[tuple[str, Params]] = []
        self.conversations: list[Conversation] = []
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.socket))
        self._listener.listen(8)
        self._run(self._accept, self._listener)

    def stop(self) -> None:
        """As if killed: connections end, the socket stays behind."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._join(self._threads[:1])  # who accepts: no conversation begins any more
            self._listener.close()
            self._listener = None
        for conversation in self.conversations:
            conversation.close()
        self._join(self._threads)
        self._threads.clear()
        self.conversations.clear()

    def _join(self, threads: list[threading.Thread]) -> None:
        for thread in threads:
            if thread is not threading.current_thread():  # an answer may stop the daemon
                thread.join(PATIENCE)

    def talking(self) -> bool:
        """Whether anybody is connected."""
        return any(thread.is_alive() for thread in self._threads[1:])

    def asked(self, method: str) -> list[Params]:
        """The parameters of every request for a method, in order."""
        return [params for name, params in self.requests if name == method]

    def _run(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            conversation = Conversation(connection)
            self.conversations.append(conversation)
            self._run(self._converse, connection, conversation)

    def _converse(self, connection: socket.socket, conversation: Conversation) -> None:
        try:
            for line in _lines(connection):
                self._reply(conversation, json.loads(line))
        except (HangUpError, OSError):
            pass
        finally:
            conversation.close()

    def _reply(self, conversation: Conversation, request: Any) -> None:
        params = request.get("params", {})
        self.requests.append((request["method"], params))
        answer = self.answers.get(request["method"])
        reply: Params = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            if answer is None:
                raise AnswerError(-32601, "method_not_found", f"there is no method {request['method']}")
            result = answer(conversation, params) if callable(answer) else answer
        except SilenceError:
            return
        except AnswerError as failure:
            conversation.send({**reply, "error": failure.wire})
            return
        after: Iterable[Callable[[], None]] = ()
        if isinstance(result, Then):
            result, after = result.result, result.after
        conversation.send({**reply, "result": result})
        for action in after:
            action()


class Then:
    """An answer's result, and what is done once it is sent."""

    def __init__(self, result: Any, *after: Callable[[], None]) -> None:
        self.result = result
        self.after = after


def _lines(connection: socket.socket) -> Iterable[bytes]:
    with connection.makefile("rb") as reader:
        yield from reader


def job(number: int, state: str = "queued", path: str = "/audio/meeting.wav", **facts: Any) -> Params:
    """A job as it comes over the wire."""
    return {
        "id": number, "kind": "file", "state": state, "path": path, "created_at": "2026-01-01T00:00:00.000Z",
        "options": {}, "stage": None, "progress": 0.0, "done": 0.0, "duration": None, "speed": None, "eta": None,
        "place": None, "starts_in": None, "hold": None, "priority": "normal", "attempts": 0, "error": None,
        "path_b64": None, "key": None, "started_at": None, "finished_at": None, "retry_at": None, "model": None,
        "device": None, "language": None, "processing_time": None, "partial": None, "missing": None,
        "unheard": None, "confidence": None, "outputs": [], "outputs_retry_at": None, "notes": [],
    } | facts  # fmt: skip


def transcript(number: int, text: str) -> Params:
    """The result of `job.text`."""
    return {"id": number, "transcript": {"text": text, "segments": [], "language": "en"}, "rendered": None}
