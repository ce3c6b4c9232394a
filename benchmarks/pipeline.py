"""faster-whisper's batched pipeline in a process of its own, so that it is scheduled just as the daemon's worker is.

Started by `throughput` as `python -m benchmarks.pipeline`, in a session of its own with the worker's priorities. Its
first line of standard input is a `Task` as JSON; for each further line it transcribes the file once and prints a `Run`.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from faster_whisper import BatchedInferencePipeline, WhisperModel, decode_audio
from faster_whisper.vad import VadOptions, get_speech_timestamps

from tests.speech import SAMPLE_RATE
from whisperd.lifeline import yield_to_others


@dataclass(frozen=True)
class Task:
    """What is to be transcribed, and with what. `chunks` are samples `[start, end)`."""

    model: str
    path: str
    chunks: list[tuple[int, int]]
    batch_size: int
    beam_size: int
    threads: int
    nice: int


@dataclass(frozen=True)
class Run:
    """Seconds of a whole run, the part of them that went into finding speech, and processor seconds of it all."""

    seconds: float
    searching: float
    processor: float


def main() -> None:
    task = Task(**json.loads(sys.stdin.readline()))
    yield_to_others(task.nice)
    model = WhisperModel(task.model, device="cpu", compute_type="int8", cpu_threads=task.threads)
    pipeline = BatchedInferencePipeline(model)
    for _ in sys.stdin:
        print(json.dumps(asdict(_transcribe(pipeline, task))), flush=True)


def _transcribe(pipeline: BatchedInferencePipeline, task: Task) -> Run:
    # The pipeline makes samples of seconds by rounding down: half a sample more makes them the very same.
    clips: Any = [
        {"start": (start + 0.5) / SAMPLE_RATE, "end": (end + 0.5) / SAMPLE_RATE} for start, end in task.chunks
    ]
    begin, processor = time.perf_counter(), time.process_time()
    audio: Any = decode_audio(task.path)
    decoded = time.perf_counter()
    get_speech_timestamps(audio, VadOptions(max_speech_duration_s=30, min_silence_duration_ms=160))
    found = time.perf_counter()
    segments, _ = pipeline.transcribe(
        audio,
        language="en",
        beam_size=task.beam_size,
        batch_size=task.batch_size,
        clip_timestamps=clips,
        temperature=[0.0],
        without_timestamps=False,
    )
    for _ in segments:
        pass
    return Run(time.perf_counter() - begin, found - decoded, time.process_time() - processor)


if __name__ == "__main__":
    main()
