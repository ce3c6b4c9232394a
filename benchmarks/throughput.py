"""File throughput of the daemon against faster-whisper's batched pipeline alone.

Both read the same FLAC from disk with a loaded model of `base`'s cost, find speech, and decode the very same chunks in
batches of the same size with the same beam, threads, precision and priority, with timestamps and without fallback.
The daemon's time is from the job's start to its end as its rows tell it, storing of every batch included.

The chunks are those that the daemon has stored; the pipeline is given them as `clip_timestamps`, which makes it skip
its own search for speech, so that is run before. The daemon runs with its fallback ladder off (`without_fallback`).
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.jobs import completed, seconds_taken, stored_batch_size, stored_chunks, stored_results
from benchmarks.material import dictation, talk
from benchmarks.measure import Report, interleaved, median, tree_processor_seconds
from benchmarks.pipeline import Run, Task
from benchmarks.rival import rival
from tests.harness import Daemon, running_daemon
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
        with running_daemon(model=str(folder), module="benchmarks.without_fallback") as daemon:
            task = _planned(report, daemon, folder, path)
            runs: list[Run] = []
            processor: list[float] = []

            def ours() -> float:
                _job(daemon, warming)  # the worker ends when idle: a short job has it loaded again
                before = tree_processor_seconds(daemon.pid)
                seconds = seconds_taken(_job(daemon, path))
                processor.append(tree_processor_seconds(daemon.pid) - before)
                return seconds

            with rival("benchmarks.pipeline", task) as ask:

                def theirs() -> float:
                    runs.append(Run(**json.loads(ask("again"))))
                    return runs[-1].seconds

                mine, others = interleaved(ours, theirs, pairs)
    report.figure("daemon, audio seconds a second", said.seconds / median(mine))
    report.figure("batched pipeline alone, audio seconds a second", said.seconds / median(others))
    searching = median(run.searching / run.seconds for run in runs)
    report.figure("share of the pipeline's time that finds speech", searching)
    theirs_processor = median(run.processor for run in runs)
    report.figure("processor time, batched pipeline ÷ daemon", theirs_processor / median(processor))
    report.figure("daemon ÷ batched pipeline", median(others) / median(mine), limit=LIMIT, relation=">=")


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
