"""File throughput of the daemon against faster-whisper's batched pipeline alone.

Both read the same FLAC from disk with a loaded model of `base`'s cost, find speech, and decode the very same chunks in
batches of the same size with the same beam, threads and precision, with timestamps and without fallback. The daemon's
time is from the job's start to its end as its rows tell it, storing of every batch included.

The chunks are those that the daemon has stored; the pipeline is given them as `clip_timestamps`, which makes it skip its
own search for speech, so that is run before. Whether the daemon's fallback ladder was climbed is told: that time counts
against it.
"""

import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from faster_whisper import BatchedInferencePipeline, WhisperModel, decode_audio
from faster_whisper.vad import VadOptions, get_speech_timestamps

from benchmarks.jobs import completed, stored_batch_size, stored_chunks, stored_results
from benchmarks.material import dictation, talk
from benchmarks.measure import Report, interleaved, median
from tests.harness import Daemon, running_daemon
from tests.speech import SAMPLE_RATE, write_audio
from tools.test_model.widen import widened
from whisperd.frames import Chunk
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
        with running_daemon(model=str(folder)) as daemon:
            plan = _job(daemon, path)  # also calibrates the batch size
            chunks = [chunk for block in stored_chunks(daemon.database, plan["id"]) for chunk in block]
            batch_size = stored_batch_size(daemon.database, plan["id"])
            again = sum(result.attempts - 1 for result in stored_results(daemon.database, plan["id"]))
            report.note(
                f"{said.seconds / 60:.0f} min, {len(chunks)} chunks, batches of {batch_size}, {usable_cores()} threads"
            )
            report.note(f"{again} decodings by the daemon's fallback ladder")
            pipeline = _Pipeline(folder, path, chunks, batch_size)

            def ours() -> float:
                _job(daemon, warming)  # the worker ends when idle: a short job has it loaded again
                return _seconds(_job(daemon, path))

            mine, theirs = interleaved(ours, pipeline.seconds, pairs)
    report.figure("daemon, audio seconds a second", said.seconds / median(mine))
    report.figure("batched pipeline alone, audio seconds a second", said.seconds / median(theirs))
    report.figure("share of the pipeline's time that finds speech", median(pipeline.searching) / median(theirs))
    report.figure("daemon ÷ batched pipeline", median(theirs) / median(mine), limit=LIMIT, relation=">=")


def _job(daemon: Daemon, path: Path) -> dict[str, Any]:
    return completed(daemon, path, language="en", beam_size=BEAM)


def _seconds(job: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(job[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


class _Pipeline:
    """faster-whisper's batched pipeline with a loaded model, given the daemon's chunks."""

    def __init__(self, model: Path, path: Path, chunks: list[Chunk], batch_size: int) -> None:
        loaded = WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=usable_cores())
        self._pipeline = BatchedInferencePipeline(loaded)
        self._path = path
        self._batch_size = batch_size
        # It makes samples of seconds by rounding down: half a sample more makes them the very same.
        self._clips: Any = [
            {"start": (chunk.start + 0.5) / SAMPLE_RATE, "end": (chunk.end + 0.5) / SAMPLE_RATE} for chunk in chunks
        ]
        self.searching: list[float] = []

    def seconds(self) -> float:
        begin = time.perf_counter()
        audio = decode_audio(str(self._path))
        searching = time.perf_counter()
        get_speech_timestamps(audio, VadOptions(max_speech_duration_s=30, min_silence_duration_ms=160))
        self.searching.append(time.perf_counter() - searching)
        segments, _ = self._pipeline.transcribe(
            audio, language="en", beam_size=BEAM, batch_size=self._batch_size, clip_timestamps=self._clips,
            temperature=[0.0], without_timestamps=False,
        )  # fmt: skip
        for _ in segments:
            pass
        return time.perf_counter() - begin
