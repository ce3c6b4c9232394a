"""How fast the control socket answers while the model runs and the queue is long.

The daemon transcribes a long file with a model of `base`'s cost while 100,000 files are queued behind it. One client
asks in turn: ping, status, the first and the last page of the job list, one job. Beside it: how fast files are queued
(in requests of 10,000, each durable when it is answered), and how soon a killed daemon with 10,000 queued jobs answers.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.material import talk, write_repeated
from benchmarks.measure import Report, median, percentile
from tests.harness import Client, Daemon, running_daemon, wait_for
from tools.test_model.widen import widened

LIMIT = 20.0
"""Milliseconds within which 99 of 100 answers come."""
RECOVERY_LIMIT = 5.0
A_REQUEST = 10_000
"""Files in one request: the most that are allowed."""
PAGE = 100
WITHOUT_AUDIO = b"RIFF"
"""What the queued files hold: their turn never comes."""


def run(report: Report, *, quick: bool) -> None:
    queued, rounds, recovered = (10_000, 100, 1_000) if quick else (100_000, 500, 10_000)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as folder:
        long = write_repeated(Path(folder) / "long.flac", talk(300, seed=6).samples, 4 * 3600)
        files = _files(Path(folder), queued)
        with running_daemon(model=str(widened("base"))) as daemon:
            running = _start(daemon, long)
            seconds = _submit(daemon, files)
            report.figure("files queued a second", queued / seconds)
            _tell_latencies(report, daemon, running, queued, rounds)
        with running_daemon(model=str(widened("base"))) as daemon:
            running = _start(daemon, long)
            _submit(daemon, files[:recovered])
            _tell_recovery(report, daemon, running, recovered)


def _files(folder: Path, count: int) -> list[Path]:
    made: list[Path] = []
    for number in range(count):
        if number % 1_000 == 0:
            (folder / f"{number // 1_000:03}").mkdir()
        path = folder / f"{number // 1_000:03}" / f"{number:06}.wav"
        path.write_bytes(WITHOUT_AUDIO)
        made.append(path)
    return made


def _start(daemon: Daemon, path: Path) -> int:
    """Submit a file and wait until its decoding has begun."""
    job = daemon.submit(path)[0]["id"]
    wait_for(lambda: _decoding(daemon, job), deadline=120)
    return job


def _decoding(daemon: Daemon, job: int) -> bool:
    return daemon.call("job.show", id=job)["job"]["done"] > 0


def _submit(daemon: Daemon, files: Sequence[Path]) -> float:
    """Seconds to queue them all."""
    begin = time.perf_counter()
    for first in range(0, len(files), A_REQUEST):
        daemon.submit(*files[first : first + A_REQUEST])
    return time.perf_counter() - begin


def _tell_latencies(report: Report, daemon: Daemon, running: int, queued: int, rounds: int) -> None:
    client = daemon.client()
    last_page = str(running + PAGE)  # a cursor is the id that the page before ended with
    asked: dict[str, Callable[[], Any]] = {
        "ping": lambda: client.call("daemon.ping"),
        "status": lambda: client.call("daemon.status"),
        "job list, first page": lambda: client.call("job.list", limit=PAGE),
        "job list, last page": lambda: client.call("job.list", limit=PAGE, cursor=last_page),
        "job show, running": lambda: client.call("job.show", id=running),
        "job show, last in the queue": lambda: client.call("job.show", id=running + queued),
    }
    assert len(asked["job list, last page"]()["jobs"]) == PAGE
    took: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, ask in asked.items():
            begin = time.perf_counter()
            ask()
            took[name].append(1000 * (time.perf_counter() - begin))
    counts = daemon.call("daemon.status")["queue"]
    assert (counts["queued"], counts["running"]) == (queued, 1), counts
    report.note(f"{rounds} rounds with {queued:,} jobs queued and one decoding; a page is {PAGE} jobs")
    for name, values in took.items():
        report.figure(f"{name}: median", median(values), "ms")
        report.figure(f"{name}: p99", percentile(values, 0.99), "ms", limit=LIMIT)
    report.figure(
        "job list, last page ÷ first page, medians",
        median(took["job list, last page"]) / median(took["job list, first page"]),
        limit=1.5,
    )
    report.figure("a bare JSON client's own share of a page, median", _own_share(client), "ms")


def _own_share(client: Client) -> float:
    """Milliseconds that this client takes to read a page's text: they are in the figures too."""
    text = json.dumps(client.call("job.list", limit=PAGE))
    took: list[float] = []
    for _ in range(20):
        begin = time.perf_counter()
        json.loads(text)
        took.append(1000 * (time.perf_counter() - begin))
    return median(took)


def _tell_recovery(report: Report, daemon: Daemon, running: int, queued: int) -> None:
    daemon.kill()
    begin = time.perf_counter()
    daemon.start()
    report.figure(
        f"answering again after kill -9 with {queued:,} jobs queued",
        time.perf_counter() - begin,
        "s",
        limit=RECOVERY_LIMIT,
    )
    before = daemon.call("job.show", id=running)["job"]["done"]
    wait_for(lambda: daemon.call("job.show", id=running)["job"]["done"] > before, deadline=120)
    report.figure("until the running file's next batch is stored", time.perf_counter() - begin, "s")
    counts = daemon.call("daemon.status")["queue"]
    assert (counts["queued"], counts["running"]) == (queued, 1), counts
