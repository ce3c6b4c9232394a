"""How soon a key press in `whisperctl top` shows its effect while a batch of 500 items runs.

The live view runs on a terminal of its own, 80 × 24, as a person's does; a batch of 500 clips is decoded by a model of
`base`'s cost meanwhile. From writing a key to the terminal until what it does has been written to the screen: the row
below gets the cursor's ground, another view its heading, the keys their page, a paused job leaves its row (which the
daemon has stored then).
"""

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.material import dictation
from benchmarks.measure import Report, median, percentile
from tests.harness import Daemon, running_daemon
from tests.speech import write_audio
from tests.terminal import Terminal
from tools.test_model.widen import widened
from whisperctl.tui.palette import CURSOR, DARK

LIMIT = 100.0
"""Milliseconds within which the effect of 99 of 100 presses of each kind is on the screen."""
ITEMS = 500
CLIPS = 25
"""Different clips; the rest are the same under other names."""
PATIENCE = 30.0
DOWN = 40
"""Rows that the cursor goes down first, away from those that start and end by themselves."""


def run(report: Report, *, quick: bool) -> None:
    presses = 20 if quick else 150
    with (
        tempfile.TemporaryDirectory(prefix="whisperd-bench-") as folder,
        running_daemon(model=str(widened("base"))) as daemon,
    ):
        _start_batch(daemon, Path(folder))
        with _LiveView(daemon) as live:
            live.until(lambda text: "QUEUE" in text)
            for _ in range(DOWN):
                live.to_next_row("j")
            took = {
                "the row below": [live.to_next_row("j" if n % 40 < 20 else "k") for n in range(presses)],
                "another view": [
                    live.to_text(*("5", "WORKERS") if n % 2 == 0 else ("1", "clip")) for n in range(presses)
                ],
                "the keys' page": [
                    live.to_text(*("?", "Look around") if n % 2 == 0 else ("x", "clip")) for n in range(presses)
                ],
                "a paused job": [live.to_next_row("p") for _ in range(presses)],
            }
        counts = daemon.call("daemon.status")["queue"]
    assert counts["running"] >= 1, f"the batch was over before the measurement was: {counts}"
    assert counts["paused"] == presses, f"not every press paused a job: {counts}"
    report.note(f"{presses} presses of each kind; then {counts['completed']} of {ITEMS} items were completed")
    for name, seconds in took.items():
        report.figure(f"{name}: median", 1000 * median(seconds), "ms")
        report.figure(f"{name}: p99", 1000 * percentile(seconds, 0.99), "ms", limit=LIMIT)
        report.figure(f"{name}: longest", 1000 * max(seconds), "ms")


def _start_batch(daemon: Daemon, folder: Path) -> None:
    clips = [write_audio(folder / f"part{seed}.wav", dictation(5, seed)) for seed in range(CLIPS)]
    paths = [folder / f"clip {number:03}.wav" for number in range(ITEMS)]
    for number, path in enumerate(paths):
        shutil.copy(clips[number % CLIPS], path)  # a link would be the same file, which is not queued twice
    files = [{"path": str(path)} for path in paths]
    daemon.call("batch.create", name="five hundred", files=files, start=True)


class _LiveView:
    """The live view on a terminal of its own: keys are written, and what it writes is read."""

    def __init__(self, daemon: Daemon) -> None:
        self._terminal = Terminal(
            [sys.executable, "-m", "whisperctl", "top", "--colours", "dark"],
            {**daemon.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"},
        )
        ground = DARK.rich("", CURSOR).bgcolor
        assert ground is not None
        assert ground.triplet is not None
        self._cursor = re.compile(rf"48;2;{';'.join(map(str, ground.triplet))}m(clip \d+\.wav)")
        self._row = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._terminal.process.terminate()
        while self._terminal.read(PATIENCE):
            pass
        self._terminal.process.wait(timeout=PATIENCE)
        self._terminal.close()

    def to_next_row(self, key: str) -> float:
        """Seconds from a key until the cursor is on another row."""
        return self._pressed(key, self._on_another_row)

    def to_text(self, key: str, text: str) -> float:
        """Seconds from a key until a text is written to the screen."""
        return self._pressed(key, lambda written: text in written)

    def until(self, shown: Callable[[str], bool]) -> None:
        """Read until what was written since is as wanted."""
        written = ""
        end = time.perf_counter() + PATIENCE
        while not shown(written):
            part = self._terminal.read(end - time.perf_counter())
            assert part, f"it ended, or nothing came for {PATIENCE} s: {written[-2000:]!r}"
            written += part

    def _pressed(self, key: str, shown: Callable[[str], bool]) -> float:
        while self._terminal.read(0.0):
            pass  # what was written before does not count
        begin = time.perf_counter()
        self._terminal.press(key.encode())
        self.until(shown)
        return time.perf_counter() - begin

    def _on_another_row(self, written: str) -> bool:
        rows = [row for row in self._cursor.findall(written) if row != self._row]
        if rows:
            self._row = rows[-1]
        return bool(rows)
