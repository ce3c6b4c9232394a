"""Evaluation: how well a model hears sentences it was never shown.

Owns the test material (single sentences, windows of several, noise without speech), the measures (word error rate,
error of segment times, words made from nothing) and the two ways to listen: unmodified faster-whisper, and whisperd's
own worker (speech detection, packing, decoding). An engine is a function from samples to segments, so another one is
a line.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from tools.test_model.augment import noise
from tools.test_model.speech import Corpus, test_sets
from tools.test_model.voices import RATE
from whisperd.frames import AudioContext, DecodeOptions, Load
from whisperd.worker.ctranslate2_model import CTranslate2Model
from whisperd.worker.decoding import decode_chunks
from whisperd.worker.packing import pack, split_long
from whisperd.worker.speech import find_speech, quietest

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Said:
    """What was said, or heard, from `start` to `end` in seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Clip:
    """Samples (float32, mono, 16 kHz) and the sentences in them."""

    samples: Samples
    said: tuple[Said, ...]


Engine = Callable[[Samples], list[Said]]


def reference_engine(folder: Path, *, detect_speech: bool = False, threads: int = 0) -> Engine:
    """faster-whisper as its users call it, with beam 5 and no fallback to sampling."""
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)

    def listen(samples: Samples) -> list[Said]:
        segments, _ = model.transcribe(samples, beam_size=5, temperature=0.0, vad_filter=detect_speech)
        return [Said(segment.start, segment.end, segment.text) for segment in segments]

    return listen


def pipeline_engine(folder: Path, context: AudioContext, *, threads: int = 0) -> Engine:
    """whisperd's worker: speech detection, packing into chunks, decoding with the fallback ladder."""
    model = CTranslate2Model(Load(str(folder), compute_type="int8"), threads)
    options = DecodeOptions("en")

    def listen(samples: Samples) -> list[Said]:
        speech = split_long(find_speech(samples), lambda start, end: quietest(samples, start, end))
        chunks = pack(speech, 0, len(samples), context)
        results = decode_chunks(model, [(chunk, samples[chunk.start : chunk.end]) for chunk in chunks], options)
        return [Said(segment.start, segment.end, segment.text) for result in results for segment in result.segments]

    return listen


def sentences(corpus: Corpus, count: int, synthesizer: str = "") -> Iterator[Clip]:
    """Those of the first `count` utterances that `synthesizer` spoke, each with a little silence around it."""
    for utterance in corpus.utterances[:count]:
        if not utterance.voice.startswith(synthesizer):
            continue
        around = np.zeros(RATE // 4, np.float32)
        samples = np.concatenate([around, corpus.audio(utterance), around])
        yield Clip(samples, (Said(0.25, 0.25 + utterance.length / RATE, utterance.text),))


def windows(corpus: Corpus, seconds: float, count: int, seed: int = 1) -> Iterator[Clip]:
    """Windows of at most `seconds` with as many sentences of `corpus` as fit, in order, `count` sentences in all.

    Pauses are 0.3 to 1.5 s of faint noise, as between the sentences of a speaker.
    """
    draw = random.Random(seed)
    pieces, said, position = list[Samples](), list[Said](), 0.0
    for utterance in corpus.utterances[:count]:
        length = utterance.length / RATE
        if said and position + length > seconds:
            yield _window(pieces, said, seed)
            pieces, said, position = [], [], 0.0
        pause = int(draw.uniform(0.3, 1.5) * RATE)
        pieces += [corpus.audio(utterance), np.zeros(pause, np.float32)]
        said.append(Said(position, position + length, utterance.text))
        position += length + pause / RATE
    yield _window(pieces, said, seed)


def _window(pieces: list[Samples], said: list[Said], seed: int) -> Clip:
    samples = np.concatenate(pieces)
    hiss = noise(len(samples), np.random.default_rng((seed, len(samples))))
    return Clip((samples + 0.001 * hiss).astype(np.float32), tuple(said))


def word_errors(said: list[str], heard: list[str]) -> int:
    """Least number of words to replace, insert and delete to make `said` of `heard` (Levenshtein's distance)."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(said, 1):
        corner, row[0] = row[0], index
        for column, other in enumerate(heard, 1):
            corner, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, corner + (word != other))
    return row[-1]


def time_errors(said: Iterable[Said], heard: list[Said]) -> list[float]:
    """Seconds between the true start and end of each sentence and those of the segment that overlaps it most."""
    errors = list[float]()
    for truth in said:
        overlaps = [min(truth.end, part.end) - max(truth.start, part.start) for part in heard]
        if overlaps and max(overlaps) > 0:
            nearest = heard[int(np.argmax(overlaps))]
            errors += [abs(nearest.start - truth.start), abs(nearest.end - truth.end)]
    return errors


@dataclass(frozen=True)
class Figures:
    """`word_error_rate` in per cent, `time_error` the mean in seconds, `seconds` what listening took in all."""

    words: int
    word_error_rate: float
    time_error: float
    seconds: float
    mistakes: list[tuple[str, str]]


def measure(engine: Engine, clips: Iterable[Clip]) -> Figures:
    """Listens to all clips and compares."""
    words, errors, times, mistakes = 0, 0, list[float](), list[tuple[str, str]]()
    begin = time.perf_counter()
    for clip in clips:
        heard = engine(clip.samples)
        truth, text = " ".join(part.text for part in clip.said), " ".join(" ".join(part.text for part in heard).split())
        wrong = word_errors(truth.split(), text.split())
        if wrong:
            mistakes.append((truth, text))
        words, errors = words + len(truth.split()), errors + wrong
        times += time_errors(clip.said, heard)
    took = time.perf_counter() - begin
    return Figures(words, 100 * errors / max(1, words), float(np.mean(times)) if times else 0.0, took, mistakes)


def nothing(minutes: float, seed: int = 5) -> Iterator[Samples]:
    """`minutes` of half-minutes without speech: noises of many colours and levels, and digital silence."""
    draw = np.random.default_rng(seed)
    for index in range(round(minutes * 2)):
        level = 0.0 if index % 10 == 9 else 10 ** float(draw.uniform(-3.5, -0.8))
        yield (noise(30 * RATE, draw) * np.float32(level)).clip(-1, 1)


def words_from_nothing(engine: Engine, minutes: float) -> int:
    """Words heard where nobody speaks."""
    return sum(len(part.text.split()) for samples in nothing(minutes) for part in engine(samples))


def main() -> None:
    """Command line: measures a model folder through both engines and prints (and writes) the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", type=Path, help="folder laid out as the shipped one")
    parser.add_argument("corpus", type=Path, help="folder for the test sets, which are made if they are not there")
    parser.add_argument("--sentences", type=int, default=500, help="of each set (default: %(default)s)")
    parser.add_argument("--noise-minutes", type=float, default=10)
    parser.add_argument("--engines", nargs="*", default=["faster-whisper", "pipeline-full", "pipeline-fit"])
    parser.add_argument(
        "--sets", nargs="*", default=["known", "unseen", "unseen, espeak-ng", "unseen, flite", "8 s", "28 s"]
    )
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--mistakes", type=int, default=0, metavar="COUNT", help="show some of the mistakes")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    corpora = test_sets(arguments.corpus, size=arguments.sentences)
    makers: dict[str, Callable[[], Engine]] = {
        "faster-whisper": lambda: reference_engine(arguments.model, threads=arguments.threads),
        "pipeline-full": lambda: pipeline_engine(arguments.model, AudioContext.FULL, threads=arguments.threads),
        "pipeline-fit": lambda: pipeline_engine(arguments.model, AudioContext.FIT, threads=arguments.threads),
    }
    material: dict[str, Callable[[], Iterator[Clip]]] = {
        "known": lambda: sentences(corpora["known"], arguments.sentences),
        "unseen": lambda: sentences(corpora["unseen"], arguments.sentences),
        "unseen, espeak-ng": lambda: sentences(corpora["unseen"], arguments.sentences, "espeak"),
        "unseen, flite": lambda: sentences(corpora["unseen"], arguments.sentences, "flite"),
        "8 s": lambda: windows(corpora["known"], 8, arguments.sentences),
        "28 s": lambda: windows(corpora["known"], 28, arguments.sentences),
    }
    found = dict[str, dict[str, float]]()
    for name in arguments.engines:
        engine = makers[name]()
        for kind in arguments.sets:
            figures = measure(engine, material[kind]())
            print(f"{name}, {kind}: word error rate {figures.word_error_rate:.2f} % of {figures.words} words, "
                  f"segment times {figures.time_error:.3f} s off, {figures.seconds:.0f} s", flush=True)  # fmt: skip
            for truth, heard in figures.mistakes[: arguments.mistakes]:
                print(f"    said  {truth}\n    heard {heard}")
            found[f"{name}, {kind}"] = {
                "word_error_rate": round(figures.word_error_rate, 2), "time_error": round(figures.time_error, 3)
            }  # fmt: skip
        if arguments.noise_minutes:
            if name == "faster-whisper":
                engine = reference_engine(arguments.model, detect_speech=True, threads=arguments.threads)
            count = words_from_nothing(engine, arguments.noise_minutes)
            print(f"{name}, {arguments.noise_minutes:g} min of noise and silence, with speech detection: {count} words")
            found[f"{name}, noise"] = {"words": count}
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
