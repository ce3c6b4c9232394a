"""The same speech through both engines, in float32 on the CPU: equal texts and times, exact resumption with both.

Owns: 100 clips of one to three sentences in changing voices, a quarter of them in noise, half of them with a fitted
context, with word timestamps; and a file whose worker is killed at random moments. What each engine takes is noted:
torch's is there for accelerators that the other can't drive, not for this.
"""

import random
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from benchmarks import material
from benchmarks.exactness import CONFIG, await_final, kill_worker, transcribed_disturbed, transcript_of
from benchmarks.measure import Report, timed
from tests.harness import running_daemon
from tests.speech import SAMPLE_RATE, VOICES, Samples, noise, sentence, silence, synthesize, write_audio
from whisperd.frames import FULL_CONTEXT, Chunk, ChunkResult, DecodeOptions, Load
from whisperd.worker.ctranslate2_model import CTranslate2Model
from whisperd.worker.decoding import decode_chunks
from whisperd.worker.model import SpeechModel
from whisperd.worker.torch_model import TorchModel

MODEL = Path(__file__).resolve().parent.parent / "whisperd" / "data" / "test-en"
ENGINES = ("ctranslate2", "torch")
THREADS = 2
MATES = 4
"""Clips that are decoded together."""
FITTED = 1_600
"""Frames of a fitted context: longer than any of the clips that get it."""


def run(report: Report, *, quick: bool) -> None:
    clips, seconds, kills = (20, 120, 2) if quick else (100, 900, 20)
    _compare_clips(report, clips)
    with tempfile.TemporaryDirectory() as name:
        path = write_audio(Path(name) / "talk.m4a", material.talk(seconds, seed=23).samples)
        for engine in ENGINES:
            _compare_killed(report, engine, path, kills)


# -- clips ------------------------------------------------------------------------------------------------------------


def _compare_clips(report: Report, count: int) -> None:
    pairs = [_clip(seed) for seed in range(count)]
    call = Load(str(MODEL), device="cpu", compute_type="float32", threads=THREADS)
    first, second = CTranslate2Model(call, THREADS), TorchModel(call, THREADS)
    spoken = sum(len(samples) for _, samples in pairs) / SAMPLE_RATE
    results: list[list[ChunkResult]] = []
    for name, model in zip(ENGINES, (first, second), strict=True):
        results.append([])
        taken = timed(lambda model=model: results[-1].extend(_decoded(model, pairs)))
        report.note(f"{name}: {taken:.0f} s for {spoken:.0f} s of speech")
    expected, found = results
    different = sum(_said(ours) != _said(theirs) for ours, theirs in zip(found, expected, strict=True))
    report.figure(f"texts of {count} clips that differ", different, limit=0)
    apart = [
        max(abs(ours.start - theirs.start), abs(ours.end - theirs.end))
        for a, b in zip(found, expected, strict=True)
        if len(a.segments) == len(b.segments)
        for ours, theirs in zip(a.segments, b.segments, strict=True)
    ]
    report.figure(f"largest distance of {len(apart)} segments' times", max(apart), "s", limit=0.1)
    confidence = max(
        abs(ours.confidence - theirs.confidence)
        for a, b in zip(found, expected, strict=True)
        for ours, theirs in zip(a.segments, b.segments, strict=False)
    )
    report.figure("largest difference of segments' confidence", confidence, limit=0.01)


def _clip(seed: int) -> tuple[Chunk, Samples]:
    draw = random.Random(seed)
    parts = [silence(0.4)]
    for _ in range(draw.randint(1, 3)):
        speech = synthesize(sentence(draw), draw.choice(VOICES), draw.randint(135, 180))
        parts += [speech, silence(draw.uniform(0.2, 0.6))]
    samples = np.concatenate(parts)
    if seed % 4 == 3:
        samples = samples + noise(len(samples) / SAMPLE_RATE + 1, seed, 0.02)[: len(samples)]
    fitted = seed % (2 * MATES) < MATES and len(samples) < FITTED * SAMPLE_RATE // 100
    return Chunk(0, len(samples), FITTED if fitted else FULL_CONTEXT), samples


def _decoded(model: SpeechModel, pairs: list[tuple[Chunk, Samples]]) -> list[ChunkResult]:
    options = DecodeOptions(language="en", words=True)
    return [
        result for at in range(0, len(pairs), MATES) for result in decode_chunks(model, pairs[at : at + MATES], options)
    ]


def _said(result: ChunkResult) -> list[str]:
    return [segment.text for segment in result.segments]


# -- resumption -------------------------------------------------------------------------------------------------------


def _compare_killed(report: Report, engine: str, path: Path, kills: int) -> None:
    config = f'{CONFIG}[workers]\nbackend = "{engine}"\ndevice = "cpu"\ncompute_type = "float32"\n'
    with running_daemon(config=config) as daemon:
        texts: list[object] = []

        def transcribe() -> None:
            [job] = daemon.submit(path, options={"words": True})
            texts.append(transcript_of(daemon, await_final(daemon, job["id"])))

        alone = timed(transcribe)
        made, disturbed = transcribed_disturbed(daemon, path, kill_worker, kills, alone)
        different = sum(msgspec.json.encode(text) != msgspec.json.encode(texts[0]) for text in disturbed)
        report.figure(f"{engine}: worker killed {made} times, transcripts that differ", different, limit=0)
