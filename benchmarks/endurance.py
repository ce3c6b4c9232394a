"""Memory and open files of the daemon return to where they were: after 100 files, an hour of mixed work, 100 restarts.

Owns: the mix (files, dictations, pauses, cancellations, retries, killed workers, clients that come and go), and the
comparison of the daemon before and after. Both are taken after the same kind of work, when nothing runs.
"""

import contextlib
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from benchmarks import material
from benchmarks.jobs import all_completed
from benchmarks.measure import Report
from tests.harness import Daemon, running_daemon, wait_for
from tests.speech import write_audio

CONFIG = "[retry]\nbase_delay = 0.0\n"


GROWTH = 8
"""Megabytes: the page caches of both database connections fill up to 2 MB each, and the allocator's slack."""


def run(report: Report, *, quick: bool) -> None:
    files, minutes, restarts = (10, 1.0, 5) if quick else (100, 60.0, 100)
    with tempfile.TemporaryDirectory() as name, running_daemon(config=CONFIG) as daemon:
        folder = Path(name)
        clips = [write_audio(folder / f"{n}.wav", material.dictation(3, seed=n)) for n in range(files)]
        long = write_audio(folder / "long.wav", material.talk(60, seed=1).samples)
        _all_at_once(daemon, clips)
        all_completed(daemon, [daemon.submit(clips[0], kind="dictation", again=True)[0]["id"]])
        before = _taken(daemon)
        _all_at_once(daemon, clips)
        _tell(report, f"{files} files at once", before, _taken(daemon))
        operations = _mixed_work(daemon, clips, long, minutes * 60)
        report.note(f"mixed work: {operations} operations in {minutes:g} min")
        _tell(report, f"{minutes:g} min of mixed work", before, _taken(daemon))
        _restart(report, daemon, clips[0], restarts)


def _all_at_once(daemon: Daemon, clips: list[Path]) -> None:
    all_completed(daemon, [job["id"] for job in daemon.submit(*clips, again=True)])


def _mixed_work(daemon: Daemon, clips: list[Path], long: Path, seconds: float) -> int:
    draw = random.Random(1)
    end = time.monotonic() + seconds
    operations = 0
    while time.monotonic() < end:
        _one_operation(daemon, draw, clips, long)
        operations += 1
        time.sleep(draw.uniform(0, 1))  # work comes and goes: that is what is measured
    daemon.call("queue.resume")
    paused = [job["id"] for job in daemon.call("job.list", states=["paused"], limit=1000)["jobs"]]
    if paused:
        daemon.call("job.cancel", ids=paused)
    return operations


def _one_operation(daemon: Daemon, draw: random.Random, clips: list[Path], long: Path) -> None:
    unfinished = [job["id"] for job in daemon.call("job.list", states=["queued", "running"], limit=20)["jobs"]]
    job = draw.choice(unfinished) if unfinished else None
    match draw.randrange(10):
        case 0 | 1:
            daemon.submit(draw.choice(clips), kind="dictation", again=True)
        case 2 | 3 if len(unfinished) < 10:
            daemon.submit(draw.choice([long, *clips]), again=True, options={"words": draw.random() < 0.5})
        case 4 if job:
            daemon.call(draw.choice(["job.pause", "job.cancel"]), ids=[job])
        case 5:
            daemon.call(draw.choice(["queue.pause", "queue.resume"]))
        case 6:
            client = daemon.client()
            client.call("events.subscribe", since=0)
            client.close()
        case 7 if pid := daemon.worker_pid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        case _:
            daemon.call("daemon.status")


def _restart(report: Report, daemon: Daemon, clip: Path, count: int) -> None:
    statuses = []
    for _ in range(count):
        daemon.submit(clip, again=True)
        statuses.append(daemon.stop())
        daemon.start()
    report.figure(f"{count} restarts, exits other than 0", sum(status != 0 for status in statuses), limit=0)
    wait_for(lambda: _idle(daemon), 600)
    lost = sum(job["state"] != "completed" for job in daemon.call("job.list", limit=count)["jobs"])
    report.figure(f"{count} restarts, jobs of those sent that did not complete", lost, limit=0)


def _idle(daemon: Daemon) -> bool:
    queue = daemon.call("daemon.status")["queue"]
    return not any(queue[state] for state in ("queued", "running", "waiting"))


def _taken(daemon: Daemon) -> tuple[float, int]:
    """Resident megabytes and open files of the daemon, once nothing runs and the background worker has gone."""
    wait_for(lambda: _idle(daemon) and daemon.worker_pid() is None, 1200)
    pages = int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir(f"/proc/{daemon.pid}/fd"))


def _tell(report: Report, what: str, before: tuple[float, int], after: tuple[float, int]) -> None:
    report.figure(f"{what}, the daemon's memory", after[0], "MB", limit=60)
    report.figure(f"{what}, growth of the daemon's memory", after[0] - before[0], "MB", limit=GROWTH)
    report.figure(f"{what}, more open files than before", after[1] - before[1], limit=1)
