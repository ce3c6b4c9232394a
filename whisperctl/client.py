"""One connection to the daemon: requests and their answers, and the events in between.

Owns: finding, checking and connecting the socket, and JSON-RPC over it. Nothing is said to a socket in a folder that
others can write to, or to a peer that runs under another user. Leaves to others: outliving the daemon
(`whisperctl.follow`) and what is asked. Blocking; every wait has a deadline except where the caller says otherwise.
"""

import _socket  # what `socket` wraps: the wrapper takes a tenth of a command's time for what is not needed here
import json
import os
import sys
import time

from whisperctl.errors import DisconnectedError, NoDaemonError, RequestFailedError, UnsafeSocketError, UsageError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import ErrorDict, ErrorObject, Event, Json, Params

CONNECT_TIMEOUT = 5.0
CALL_TIMEOUT = 60.0
"""Seconds for an answer: far over what any method takes that does not wait for something by its nature."""
MAX_ANSWER = 512 * 1024 * 1024
"""Bytes of the longest line accepted; the transcript of a day with word times stays far under it."""
_RECEIVE = 1 << 18

START_HINT = "start it with `systemctl --user start whisperd`, or in a terminal with `whisperd run`"


class Client:
    """A connected, checked socket. Raises `NoDaemonError` or `UnsafeSocketError` where there is no such thing."""

    def __init__(self, path: str) -> None:
        self._socket = connect(path)
        self._received = bytearray()
        self._searched = 0
        self._events: list[Json] = []
        self._last_id = 0

    def close(self) -> None:
        self._socket.close()

    def call(self, method: str, params: "Params | None" = None, timeout: float | None = CALL_TIMEOUT) -> "Json":
        """The method's result. Raises `RequestFailedError` with the daemon's error, or `DisconnectedError`."""
        self.ask(method, params)
        return self.answer(method, timeout)

    def ask(self, method: str, params: "Params | None" = None) -> None:
        """Send a request whose answer is fetched later, before anything else is asked."""
        self._last_id += 1
        request: Params = {"jsonrpc": names.JSONRPC, "id": self._last_id, "method": method}
        if params:
            request["params"] = params
        self._send(encoded(request))

    def answer(self, method: str, timeout: float | None = CALL_TIMEOUT) -> "Json":
        """The result of what was asked last. Raises as `call` does; `None` waits as long as the daemon lives."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (message := self._read(deadline)) is not None:
            if "method" in message:
                self._events.append(message)
            elif message.get("id") == self._last_id or (message.get("id") is None and "error" in message):
                return result_of(message)
        raise DisconnectedError(f"whisperd did not answer {method} within {timeout:g} s", "look at its log")

    def event(self, timeout: float | None) -> "tuple[str, Event] | None":
        """The next notification (`event` or `events.lost`) and its parameters; None when `timeout` seconds passed."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._events:
            message = self._read(deadline)
            if message is None:
                return None
            if "method" in message:
                self._events.append(message)
        message = self._events.pop(0)
        return message["method"], message.get("params") or {}

    def wait_for_end(self, timeout: float) -> bool:
        """Whether the daemon closed the connection within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        try:
            while self._read(deadline) is not None:
                pass
        except DisconnectedError:
            return True
        return False

    def _send(self, line: bytes) -> None:
        self._socket.settimeout(CALL_TIMEOUT)
        try:
            self._socket.sendall(line)
        except TimeoutError:
            raise DisconnectedError("whisperd does not read what it is sent", "look at its log") from None
        except OSError:
            pass  # it closed the connection, perhaps after saying why: reading tells

    def _read(self, deadline: float | None) -> "Json | None":
        """The next message as a dictionary, or None at the deadline. Raises `DisconnectedError` at the end."""
        while (end := self._received.find(b"\n", self._searched)) < 0:
            self._searched = len(self._received)
            if self._searched > MAX_ANSWER:
                raise DisconnectedError(f"whisperd sent a line of over {MAX_ANSWER} bytes")
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                left = 1e-6  # what has arrived already is still taken
            self._socket.settimeout(left)
            try:
                part = self._socket.recv(_RECEIVE)
            except TimeoutError:
                return None
            except OSError:
                part = b""
            if not part:
                raise DisconnectedError("whisperd closed the connection", "it may be restarting: look at its log")
            self._received += part
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        self._searched = 0
        try:
            message: Json = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise DisconnectedError("what answers at the socket does not speak whisperd's protocol")
        return message  # pyright: ignore[reportUnknownVariableType]


def encoded(request: "Params") -> bytes:
    """A request as a line. Raises `UsageError` for text that is not valid UTF-8."""
    try:
        return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError as error:
        wrong = ascii(error.object[error.start - 20 if error.start > 20 else 0 : error.end])
        raise UsageError(f"an argument is not valid UTF-8, near {wrong}") from None


def result_of(message: "Json") -> "Json":
    """The result in an answer. Raises `RequestFailedError` with the error in it."""
    if "error" not in message:
        return message.get("result")
    error: ErrorObject = message["error"]
    data: ErrorDict | None = error.get("data")
    hint = data["hint"] if data else None
    if error["code"] == names.METHOD_NOT_FOUND and not hint:
        hint = "the running whisperd may be older than this whisperctl: restart it"
    raise RequestFailedError(error["code"], data["kind"] if data else "internal", error["message"], hint)


def check_folder(path: str) -> None:
    """Refuse a socket whose folder is not ours or can be written to by others: they could put theirs there."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        found = os.stat(folder)
    except OSError:
        raise _no_socket(path) from None
    if found.st_uid != os.geteuid():
        raise UnsafeSocketError(
            f"the socket's folder {folder} belongs to user {found.st_uid}, not to you (user {os.geteuid()})",
            "run whisperctl as the user whose daemon it is, or name your own socket with --socket",
        )
    if found.st_mode & 0o022:
        raise UnsafeSocketError(
            f"other users can write to the socket's folder {folder}", f"run `chmod 700 {folder}` and restart whisperd"
        )


def connect(path: str) -> _socket.socket:
    """A connection to who listens at `path`, if that is ours. Raises `NoDaemonError`, `UnsafeSocketError`."""
    check_folder(path)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.settimeout(CONNECT_TIMEOUT)
    try:
        connection.connect(path)
        _check_peer(connection, path)
    except OSError as error:
        connection.close()
        raise _unreachable(path, error) from None
    except UnsafeSocketError:
        connection.close()
        raise
    return connection


def _check_peer(connection: _socket.socket, path: str) -> None:
    """SO_PEERCRED is three ints (pid, uid, gid) of who listens: unix(7)."""
    credentials = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    uid = int.from_bytes(credentials[4:8], sys.byteorder)
    if uid != os.geteuid():
        raise UnsafeSocketError(
            f"what listens at {path} runs as user {uid}, not as you (user {os.geteuid()}); nothing was sent to it",
            "run whisperctl as the user whose daemon it is",
        )


def _unreachable(path: str, error: OSError) -> NoDaemonError:
    if isinstance(error, FileNotFoundError):
        return _no_socket(path)
    if isinstance(error, ConnectionRefusedError):
        return NoDaemonError(f"whisperd is not running: nobody listens at {path}", START_HINT)
    if isinstance(error, (TimeoutError, BlockingIOError)):
        return NoDaemonError(f"whisperd does not accept connections at {path}", "it hangs: look at its log")
    return NoDaemonError(f"can't connect to {path}: {error.strerror or error}", START_HINT)


def _no_socket(path: str) -> NoDaemonError:
    usual = f"/run/user/{os.geteuid()}/whisperd/whisperd.sock"
    if path != usual and not os.environ.get("XDG_RUNTIME_DIR") and os.path.exists(usual):
        return NoDaemonError(
            f"there is no socket at {path}, but there is one at {usual}",
            f"XDG_RUNTIME_DIR is not set here: run `export XDG_RUNTIME_DIR=/run/user/{os.geteuid()}`",
        )
    return NoDaemonError(f"whisperd is not running: there is no socket at {path}", START_HINT)
