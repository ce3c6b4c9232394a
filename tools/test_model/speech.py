"""Speech: turns sentences into a corpus of utterances.

Owns the choice of voices (which of them are trained on and which are kept out) and the corpus on disk: one file of
int16 samples (mono, 16 kHz, utterances end to end, silence at both ends trimmed) and one line of JSON per utterance,
with the phonemes and words the synthesizer says it spoke, and when. A corpus is a pure function of its seed and size,
and an interrupted one is continued. Sentences come from `text`, sound from `voices`; noise, gaps and tempo are
`augment`'s.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import accumulate
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.test_model.text import sentences, words
from tools.test_model.voices import RATE, Mark, Voice, speak

ACCENTS = words("en-us en en-gb-scotland en-gb-x-rp en-gb-x-gbclan en-gb-x-gbcwmd en-029 en-us-nyc")
VARIANTS = words("m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 Alex Andy Annie linda Michael steph max adam Denis")
FLITE = ["kal16", "slt", "awb"]
UNSEEN_VARIANTS = words("caleb benjamin gustave Hugo edward norbert shelby victor ed Andrea")
UNSEEN_FLITE = ["rms"]
FLITE_SHARE = 0.2
# Heard in training only: Festival's voices, all other variants of espeak-ng that are no relatives of those kept out
# (among them other sources of sound), and few voices made into many by pitch and vocal tract.
FESTIVAL = ["kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts"]
TRAINING_VARIANTS = words(
    "klatt klatt2 klatt3 klatt4 klatt5 klatt6 croak whisper whisperf Alicia AnxiousAndy Diogo Gene Gene2 Henrique "
    "Jacky Lee Marco Mario Mike Nguyen RicishayMax RicishayMax2 RicishayMax3 Storm Tweaky anika antonio aunty belinda "
    "boris david fast grandma grandpa iven iven2 iven3 iven4 john kaukovalta marcelo michel miguel pablo paul pedro "
    "quincy rob robert robosoft robosoft3 robosoft5 robosoft7 sandro steph2 steph3 travis zac"
)
TRAINING_VARIANTS_SHARE, TRAINING_FLITE_SHARE, TRAINING_FESTIVAL_SHARE = 0.2, 0.25, 0.35
TEST_SEED = 900_000
TEST_SIZE = 500


@dataclass(frozen=True)
class Utterance:
    """One spoken sentence: `start` and `length` in samples of the corpus file, marks in samples of the utterance.

    `phones` and `words` say what begins when; flite gives no words.
    """

    start: int
    length: int
    text: str
    voice: str
    phones: list[Mark]
    words: list[Mark]


@dataclass(frozen=True)
class Corpus:
    """A folder of utterances, read lazily."""

    folder: Path

    @cached_property
    def utterances(self) -> list[Utterance]:
        """All utterances in the order they were made."""
        with (self.folder / "utterances.jsonl").open(encoding="utf-8") as lines:
            return [Utterance(**json.loads(line)) for line in lines]

    @cached_property
    def samples(self) -> NDArray[np.int16]:
        """All samples, mapped from the file."""
        return np.memmap(self.folder / "audio.int16", dtype=np.int16, mode="r")

    def audio(self, utterance: Utterance) -> NDArray[np.float32]:
        """One utterance's samples: float32 in [-1, 1], mono, 16 kHz, shape (samples,)."""
        return self.samples[utterance.start : utterance.start + utterance.length].astype(np.float32) / 32768


@dataclass(frozen=True)
class Corpora:
    """Several folders of utterances as one; a folder that is named twice counts twice."""

    parts: tuple[Corpus, ...]

    @cached_property
    def _begins(self) -> list[int]:
        """Where each part's samples would begin, were they all in one file; the last is where they would end."""
        return [0, *accumulate(len(part.samples) for part in self.parts)]

    @cached_property
    def utterances(self) -> list[Utterance]:
        """All utterances, folder by folder."""
        return [
            replace(utterance, start=begin + utterance.start)
            for begin, part in zip(self._begins, self.parts, strict=False)
            for utterance in part.utterances
        ]

    def audio(self, utterance: Utterance) -> NDArray[np.float32]:
        """As `Corpus.audio`, for one of these utterances."""
        index = bisect_right(self._begins, utterance.start) - 1
        return self.parts[index].audio(replace(utterance, start=utterance.start - self._begins[index]))


def any_voice(draw: random.Random, *, unseen: bool = False) -> Voice:
    """A random voice: one that is trained on, or with `unseen` one that is kept out of training."""
    if draw.random() < FLITE_SHARE:
        return Voice("flite", draw.choice(UNSEEN_FLITE if unseen else FLITE), stretch=round(draw.uniform(0.88, 1.2), 2))
    return espeak_voice(draw, UNSEEN_VARIANTS if unseen else VARIANTS)


def espeak_voice(draw: random.Random, variants: list[str]) -> Voice:
    """A random accent with one of `variants`."""
    name = f"{draw.choice(ACCENTS)}+{draw.choice(variants)}"
    return Voice("espeak", name, speed=draw.randint(125, 195), pitch=draw.randint(25, 75))


def training_voice(draw: random.Random) -> Voice:
    """A random voice to train on: of more kinds than the ones that are tested as known."""
    kind = draw.random()
    if kind < TRAINING_FLITE_SHARE + TRAINING_FESTIVAL_SHARE:
        engine, names = ("flite", FLITE) if kind < TRAINING_FLITE_SHARE else ("festival", FESTIVAL)
        voice = Voice(engine, draw.choice(names), stretch=round(draw.uniform(0.8, 1.4), 2))
        if draw.random() < 0.2:
            return voice
        return replace(voice, hertz=draw.randint(70, 240), tract=round(draw.uniform(0.78, 1.25), 2))
    rare = kind < TRAINING_FLITE_SHARE + TRAINING_FESTIVAL_SHARE + TRAINING_VARIANTS_SHARE
    return espeak_voice(draw, TRAINING_VARIANTS if rare else VARIANTS)


def test_texts() -> frozenset[str]:
    """The sentences of the test sets, which no training corpus may hold."""
    return frozenset(
        text for offset in (0, 1) for text in sentences(TEST_SEED + offset, TEST_SIZE, least_words=3)
    )  # fmt: skip


def plan(seed: int, count: int, *, test: bool = False, unseen: bool = False) -> Iterator[tuple[str, Voice]]:
    """`count` sentences with a voice each; `test` plans a test set, all else keeps clear of the test sentences."""
    texts = sentences(seed, count, least_words=3) if test else sentences(seed, count, without=test_texts())
    draw = random.Random(seed + 7)
    for text in texts:
        yield text, any_voice(draw, unseen=unseen) if test else training_voice(draw)


def _spoken(task: tuple[str, Voice]) -> tuple[Utterance, bytes]:
    text, voice = task
    speech = speak(text, voice)
    level = max(1e-4, float(np.abs(speech.samples).max(initial=0)))
    samples = (speech.samples * (0.7 / level) * 32767).astype(np.int16)
    return Utterance(
        0, len(samples), text, f"{voice.engine}:{voice.name}", speech.phones, speech.words
    ), samples.tobytes()


def synthesize(folder: Path, tasks: list[tuple[str, Voice]], *, processes: int | None = None) -> Corpus:
    """Speaks `tasks` into a corpus at `folder`, continuing what an interrupted call left there."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(folder)
    index, audio = folder / "utterances.jsonl", folder / "audio.int16"
    done = corpus.utterances if index.exists() else []
    corpus.__dict__.pop("utterances", None)
    position = done[-1].start + done[-1].length if done else 0
    with (
        index.open("a", encoding="utf-8") as lines,
        audio.open("ab") as samples,
        Pool(processes or os.cpu_count()) as pool,
    ):
        samples.truncate(position * 2)
        for utterance, spoken in pool.imap(_spoken, tasks[len(done) :], chunksize=16):
            # The samples first: a line in the index says that its samples are there.
            samples.write(spoken)
            samples.flush()
            lines.write(json.dumps(asdict(replace(utterance, start=position))) + "\n")
            lines.flush()
            position += utterance.length
    return corpus


def test_sets(folder: Path, *, size: int = TEST_SIZE) -> dict[str, Corpus]:
    """The two test sets under `folder`, made if need be: sentences never trained on, in known and in unseen voices."""
    return {
        "known": synthesize(folder / "test-known", list(plan(TEST_SEED, TEST_SIZE, test=True))[:size]),
        "unseen": synthesize(
            folder / "test-unseen", list(plan(TEST_SEED + 1, TEST_SIZE, test=True, unseen=True))[:size]
        ),
    }


def main() -> None:
    """Command line: makes the training corpus and both test sets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="where the corpus goes (outside the repository)")
    parser.add_argument("--count", type=int, default=36_000, help="training utterances (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--test-size", type=int, default=TEST_SIZE)
    arguments = parser.parse_args()
    test_sets(arguments.folder, size=arguments.test_size)
    corpus = synthesize(arguments.folder / "train", list(plan(arguments.seed, arguments.count)))
    hours = sum(utterance.length for utterance in corpus.utterances) / RATE / 3600
    print(f"{len(corpus.utterances)} utterances, {hours:.1f} h")


if __name__ == "__main__":
    main()
