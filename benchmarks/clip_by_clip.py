"""faster-whisper over many clips one after the other, in a process of its own, scheduled as the daemon's worker is.

Started by `batches` as `python -m benchmarks.clip_by_clip`. Its first line of standard input is a `Task` as JSON; for
each further line, `alone` or `batched`, it transcribes all clips that way and prints the seconds that took.
"""

import json
import sys
import time
from dataclasses import dataclass

from faster_whisper import BatchedInferencePipeline, WhisperModel

from whisperd.lifeline import yield_to_others


@dataclass(frozen=True)
class Task:
    """The clips, and what they are transcribed with."""

    model: str
    paths: list[str]
    beam_size: int
    threads: int
    nice: int


def main() -> None:
    task = Task(**json.loads(sys.stdin.readline()))
    yield_to_others(task.nice)
    model = WhisperModel(task.model, device="cpu", compute_type="int8", cpu_threads=task.threads)
    sides = {"alone": model, "batched": BatchedInferencePipeline(model)}
    for line in sys.stdin:
        side = sides[line.strip()]
        begin = time.perf_counter()
        for path in task.paths:
            segments, _ = side.transcribe(path, language="en", beam_size=task.beam_size)
            for _ in segments:
                pass
        print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main()
