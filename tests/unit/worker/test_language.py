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


def heard(*answers: dict[str, float], multilingual: bool = True) -> tuple[str, float]:
    chunks = [(Chunk(index, index + 1), np.full(1, index, np.float32)) for index in range(len(answers))]
    return detect_language(cast("SpeechModel", cast("Any", Hearing(list(answers), multilingual))), chunks)


def test_the_mean_over_the_chunks_decides() -> None:
    language, probability = heard({"de": 0.6, "en": 0.4}, {"de": 0.2, "en": 0.8}, {"nl": 0.6, "en": 0.3})
    assert (language, probability) == ("en", pytest.approx(0.5))


def test_an_english_model_is_not_asked() -> None:
    assert heard({"de": 1.0}, multilingual=False) == ("en", 1.0)
