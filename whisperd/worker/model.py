"""What decoding asks of a speech model, whichever library runs it.

Owns: the `SpeechModel` protocol and the plain values it speaks. Leaves to others: implementing it (`ctranslate2_model`,
`torch_model`) and everything that is done with its answers (`decoding`). Features are float32, shape
`(chunks, mels, frames)`.
"""

# pyright: reportMissingTypeStubs=false

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from whisperd.frames import Loaded, Task

Features = NDArray[np.float32]

POSITION_SECONDS: Final = 0.02
"""Seconds of one encoder position (two mel frames), the unit of alignments."""

MAX_LENGTH: Final = 448
"""Tokens of Whisper's decoder, prompt included; at most half of them are generated."""


@dataclass(frozen=True)
class Rung:
    """One way to decode: its repetition penalty (1: none) and the n-gram size that may not occur twice (0: any may)."""

    repetition_penalty: float
    no_repeat_ngram_size: int


@dataclass(frozen=True)
class Search:
    """How to generate: the tokens that may not occur, the beam, and whether the alternatives are wanted as well, which
    takes longer."""

    suppressed: tuple[int, ...]
    beam_size: int
    rung: Rung
    alternatives: bool = False


def longest_text(prompt: Sequence[int]) -> int:
    """Tokens of a text that ran into the limit."""
    return min(MAX_LENGTH // 2, MAX_LENGTH - len(prompt))


class Alternative(NamedTuple):
    """A sequence that came second or later, and the sum of its tokens' log probabilities, end token included."""

    tokens: tuple[int, ...]
    logprob: float


@dataclass(frozen=True)
class Hypothesis:
    """The best sequence found for a chunk; `ended` is false when it ran into the length limit.

    `alternatives` are the others that the beam search ended with, best first, where they were asked for; a greedy one
    has none.
    """

    tokens: tuple[int, ...]
    avg_logprob: float
    no_speech_prob: float
    ended: bool
    alternatives: tuple[Alternative, ...] = ()

    @property
    def logprob(self) -> float:
        """The sum of its tokens' log probabilities, end token included."""
        return self.avg_logprob * (len(self.tokens) + 1)


@dataclass(frozen=True)
class Alignment:
    """For each text token (end token included) the encoder position at which it begins, and each token's
    probability."""

    starts: tuple[int, ...]
    probabilities: tuple[float, ...]


class Encoded(Protocol):
    """The encoder's output for some chunks."""

    def one(self, index: int) -> "Encoded":
        """That of a single chunk."""
        ...


class SpeechModel(Protocol):
    """A loaded model. Every method may raise whatever its library raises; `failures` maps it."""

    @property
    def loaded(self) -> Loaded:
        """What the daemon is told about it."""
        ...

    @property
    def streams(self) -> int:
        """How many threads may call it at once with profit."""
        ...

    def tokenizer(self, language: str, task: Task) -> Tokenizer: ...

    def features(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        """Log-mel of one chunk, shape `(mels, frames)`: computed on the chunk alone, then cut or filled with zeros."""
        ...

    def encode(self, features: Features) -> Encoded: ...

    def generate(self, encoded: Encoded, prompts: Sequence[Sequence[int]], search: Search) -> list[Hypothesis]:
        """The best hypothesis for each of the encoded chunks, which begin with these prompts, all of one length.

        A prompt that ends with `<|notimestamps|>` is gone on with in text alone; others are not given.
        """
        ...

    def align(self, encoded: Encoded, tokenizer: Tokenizer, tokens: list[int], frames: int) -> Alignment:
        """When each of `tokens` (text only) was spoken in the first `frames` mel frames of a single chunk."""
        ...

    def language_probabilities(self, encoded: Encoded) -> list[dict[str, float]]:
        """For each chunk the probability of each language code."""
        ...
