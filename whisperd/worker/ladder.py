"""The fallback ladder: when a result is doubted or was a close call, how it is decoded again, and which one is kept.
Pure.

Nothing is sampled: a temperature would make a resumed job differ from an undisturbed one (CTranslate2's random seed
acts once a thread). The thresholds are the reference implementation's.
"""

import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from whisperd.worker.model import Hypothesis, Rung

PLAIN: Final = Rung(1.0, 0)
"""How everything is decoded first."""

LADDER: Final = (Rung(1.1, 0), Rung(1.2, 5), Rung(1.4, 3))
"""Then, in order: discourage repetition, forbid repeating five tokens, forbid three. Speech repeats itself too, so the
mildest remedy comes first."""

COMPRESSION_RATIO: Final = 2.4
AVG_LOGPROB: Final = -1.0
NO_SPEECH: Final = 0.6
"""The reference implementation's thresholds: more repetitive, less probable, and rather silence."""

CLOSE_CALL: Final = 1.0
"""Log odds under which other words were nearly as probable: less than e (2.7) to 1. Of 1,000 dictations of 2 to 5 s
by the test model, 9 said other words in fitted than in full context; 7 of these and 14 more come this near."""

_CHARACTERS_A_SECOND: Final = 40
_CHARACTERS_AT_LEAST: Final = 20
"""Text longer than this is not speech: the fastest speakers reach about 25 characters a second."""


@dataclass(frozen=True)
class Attempt:
    """One decoding of a chunk of `duration` seconds."""

    hypothesis: Hypothesis
    text: str
    duration: float

    @property
    def compression_ratio(self) -> float:
        return compression_ratio(self.text)


def compression_ratio(text: str) -> float:
    """How much zlib shortens the text: repetition shows as a high ratio (the reference implementation's measure)."""
    data = text.strip().encode()
    return len(data) / len(zlib.compress(data))


def is_silence(attempt: Attempt) -> bool:
    """The model thinks that nobody speaks, and is not sure of what it wrote."""
    return attempt.hypothesis.no_speech_prob > NO_SPEECH and attempt.hypothesis.avg_logprob < AVG_LOGPROB


def is_doubtful(attempt: Attempt) -> bool:
    """Too repetitive, too improbable, without an end, or longer than speech can be; silence is none of these."""
    if is_silence(attempt):
        return False
    return (
        attempt.compression_ratio > COMPRESSION_RATIO
        or attempt.hypothesis.avg_logprob < AVG_LOGPROB
        or not attempt.hypothesis.ended
        or len(attempt.text) > _CHARACTERS_AT_LEAST + _CHARACTERS_A_SECOND * attempt.duration
    )


def is_close_call(text: str, logprob: float, others: Iterable[tuple[str, float]]) -> bool:
    """Whether one of the `others` says other words and is nearly as probable; each comes with its log probability.

    Case, punctuation and spaces make no other words.
    """
    words = _bare(text)
    return any(logprob - other < CLOSE_CALL and _bare(said) != words for said, other in others)


def _bare(text: str) -> str:
    """Letters, marks and digits alone: with marks, since they are the vowels of many scripts."""
    return "".join(character for character in text.casefold() if unicodedata.category(character)[0] in "LMN")


def best(attempts: Sequence[Attempt]) -> Attempt:
    """The first that is not doubtful; otherwise, of those that are not repetitive and came to an end if any, the most
    probable; the earliest of equals."""
    for attempt in attempts:
        if not is_doubtful(attempt):
            return attempt
    sound = [a for a in attempts if a.compression_ratio <= COMPRESSION_RATIO and a.hypothesis.ended]
    return max(sound or attempts, key=lambda attempt: attempt.hypothesis.avg_logprob)
