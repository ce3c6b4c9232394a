"""A speech model that hears what a test tells it: one prepared answer for each decoding, in order.

Owns: the answers, and an account of what was asked (`calls`). It runs the real tokenizer; samples are their own
positions (`samples_of`), so that each call knows which part of the window it was given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import tokenizers
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from tests.integration.worker.child import MODEL
from whisperd.frames import SAMPLE_RATE, Chunk, Loaded, Task
from whisperd.worker.model import Alignment, Alternative, Encoded, Features, Hypothesis, Rung, Search

POSITIONS_A_SECOND = 50


@dataclass(frozen=True)
class Said:
    """What the model hears: words (with the spaces before them), each with its beginning in seconds of the part that
    is decoded, and where the last one ends."""

    words: tuple[tuple[str, float], ...] = ()
    end: float = 0.0
    logprob: float = -0.2
    no_speech: float = 0.0
    ended: bool = True
    others: tuple[tuple[str, float], ...] = ()


def said(
    text: str,
    start: float = 0.0,
    each: float = 0.4,
    *,
    logprob: float = -0.2,
    no_speech: float = 0.0,
    ended: bool = True,
    others: tuple[tuple[str, float], ...] = (),
) -> Said:
    """The words of a text, one every `each` seconds from `start` on; `others` are alternatives and what they have in
    place of this text's log probability."""
    words = tuple((f" {word}", start + n * each) for n, word in enumerate(text.split()))
    return Said(words, start + len(words) * each, logprob, no_speech, ended, others)


@dataclass(frozen=True)
class Call:
    """One window of a decoding: what of the first window's samples it was given, in seconds, and how."""

    start: float
    end: float
    context: int
    rung: Rung
    alternatives: bool


@dataclass(frozen=True)
class _Given:
    start: float
    end: float
    context: int


@dataclass(frozen=True)
class _Parts:
    parts: tuple[_Given, ...]

    def one(self, index: int) -> Encoded:
        return _Parts((self.parts[index],))


@dataclass
class ScriptedModel:
    """See `model.SpeechModel`."""

    script: list[Said]
    calls: list[Call] = field(default_factory=list[Call])
    _heard: dict[tuple[int, ...], Said] = field(default_factory=dict[tuple[int, ...], Said])

    def __post_init__(self) -> None:
        known = tokenizers.Tokenizer.from_file(f"{MODEL}/tokenizer.json")
        known.add_special_tokens([f"<|{code}|>" for code in ("en", "fr", "es", "ru", "zh")])
        self._known = known

    @property
    def loaded(self) -> Loaded:
        return Loaded("scripted", "ctranslate2", "cpu", "float32", 1, True, 0.0)

    @property
    def streams(self) -> int:
        return 1

    def tokenizer(self, language: str, task: Task) -> Tokenizer:
        return Tokenizer(self._known, True, task=task.value, language=language)

    def features(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        return np.array([[samples[0], samples[-1] + 1, frames]], np.float32)

    def encode(self, features: Features) -> Encoded:
        return _Parts(
            tuple(
                _Given(float(start) / SAMPLE_RATE, float(end) / SAMPLE_RATE, int(frames))
                for ((start, end, frames),) in features
            )
        )

    def generate(self, encoded: Encoded, prompts: Sequence[Sequence[int]], search: Search) -> list[Hypothesis]:
        assert isinstance(encoded, _Parts) and len(encoded.parts) == len(prompts)
        return [self._next(part, search) for part in encoded.parts]

    def align(self, encoded: Encoded, tokenizer: Tokenizer, tokens: list[int], frames: int) -> Alignment:
        heard = self._heard[tuple(tokens)]
        starts: list[int] = []
        for word, start in heard.words:
            starts += [round(start * POSITIONS_A_SECOND)] * len(tokenizer.encode(word))
        starts.append(round(heard.end * POSITIONS_A_SECOND))
        assert all(a <= b for a, b in pairwise(starts)) and starts[-1] <= frames / 2 + 1
        return Alignment(tuple(starts), (0.9,) * len(tokens))

    def language_probabilities(self, encoded: Encoded) -> list[dict[str, float]]:
        raise AssertionError("the language is given")

    def _next(self, part: _Given, search: Search) -> Hypothesis:
        self.calls.append(Call(part.start, part.end, part.context, search.rung, search.alternatives))
        heard = self.script.pop(0)
        tokens = tuple(token for word, _ in heard.words for token in self._known.encode(word).ids)
        self._heard[tokens] = heard
        others = tuple(
            Alternative(tuple(self._known.encode(text).ids), logprob * (len(tokens) + 1))
            for text, logprob in heard.others
        )
        return Hypothesis(tokens, heard.logprob, heard.no_speech, heard.ended, others)


def samples_of(chunk: Chunk) -> NDArray[np.float32]:
    """Each sample is its distance from the chunk's beginning, a whole number that is exact."""
    return np.arange(chunk.end - chunk.start, dtype=np.float32)
