"""Whether memory grows with the length of a file.

Peak memory of daemon and worker together while a file of hours is transcribed, against one of ten minutes, each by a
daemon just started. The long files are the short one again and again, and silence. The decoding batch is calibrated
before, so that it is of one size in all of them and its trials are in none.
"""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.jobs import completed
from benchmarks.material import talk, write_repeated
from benchmarks.measure import PeakMemory, Report
from tests.harness import Daemon, running_daemon
from tests.speech import SAMPLE_RATE

MEGABYTE = 1_000_000
MINUTES = 10
LIMIT = 100


def run(report: Report, *, quick: bool) -> None:
    hours = 1 if quick else 6
    said = talk(MINUTES * 60, seed=4).samples
    silence = np.zeros(60 * SAMPLE_RATE, np.float32)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as folder, running_daemon() as daemon:
        path = write_repeated(Path(folder) / "short.flac", said, MINUTES * 60)
        completed(daemon, path, language="en")
        short = _peak(daemon, path)
        report.figure(f"peak, {MINUTES} min of speech", short / MEGABYTE, "MB")
        for name, samples in (("silence", silence), ("speech", said)):
            path = write_repeated(Path(folder) / f"{name}.flac", samples, hours * 3600)
            peak = _peak(daemon, path)
            path.unlink()
            report.figure(f"peak, {hours} h of {name}", peak / MEGABYTE, "MB")
            report.figure(
                f"{hours} h of {name} − {MINUTES} min of speech", (peak - short) / MEGABYTE, "MB", limit=LIMIT
            )


def _peak(daemon: Daemon, path: Path) -> int:
    daemon.stop()
    daemon.start()
    with PeakMemory(daemon.pid) as peak:
        completed(daemon, path, language="en")
    return peak.bytes
