"""What drop folders cost: a burst of files while the daemon is stopped or off, and watching many that are known.

The burst is 20,000 small files with the queue paused: how long until each is queued, exactly once, what the daemon
needs at most, and how long a client waits for an answer meanwhile. Then the daemon is idle for ten minutes over 50,000
files that it knows; its rounds are then those of a quiet folder.
"""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from benchmarks.jobs import reading
from benchmarks.measure import PeakMemory, Report, memory, percentile, processor_seconds, timed
from tests.harness import Daemon, running_daemon, wait_for
from whisperd.workers.process import resident_memory

MEGABYTE = 1_000_000
FOLDERS = 100
"""Folders that the files are spread over."""


def run(report: Report, *, quick: bool) -> None:
    burst, known, quiet = (2_000, 5_000, 30.0) if quick else (20_000, 50_000, 600.0)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as name:
        folder = Path(name)
        _make_folders(folder)
        config = f'[[watch]]\npath = "{folder}"\n[state]\nbackups = 0\n'
        with running_daemon(config=config) as daemon:
            daemon.call("queue.pause")
            wait_for(lambda: daemon.call("watch.list")["folders"][0]["state"] == "watching")
            _burst_while_stopped(report, daemon, folder, burst)
            _burst_while_off(report, daemon, folder, burst)
            _make_files(folder, 2 * burst, known)
            wait_for(lambda: _queued(daemon) == max(known, 2 * burst), deadline=600)
            _quiet(report, daemon, quiet, max(known, 2 * burst))


def _burst_while_stopped(report: Report, daemon: Daemon, folder: Path, count: int) -> None:
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGSTOP)
    _make_files(folder, 0, count)
    begin = time.perf_counter()
    daemon.process.send_signal(signal.SIGCONT)
    _tell_burst(report, f"{count:,} files while stopped", daemon, count, begin)


def _burst_while_off(report: Report, daemon: Daemon, folder: Path, count: int) -> None:
    daemon.stop()
    _make_files(folder, count, 2 * count)
    daemon.start()
    _tell_burst(report, f"{count:,} files while off", daemon, 2 * count, time.perf_counter())


def _tell_burst(report: Report, what: str, daemon: Daemon, queued: int, begin: float) -> None:
    with PeakMemory(daemon.pid) as peak, _Asking(lambda: daemon.call("daemon.ping")) as asking:
        wait_for(lambda: _queued(daemon) >= queued, deadline=600)
        took = time.perf_counter() - begin
    daemon.call("watch.rescan")
    with reading(daemon.database) as connection:
        (jobs, paths) = connection.execute("SELECT count(*), count(DISTINCT path) FROM jobs").fetchone()
        (rows,) = connection.execute("SELECT count(*) FROM watch_files WHERE state = 'queued'").fetchone()
    report.figure(f"{what}: until all are queued", took, "s")
    report.figure(f"{what}: lost", queued - paths, limit=0)
    report.figure(f"{what}: doubled", jobs - paths + abs(rows - paths), limit=0)
    report.figure(f"{what}: peak memory (proportional set)", peak.bytes / MEGABYTE, "MB")
    report.figure(f"{what}: p99 of a ping meanwhile", 1000 * percentile(asking.seconds, 0.99), "ms")


def _quiet(report: Report, daemon: Daemon, seconds: float, files: int) -> None:
    wait_for(lambda: daemon.call("watch.rescan")["found"] == 0)
    time.sleep(5)  # what follows a rescan (rows, a checkpoint) is over by then, and nothing tells of it
    used = processor_seconds(daemon.pid)
    time.sleep(seconds)  # the idle time that is measured
    used = processor_seconds(daemon.pid) - used
    report.figure(f"{files:,} known files: processor time over {seconds:.0f} s", 100 * used / seconds, "%", limit=0.5)
    report.figure(f"{files:,} known files: memory (resident set)", (resident_memory(daemon.pid) or 0) / MEGABYTE, "MB")
    report.figure(f"{files:,} known files: memory (proportional set)", memory(daemon.pid) / MEGABYTE, "MB")
    scan = timed(lambda: daemon.call("watch.rescan"))
    report.figure(f"{files:,} known files: a look at each, asked for", scan, "s")


def _make_folders(folder: Path) -> None:
    for number in range(FOLDERS):
        (folder / f"{number:02}").mkdir()


def _make_files(folder: Path, first: int, last: int) -> None:
    for number in range(first, last):
        path = os.fsencode(folder / f"{number % FOLDERS:02}" / f"{number:06}.wav")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, b"RIFF%d" % number)
        os.close(descriptor)


def _queued(daemon: Daemon) -> int:
    return daemon.call("daemon.status")["queue"]["queued"]


class _Asking:
    """Asks again and again while it is entered; `seconds` are the waits for the answers."""

    def __init__(self, ask: Callable[[], object]) -> None:
        self.seconds: list[float] = []
        self._ask = ask
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.02):
            self.seconds.append(timed(self._ask))
