"""A real daemon in a folder of its own, for tests.

Owns: starting `whisperd run` with its state, socket and configuration in a temporary folder, talking to it as a client
does, and ending it. Everything waits on events or conditions; nothing sleeps for a fixed time.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
PATIENCE = 100.0
"""Seconds that anything may take on a busy machine before it counts as never happening."""


class CallError(Exception):
    """The daemon answered with an error object."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.data: dict[str, Any] = error.get("data") or {}


class Client:
    """A JSON-RPC connection; `notifications` collects what the daemon sends unasked."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(2 * PATIENCE)  # a call may wait itself
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._file = self._socket.makefile("rb")
        self._next_id = 0
        self.notifications: list[dict[str, Any]] = []

    def call(self, method: str, **params: Any) -> Any:
        self._next_id += 1
        request = {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            message = self.receive()
            if message.get("id") == self._next_id:
                if "error" in message:
                    raise CallError(message["error"])
                return message["result"]
            self.notifications.append(message)

    def receive(self) -> dict[str, Any]:
        line = self._file.readline()
        if not line:
            raise ConnectionError("the daemon closed the connection")
        return json.loads(line)

    def wait_event(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event (its params), already received or to come, that `wanted` accepts."""
        while True:
            while self.notifications:
                message = self.notifications.pop(0)
                if message.get("method") == "event" and wanted(message["params"]):
                    return message["params"]
            self.notifications.append(self.receive())

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Daemon:
    """`whisperd run` in its own folder. Use `running_daemon`, or the `daemon` fixture."""

    def __init__(self, folder: Path, *arguments: str, config: str = "", model: str | None = "test-en") -> None:
        self.folder = folder
        self.state_dir = folder / "state"
        self.socket = folder / "run" / "w.sock"
        self.config = folder / "config.toml"
        self.config.write_text(config, encoding="utf-8")
        self.log = folder / "log"
        self._arguments = [*(["--model", model] if model else []), *arguments]
        self.module = "whisperd"
        """What Python runs: `whisperd`, or what makes something else of it for a measurement."""
        self.wrapper: tuple[str, ...] = ()
        """The command that the daemon is started through, such as `prlimit` with a limit."""
        self.additions: dict[str, str] = {}
        """Variables of the daemon's environment besides those that it is given anyway."""
        self.gate = folder / "gate"
        """Of a `gated` daemon: how many batches of a file its workers decode before they wait until this is gone."""
        self._clients: list[Client] = []
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "WHISPERD_"))}
        return {**kept, "HOME": str(self.folder), "WHISPERD_SOCKET": str(self.socket), **self.additions}

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def database(self) -> Path:
        return self.state_dir / "whisperd.db"

    def start(self) -> "Daemon":
        """Start it and return once it answers."""
        self.spawn()
        self.wait_until_answering()
        return self

    def spawn(self) -> None:
        command = [*self.wrapper, sys.executable, "-m", self.module, "run", "--config", str(self.config)]
        command += ["--state-dir", str(self.state_dir), "--socket", str(self.socket), *self._arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stderr=log, stdin=subprocess.DEVNULL)

    def wait_until_answering(self) -> None:
        def answers() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log.read_text()}")
            with contextlib.suppress(OSError):
                client = Client(self.socket)
                try:
                    return client.call("daemon.ping")["pong"]
                finally:
                    client.close()
            return False

        wait_for(answers)

    def client(self) -> Client:
        client = Client(self.socket)
        self._clients.append(client)
        return client

    def call(self, method: str, **params: Any) -> Any:
        client = Client(self.socket)
        try:
            return client.call(method, **params)
        finally:
            client.close()

    def submit(self, *paths: Path, **params: Any) -> list[dict[str, Any]]:
        return self.call("job.submit", files=[{"path": str(path)} for path in paths], **params)["jobs"]

    def wait(self, *ids: int, timeout: float = PATIENCE) -> list[dict[str, Any]]:
        """The jobs in their final states. Fails when they are not final in time."""
        jobs = self.call("job.wait", ids=list(ids), timeout=timeout)["jobs"]
        unfinished = [job for job in jobs if job["state"] not in ("completed", "failed", "cancelled")]
        assert not unfinished, f"not final after {timeout} s: {unfinished}\n{self.log.read_text()}"
        return jobs

    def transcribe(self, path: Path, **params: Any) -> dict[str, Any]:
        """Submit, wait, and return the transcript."""
        [job] = self.submit(path, **params)
        [job] = self.wait(job["id"])
        assert job["state"] == "completed", job["error"]
        return self.call("job.text", id=job["id"])["transcript"]

    def worker_pid(self, lane: str = "background") -> int | None:
        [worker] = [worker for worker in self.call("daemon.status")["workers"] if worker["lane"] == lane]
        return worker["pid"]

    def ctl(self, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run `whisperctl` against this daemon."""
        command = [sys.executable, "-m", "whisperctl", *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False, **options
        )

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self.process is not None
        self._close_clients()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        assert self.process is not None
        self._close_clients()
        self.process.kill()
        self.process.wait(timeout=PATIENCE)

    def _close_clients(self) -> None:
        while self._clients:
            self._clients.pop().close()


@contextlib.contextmanager
def running_daemon(
    *arguments: str,
    config: str = "",
    model: str | None = "test-en",
    wrapper: tuple[str, ...] = (),
    module: str = "whisperd",
    gated: bool = False,
) -> Iterator[Daemon]:
    """A daemon in a temporary folder whose path is short enough for a socket.

    `gated`: a job stays in its middle, after its first batch, until the test removes the daemon's `gate`.
    """
    folder = Path(tempfile.mkdtemp(prefix="wd-"))
    daemon = Daemon(folder, *arguments, config=config, model=model)
    daemon.wrapper = wrapper
    daemon.module = module
    if gated:
        daemon.gate.write_text("1")
        daemon.additions |= {"PYTHONPATH": str(ROOT / "tests" / "gate"), "WORKER_GATE": str(daemon.gate)}
    try:
        yield daemon.start()
    finally:
        if daemon.process is not None and daemon.process.poll() is None:
            _end(daemon)
        shutil.rmtree(folder, ignore_errors=True)


def _end(daemon: Daemon) -> None:
    """As a person would end it: what a killed daemon has run counts nowhere in the coverage."""
    try:
        daemon.stop()
    except subprocess.TimeoutExpired:
        daemon.kill()


def wait_for(condition: Callable[[], bool], deadline: float = PATIENCE) -> None:
    """Wait until the condition holds; for what no event tells."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not so after {deadline} s: {condition}")
        time.sleep(0.02)  # outside processes tell nothing; this is the one place that looks again and again


def process_state(pid: int | None) -> str | None:
    """The kernel's letter for a process's state (T is stopped, Z a zombie); None when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None


def wait_until_asleep(pid: int) -> None:
    """Wait until a program of one thread waits for something, before a signal that it takes as an exception.

    That may be raised anywhere, also where the coverage of a test run has its lock, which nobody would give back.
    """
    wait_for(lambda: process_state(pid) == "S")


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    return process_state(pid) not in (None, "Z")
