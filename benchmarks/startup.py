"""How long the everyday command takes to start and answer, against an empty Python.

Wall time of `whisperctl status` as it is installed, against `python -c pass` of the same interpreter; both with
bytecode already written, alternating.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Report, interleaved, median, timed
from tests.harness import running_daemon

LIMIT = 3.0


def run(report: Report, *, quick: bool) -> None:
    pairs = 20 if quick else 60
    program = Path(sys.executable).with_name("whisperctl")
    with running_daemon() as daemon:

        def seconds(command: Sequence[str]) -> float:
            return timed(lambda: subprocess.run(command, env=daemon.environment, check=True, stdout=subprocess.DEVNULL))

        status, empty = [str(program), "status"], [sys.executable, "-c", "pass"]
        for command in (status, empty):
            seconds(command)
        mine, bare = interleaved(lambda: seconds(status), lambda: seconds(empty), pairs)
    report.figure("python -c pass", 1000 * median(bare), "ms")
    report.figure("whisperctl status", 1000 * median(mine), "ms")
    report.figure("whisperctl status ÷ python -c pass, medians", median(mine) / median(bare), limit=LIMIT)
