"""Requests of every method at random against a real daemon: answered as declared or refused in words, and never more.

Owns: which requests are sent, and what an answer, the log and the database must be like. Leaves to others: drawing the
parameters (`grammar`). Everything stays inside a temporary folder: no path that is drawn leads to what is elsewhere.
"""

import contextlib
import json
import random
import socket
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.attack.grammar import Grammar
from tests.attack.trials import Course, Finding, Report
from tests.harness import PATIENCE, Daemon, running_daemon
from tests.speech import silence, write_audio
from whisperd.wire import names
from whisperd.wire.methods import METHODS

CONFIG: Final = "[models]\noffline = true\n[queue]\nmax_length = 500\n[dictation]\nmax_length = 2\n"

LEFT_OUT: Final = frozenset({names.DAEMON_SHUTDOWN, names.MODEL_BENCH, names.DAEMON_DOCTOR, names.MODEL_LOAD})
"""What ends the daemon, or computes for long."""

SLOW: Final = 0.5
"""Seconds for an answer; what waits by its meaning (`job.wait`, `dictate.stop`) is left then."""

LOOK_EVERY: Final = 250
"""Trials between two looks at the daemon itself."""

MOST_MEMORY: Final = 120 << 20


class _Client:
    """Sends lines and reads answers, over a connection that is made anew when it is left waiting."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._rest = b""

    def ask(self, line: bytes, patience: float = SLOW) -> bytes | None:
        """The first line that comes back and is no event; None where none comes in time."""
        if self._socket is None:
            self._socket, self._rest = socket.socket(socket.AF_UNIX), b""
            self._socket.settimeout(PATIENCE)
            self._socket.connect(str(self._path))
        try:
            self._socket.sendall(line + b"\n")
            end = time.monotonic() + patience
            while True:
                while b"\n" in self._rest:
                    answer, self._rest = self._rest.split(b"\n", 1)
                    if b'"method":"event' not in answer[:60]:
                        return answer
                self._socket.settimeout(max(0.001, end - time.monotonic()))
                if not (more := self._socket.recv(1 << 16)):
                    raise ConnectionError
                self._rest += more
                self._socket.settimeout(PATIENCE)
        except (TimeoutError, OSError):
            self.close()
            return None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Attack:
    def __init__(self, daemon: Daemon, course: Course, report: Report) -> None:
        self._daemon = daemon
        self._course = course
        self._report = report
        self._client = _Client(daemon.socket)
        self._document: dict[str, Any] = daemon.call("rpc.discover")
        self._methods = [m for m in self._document["methods"] if m["name"] not in LEFT_OUT]
        self._known: list[Any] = [1, 2, 3, "interviews", "batch"]
        self._logged = 0
        self._slowest = 0.0
        self._memory = 0

    def prepare(self) -> None:
        """Something to name: audio, a folder, jobs and a batch."""
        folder = self._daemon.folder / "audio"
        folder.mkdir()
        paths = [str(write_audio(folder / f"{n}.wav", silence(0.5))) for n in range(3)]
        self._known += [*paths, str(folder), f"wav:{paths[0]}", str(self._daemon.config), f"{folder}/missing.wav"]
        self._daemon.call("queue.pause")
        self._daemon.submit(Path(paths[0]))
        self._daemon.call("batch.create", name="interviews", files=[{"path": paths[1]}])

    def make(self, number: int) -> None:
        draw = self._course.draw(number)
        method = draw.choice(self._methods)
        params = Grammar(self._document, draw, self._known).params(method)
        request = {"jsonrpc": "2.0", "id": number, "method": method["name"], "params": params}
        line = json.dumps(request, ensure_ascii=draw.random() < 0.5).encode(errors="surrogatepass")
        spoiled = draw.random() < 0.05
        line = _spoil(line, draw) if spoiled else line
        answer = self._client.ask(line)
        problem, outcome = self._judge(answer, None if spoiled else method["name"], number)
        self._report.trials += 1
        self._report.outcomes[outcome] += 1
        if problem:
            finding = Finding(number, f"{method['name']} {line[:4000]!r}", problem)
            finding.keep(self._course, {"log": self._daemon.log.read_bytes()[-20_000:]})
            self._report.findings.append(finding)
        if number % LOOK_EVERY == 0:
            self.look(number)

    def _judge(self, answer: bytes | None, method: str | None, number: int) -> tuple[str | None, str]:
        """What is wrong with the answer, if anything, and in a word what it was."""
        if answer is None:
            return (None if self._alive() else "the daemon is gone"), "nothing in time"
        try:
            message = json.loads(answer)
        except ValueError:
            return f"an answer is no JSON: {answer[:200]!r}", "nonsense"
        if isinstance(message, list) or method is None:
            return None, "answered what was spoiled"
        if message.get("id") != number:
            return f"the answer is to another request: {answer[:200]!r}", "nonsense"
        if error := message.get("error"):
            kind = (error.get("data") or {}).get("kind")
            if kind == "internal" or not error.get("message"):
                return f"{method}: {error}", "internal"
            return None, f"refused: {kind}"
        try:
            msgspec.convert(message["result"], METHODS[method].result)
        except (msgspec.ValidationError, KeyError) as error:
            return f"{method} answers what it does not declare: {error}", "undeclared"
        self._learn(message["result"])
        return None, "answered"

    def _learn(self, result: Any) -> None:
        if isinstance(result, dict) and isinstance(cursor := result.get("next_cursor"), str):
            self._known = [*self._known[:60], cursor]

    def _alive(self) -> bool:
        return self._daemon.process is not None and self._daemon.process.poll() is None

    def look(self, number: int) -> None:
        """At the daemon itself: its log, how fast it answers, and what it takes."""
        started = time.monotonic()
        self._daemon.call("daemon.ping")
        self._slowest = max(self._slowest, time.monotonic() - started)
        status = self._daemon.call("daemon.status")
        self._memory = max(self._memory, status["memory"])
        log = self._daemon.log.read_text(errors="replace")
        lines = log[self._logged :]
        self._logged = len(log)
        for word in ("Traceback", "internal error", "defect of whisperd"):
            if word in lines:
                self._found(number, f"the log has a {word}: {lines[lines.index(word) :][:1500]}")
        if status["memory"] > MOST_MEMORY:
            self._found(number, f"the daemon takes {status['memory'] >> 20} MB")

    def end(self, number: int) -> None:
        """The last look, and one at the database of the daemon that was stopped."""
        self._client.close()
        self.look(number)
        self._report.figures |= {"slowest ping": f"{self._slowest * 1000:.0f} ms", "memory": f"{self._memory >> 20} MB"}
        if (status := self._daemon.stop()) != 0:
            self._found(number, f"the daemon ended with {status}")
        with contextlib.closing(sqlite3.connect(self._daemon.database)) as connection:
            if (found := connection.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
                self._found(number, f"the database is damaged: {found}")

    def _found(self, number: int, problem: str) -> None:
        finding = Finding(number, f"the trials up to {number}", problem)
        finding.keep(self._course, {})
        self._report.findings.append(finding)


def attack(course: Course) -> Report:
    """Send as many requests as the course has trials, all to one daemon."""
    report = Report()
    with running_daemon(config=CONFIG) as daemon:
        attacking = _Attack(daemon, course, report)
        attacking.prepare()
        number = course.first
        for number in course.numbers():
            attacking.make(number)
        attacking.end(number)
    return report


def _spoil(line: bytes, draw: random.Random) -> bytes:
    """Bytes changed, lost or added; still one line."""
    spoiled = bytearray(line)
    for _ in range(draw.randrange(1, 6)):
        at = draw.randrange(len(spoiled) + 1)
        match draw.randrange(4):
            case 0:
                spoiled[at : at + 1] = draw.randbytes(1)
            case 1:
                del spoiled[at : at + draw.randrange(1, 30)]
            case 2:
                spoiled[at:at] = draw.choice([b"[", b"{", b'"', b"\\u", b"\xff", b"1e999", b"[" * 100, b",", b"\0"])
            case _:
                spoiled[at:at] = bytes(spoiled[: draw.randrange(50)])
    return bytes(spoiled).replace(b"\n", b" ").replace(b"\r", b" ")
