"""A batch of short clips against the same clips one after the other through faster-whisper, both of its ways.

All sides read the same WAV files from disk with a loaded model of `base`'s and of `small`'s cost, the same beam,
threads, precision and priority. Ours is the time from the batch's start to its end as its rows tell it, storing of
every result included; the batch before it is not timed: it has the worker loaded and the sizes of shared decoding
batches learned, as they stay on a machine. The sides take turns in beginning a round, and are compared within each,
so that a machine that becomes slower meets all of them. Every text is compared with that of the same clip decoded
alone.
"""

import itertools
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clip_by_clip import Task
from benchmarks.jobs import all_completed, seconds_taken
from benchmarks.measure import Report, median
from benchmarks.rival import rival
from tests.harness import Daemon, running_daemon
from tests.speech import SAMPLE_RATE, VOICES, Samples, sentence, silence, synthesize, write_audio
from tools.test_model.widen import widened
from whisperd.lanes import BACKGROUND_NICE
from whisperd.worker.cores import usable_cores

BEAM = 5
CONCURRENCY = 8
RIVALS = ("alone", "batched")
LIMITS = {"full": 1.0, "fit": 2.0}


def run(report: Report, *, quick: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as name:
        paths = _clips(Path(name), 16 if quick else 100)
        for shape in ("base",) if quick else ("base", "small"):
            _compare(report, shape, paths, 1 if quick else 3)


def _clips(folder: Path, count: int) -> list[Path]:
    """Clips of 2 to 10 s of speech, spread evenly over these lengths."""
    draw = random.Random(41)
    return [
        write_audio(folder / f"clip-{number:03}.wav", _clip(draw, 2 + 8 * number / max(1, count - 1)))
        for number in range(count)
    ]


def _clip(draw: random.Random, seconds: float) -> Samples:
    parts: list[Samples] = [silence(0.2)]
    while sum(map(len, parts)) < (seconds - 1) * SAMPLE_RATE:
        parts += [synthesize(sentence(draw), draw.choice(VOICES), draw.randint(135, 180)), silence(0.3)]
    return np.concatenate(parts)[: int(seconds * SAMPLE_RATE)]


def _compare(report: Report, shape: Any, paths: Sequence[Path], rounds: int) -> None:
    model = str(widened(shape))
    task = Task(model, [str(path) for path in paths], BEAM, usable_cores(), BACKGROUND_NICE)
    sides = (*RIVALS, *LIMITS)
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    with running_daemon(model=model) as daemon, rival("benchmarks.clip_by_clip", task) as ask:
        numbers = itertools.count()
        for context in LIMITS:
            _batch(daemon, paths, context, next(numbers))
        items: dict[str, list[int]] = {}
        for turn in range(rounds):
            for side in (*sides[turn % len(sides) :], *sides[: turn % len(sides)]):
                if side in RIVALS:
                    seconds[side].append(float(ask(side)))
                else:
                    items[side], taken = _batch(daemon, paths, side, next(numbers))
                    seconds[side].append(taken)
        for context in LIMITS:
            different = _different(daemon, paths, context, items[context])
            report.figure(f"{shape}, {context}: texts unlike the one decoded alone", different, limit=0)
    _tell(report, shape, {side: [len(paths) / taken for taken in found] for side, found in seconds.items()})


def _tell(report: Report, shape: str, speeds: dict[str, list[float]]) -> None:
    """`speeds`: clips a second of each round."""
    for side in RIVALS:
        report.figure(f"{shape}: faster-whisper {side}, clips a second, median", median(speeds[side]))
    best = [max(both) for both in zip(*(speeds[side] for side in RIVALS), strict=True)]
    for context, limit in LIMITS.items():
        report.figure(f"{shape}, {context}: batch, clips a second, median", median(speeds[context]))
        ratio = median([ours / theirs for ours, theirs in zip(speeds[context], best, strict=True)])
        name = f"{shape}, {context}: batch ÷ better of both, median of the rounds"
        report.figure(name, ratio, limit=limit, relation=">=")


def _batch(daemon: Daemon, paths: Sequence[Path], context: str, number: int) -> tuple[list[int], float]:
    """Transcribe the clips as a batch; its items, and the seconds from its start to its end."""
    options = {"language": "en", "beam_size": BEAM, "audio_context": context}
    files = [{"path": str(path)} for path in paths]
    name = f"clips {number}"
    daemon.call("batch.create", name=name, files=files, options=options, concurrency=CONCURRENCY, start=True)
    items = [item["id"] for item in daemon.call("batch.show", id=name, limit=len(paths))["items"]]
    all_completed(daemon, items)
    batch = daemon.call("batch.show", id=name, limit=1)["batch"]
    return items, seconds_taken(batch)


def _different(daemon: Daemon, paths: Sequence[Path], context: str, items: Sequence[int]) -> int:
    options = {"language": "en", "beam_size": BEAM, "audio_context": context}
    singly = [job["id"] for job in daemon.submit(*paths, options=options)]
    all_completed(daemon, singly)
    return sum(_text(daemon, a) != _text(daemon, b) for a, b in zip(singly, items, strict=True))


def _text(daemon: Daemon, job: int) -> dict[str, Any]:
    transcript = daemon.call("job.text", id=job)["transcript"]
    del transcript["processing_time"]
    return transcript
