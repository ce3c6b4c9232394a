"""File throughput of the daemon against faster-whisper's batched pipeline alone.

Both read the same FLAC from disk with a loaded model of `base`'s cost, find speech, and decode the very same chunks in
batches of the same size with the same beam, threads, precision and priority, with timestamps and without fallback.
The daemon's time is from the job's start to its end as its rows tell it, storing of every batch included.

The chunks are those that the daemon has stored; the pipeline is given them as `clip_timestamps`, which makes it skip
its own search for speech, so that is run before. The daemon runs with its fallback ladder off (`without_fallback`).
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.jobs import completed, stored_batch_size, stored_chunks, stored_results
from benchmarks.material import dictation, talk
from benchmarks.measure import Report, interleaved, median, tree_processor_seconds
from benchmarks.pipeline import Run, Task
from tests.harness import Daemon
from tests.speech import write_audio
from tools.test_model.widen import widened
from whisperd.lanes import BACKGROUND_NICE
from whisperd.worker.cores import usable_cores

BEAM = 5
LIMIT = 0.97


def run(report: Report, *, quick: bool) -> None:
    seconds, pairs = (300, 1) if quick else (1200, 3)
    folder = widened("base")
    said = talk(seconds, seed=3)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as place:
        path = write_audio(Path(place) / "talk.flac", said.samples)
        warming = write_audio(Path(place) / "short.wav", dictation(3, seed=1))
        with _running_daemon(folder) as daemon:
            task = _planned(report, daemon, folder, path)
            runs: list[Run] = []
            processor: list[float] = []

            def ours() -> float:
                _job(daemon, warming)  # the worker ends when idle: a short job has it loaded again
                before = tree_processor_seconds(daemon.pid)
                seconds = _seconds(_job(daemon, path))
                processor.append(tree_processor_seconds(daemon.pid) - before)
                return seconds

            with _pipeline(task) as transcribe:

                def theirs() -> float:
                    runs.append(transcribe())
                    return runs[-1].seconds

                mine, others = interleaved(ours, theirs, pairs)
    report.figure("daemon, audio seconds a second", said.seconds / median(mine))
    report.figure("batched pipeline alone, audio seconds a second", said.seconds / median(others))
    searching = median(run.searching / run.seconds for run in runs)
    report.figure("share of the pipeline's time that finds speech", searching)
    theirs_processor = median(run.processor for run in runs)
    report.figure("processor time, batched pipeline ÷ daemon", theirs_processor / median(processor))
    report.figure("daemon ÷ batched pipeline", median(others) / median(mine), limit=LIMIT, relation=">=")


class _Daemon(Daemon):
    """One whose fallback ladder is off."""

    def spawn(self) -> None:
        command = [sys.executable, "-m", "benchmarks.without_fallback", "run", "--config", str(self.config)]
        command += ["--state-dir", str(self.state_dir), "--socket", str(self.socket), *self._arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stderr=log, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def _running_daemon(model: Path) -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="wd-", ignore_cleanup_errors=True) as folder:
        daemon = _Daemon(Path(folder), model=str(model))
        try:
            yield daemon.start()
        finally:
            daemon.kill()


def _planned(report: Report, daemon: Daemon, model: Path, path: Path) -> Task:
    """What the pipeline is to do: what the daemon did. This first job also calibrates the daemon's batch size."""
    job = _job(daemon, path)["id"]
    chunks = [(chunk.start, chunk.end) for block in stored_chunks(daemon.database, job) for chunk in block]
    batch_size = stored_batch_size(daemon.database, job)
    assert all(result.attempts == 1 for result in stored_results(daemon.database, job)), "the fallback ladder is on"
    report.note(f"{len(chunks)} chunks, batches of {batch_size}, {usable_cores()} threads")
    return Task(str(model), str(path), chunks, batch_size, BEAM, usable_cores(), BACKGROUND_NICE)


def _job(daemon: Daemon, path: Path) -> dict[str, Any]:
    return completed(daemon, path, language="en", beam_size=BEAM)


def _seconds(job: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(job[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


@contextlib.contextmanager
def _pipeline(task: Task) -> Iterator[Callable[[], Run]]:
    """The pipeline with its model loaded, as a function that transcribes the file once."""
    command = [sys.executable, "-m", "benchmarks.pipeline"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        to_it, from_it = process.stdin, process.stdout

        def say(line: str) -> None:
            to_it.write(line + "\n")
            to_it.flush()

        def transcribe() -> Run:
            say("again")
            return Run(**json.loads(from_it.readline()))

        say(json.dumps(asdict(task)))
        yield transcribe
