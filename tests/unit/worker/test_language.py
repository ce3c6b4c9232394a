"""The language of some chunks together, by a model whose answers are given."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from whisperd.frames import Chunk
from whisperd.worker.decoding import detect_language
from whisperd.worker.model import SpeechModel


class Hearing:
    """Encodes a chunk as its first sample, and answers with what was prepared for it."""

    def __init__(self, answers: list[dict[str, float]], multilingual: bool = True) -> None:
        self.answers = answers
        self.loaded = SimpleNamespace(multilingual=multilingual)

    def features(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        return np.full((1, frames), samples[0], np.float32)

    def encode(self, features: NDArray[np.float32]) -> int:
        assert features.shape == (1, 1, 3000)
        return int(features[0, 0, 0])

    def language_probabilities(self, encoded: int) -> list[dict[str, float]]:
        return [self.answers[encoded]]


def heard(*answers: dict[str, float], multilingual: bool = True, allowed: tuple[str, ...] = ()) -> tuple[str, float]:
    chunks = [(Chunk(index, index + 1), np.full(1, index, np.float32)) for index in range(len(answers))]
    return detect_language(cast("SpeechModel", cast("Any", Hearing(list(answers), multilingual))), chunks, allowed)


def test_the_mean_over_the_chunks_decides() -> None:
    language, probability = heard({"de": 0.6, "en": 0.4}, {"de": 0.2, "en": 0.8}, {"nl": 0.6, "en": 0.3})
    assert (language, probability) == ("en", pytest.approx(0.5))


def test_an_english_model_is_not_asked() -> None:
    assert heard({"de": 1.0}, multilingual=False) == ("en", 1.0)


def test_a_language_that_is_not_allowed_is_never_the_answer() -> None:
    answers = [{"nl": 0.7, "en": 0.1, "de": 0.2}, {"nl": 0.8, "en": 0.15, "de": 0.05}]
    assert heard(*answers)[0] == "nl"
    assert heard(*answers, allowed=("en", "de"))[0] == "en"


def test_the_probability_is_that_among_the_allowed_languages() -> None:
    answers = [{"nl": 0.7, "en": 0.1, "de": 0.2}, {"nl": 0.8, "en": 0.15, "de": 0.05}]
    assert heard(*answers, allowed=("en", "de")) == ("en", pytest.approx((0.1 / 0.3 + 0.15 / 0.2) / 2, abs=1e-4))
    assert heard({"nl": 0.2, "en": 0.8}, allowed=("en",)) == ("en", 1.0)


def test_languages_that_the_model_does_not_know_are_passed_over() -> None:
    assert heard({"zh": 0.3, "en": 0.7}, allowed=("yue", "zh")) == ("zh", 1.0)
    assert heard({"zh": 0.3, "en": 0.7}, allowed=("yue",)) == ("yue", 0.0)
