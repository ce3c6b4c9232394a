"""A file that is disturbed at random moments ends in the same bytes as the same file undisturbed.

Owns: the four disturbances (overtaken by dictations, paused, worker killed, daemon killed), for three containers, with
word timestamps. Text, segments and words are compared as the daemon gives them; only the time that computing took may
differ.
"""

import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import material
from benchmarks.jobs import FINAL
from benchmarks.measure import Report
from tests.harness import CallError, Daemon, running_daemon, wait_for
from tests.speech import write_audio

CONFIG = "[retry]\nbase_delay = 0.0\n"
CONTAINERS = ("wav", "mp3", "m4a")


def run(report: Report, *, quick: bool) -> None:
    seconds, overtakes, others = (240, 5, 2) if quick else (1800, 50, 20)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        talk = material.talk(seconds, seed=21).samples
        note = write_audio(folder / "note.wav", material.dictation(3, seed=22))
        for container in CONTAINERS if not quick else CONTAINERS[:1]:
            path = write_audio(folder / f"talk.{container}", talk)
            _compare(report, path, note, overtakes, others)


def _compare(report: Report, path: Path, note: Path, overtakes: int, others: int) -> None:
    with running_daemon(config=CONFIG) as daemon:
        begun = time.monotonic()
        [job] = daemon.submit(path, options={"words": True})
        undisturbed = transcript_of(daemon, await_final(daemon, job["id"]))
        alone = time.monotonic() - begun
        report.note(f"{path.name}: {len(undisturbed['segments'])} segments, {alone:.0f} s undisturbed")
        for name, disturb, count in (
            ("overtaken by dictations", lambda d, _: _overtake(d, note), overtakes),
            ("paused and resumed", _pause, others),
            ("worker killed", kill_worker, others),
            ("daemon killed", _kill_daemon, others),
        ):
            made, texts = transcribed_disturbed(daemon, path, disturb, count, alone)
            different = sum(text != undisturbed for text in texts)
            report.figure(f"{path.suffix[1:]}: {name} {made} times, transcripts that differ", different, limit=0)


def transcribed_disturbed(
    daemon: Daemon, path: Path, disturb: Callable[[Daemon, int], None], count: int, alone: float
) -> tuple[int, list[dict[str, Any]]]:
    """Transcribe the file, as often as it takes, with `count` disturbances in all; the transcripts."""
    draw = random.Random(count)
    made = 0
    texts: list[dict[str, Any]] = []
    while made < count:
        [job] = daemon.submit(path, options={"words": True}, again=True)
        while made < count and _state(daemon, job["id"]) not in FINAL:
            time.sleep(draw.uniform(0, 1.5 * alone / count))  # a random moment is what is wanted
            if _state(daemon, job["id"]) == "running":
                disturb(daemon, job["id"])
                made += 1
        texts.append(transcript_of(daemon, await_final(daemon, job["id"])))
    return made, texts


def _overtake(daemon: Daemon, note: Path) -> None:
    [job] = daemon.submit(note, kind="dictation", again=True)
    await_final(daemon, job["id"])


def _pause(daemon: Daemon, job: int) -> None:
    [answer] = daemon.call("job.pause", ids=[job])["jobs"]
    if answer["ok"]:
        wait_for(lambda: all(worker["job"] != job for worker in daemon.call("daemon.status")["workers"]), 300)
        daemon.call("job.resume", ids=[job])


def kill_worker(daemon: Daemon, job: int) -> None:
    pid, done = daemon.worker_pid(), _done(daemon, job)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _await_progress(daemon, job, done)


def _kill_daemon(daemon: Daemon, job: int) -> None:
    done = _done(daemon, job)
    daemon.kill()
    daemon.start()
    _await_progress(daemon, job, done)


def _done(daemon: Daemon, job: int) -> float:
    return daemon.call("job.show", id=job)["job"]["done"]


def _await_progress(daemon: Daemon, job: int, done: float) -> None:
    """Until another batch is stored."""
    wait_for(lambda: _done(daemon, job) > done or _state(daemon, job) in FINAL, 300)


def _state(daemon: Daemon, job: int) -> str:
    return daemon.call("job.show", id=job)["job"]["state"]


def await_final(daemon: Daemon, job: int) -> int:
    while daemon.call("job.wait", ids=[job], timeout=30)["jobs"][0]["state"] not in FINAL:
        pass
    return job


def transcript_of(daemon: Daemon, job: int) -> dict[str, Any]:
    try:
        transcript = daemon.call("job.text", id=job)["transcript"]
    except CallError as error:
        return {"failed": str(error)}
    del transcript["processing_time"]
    return transcript
