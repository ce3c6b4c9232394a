"""Damaged media in the reader: tens of thousands of files, none of which may do more than be refused or read in part.

Owns: making each trial's file, handing it to a reader under limits (`reader`), and judging what came of it: a reader
that dies, a failure that does not blame the file, time or memory beyond what a file may cost. Leaves to others: the
damage (`mutations`).
"""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.attack.corpus import corpus
from tests.attack.mutations import mutate
from tests.attack.trials import Course, Finding, Report
from tests.harness import ROOT

PROMISED: Final = frozenset({"read", "read in part", "bad_input", "no_audio"})
"""What may come of a file: anything else blames whisperd, the machine or its memory for what the file is."""

SLOWEST: Final = 10.0
"""Seconds of computing that a damaged file of at most a few megabytes may cost."""

LARGEST: Final = 512 << 20
"""Bytes that reading one may take beyond the program itself."""


class Reader:
    """The child; started anew when a file has ended it."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        self._own_memory = self._answer()["peak"]

    def read(self, path: Path) -> dict[str, Any]:
        """What came of the file: `outcome`, `words`, `seconds` of computing, `memory` in bytes."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(bytes(path) + b"\n")
            self._child.stdin.flush()
            answer = self._answer()
        except (EOFError, BrokenPipeError):
            status = self._child.wait()
            self._start()
            ended = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
            return {"outcome": "reader ended", "words": ended, "seconds": 0.0, "memory": 0}
        return {**answer, "memory": answer["peak"] - self._own_memory}

    def _answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise EOFError
        return json.loads(line)

    def end(self) -> None:
        assert self._child.stdin is not None and self._child.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()


@contextlib.contextmanager
def reader() -> Iterator[Reader]:
    child = Reader()
    try:
        yield child
    finally:
        child.end()


def trial(course: Course, number: int) -> tuple[str, bytes, str]:
    """The trial's kind of file, its bytes and what was done to them."""
    draw = course.draw(number)
    files = corpus()
    kind = draw.choice(list(files))
    data, done = mutate(kind, files, draw)
    return kind, data, f"{kind}: {done}"


def attack(course: Course) -> Report:
    """Every trial of the course; what is found is kept with the file."""
    report, slowest, largest = Report(), (0.0, 0), (0, 0)
    with reader() as child, TemporaryDirectory() as folder:
        path = Path(folder) / "damaged"
        for number in course.numbers():
            kind, data, done = trial(course, number)
            if not data:
                continue
            path.write_bytes(data)
            answer = child.read(path)
            report.trials += 1
            report.outcomes[answer["outcome"]] += 1
            slowest, largest = max(slowest, (answer["seconds"], number)), max(largest, (answer["memory"], number))
            if why := _fault(answer):
                finding = Finding(number, done, why)
                finding.keep(course, {kind: data})
                report.findings.append(finding)
    report.figures = {
        "longest": f"{slowest[0]:.2f} s (trial {slowest[1]})",
        "most memory": f"{largest[0] >> 20} MB (trial {largest[1]})",
    }
    return report


def _fault(answer: dict[str, Any]) -> str | None:
    if answer["outcome"] not in PROMISED:
        return f"{answer['outcome']}: {answer['words']}"
    if answer["seconds"] > SLOWEST:
        return f"it took {answer['seconds']:.1f} s of computing"
    if answer["memory"] > LARGEST:
        return f"it took {answer['memory'] >> 20} MB"
    return None
