"""The fallback ladder: when a decoding is doubted or was a close call, how it is done again, and which is kept. Pure.

Nothing is sampled: a temperature would make a resumed job differ from an undisturbed one (CTranslate2's random seed
acts once a thread). Speech repeats itself too, in menus, numbers and songs. So repetition alone condemns nothing: what
is repeated is decoded again in parts, and what the parts repeat as well was said.
"""

import math
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from whisperd.worker.audit import bare
from whisperd.worker.model import Hypothesis, Rung
from whisperd.worker.words import TimedWord

PLAIN: Final = Rung(1.0, 0)
"""How everything is decoded first."""

LADDER: Final = (Rung(1.1, 0), Rung(1.2, 5), Rung(1.4, 3))
"""Then, in order: discourage repetition, forbid repeating five tokens, forbid three."""

AVG_LOGPROB: Final = -1.0
NO_SPEECH: Final = 0.6
"""The reference implementation's thresholds: less probable than this, and rather silence."""

CLOSE_CALL: Final = 1.0
"""Log odds under which other words were nearly as probable: less than e (2.7) to 1. Of 1,000 dictations of 2 to 5 s
by the test model, 9 said other words in fitted than in full context; 7 of these and 14 more come this near."""

COVERAGE: Final = 0.8
"""Share of a window's speech that has words under which the rest is not filled in: the model has ended early or left
out sentences, and is the surer of itself the less there is."""

REPEATS: Final = 4
"""Times in a row from which a repetition is looked into. The reference implementation goes by how well UTF-8 bytes
compress, which takes a menu in Cyrillic for a loop."""

_BELIEVABLE: Final = -1.15
"""Mean of the logarithms of the words' probabilities from which what a second look finds is kept (a third). Of `base`,
what was said had -1.1 and more, what was not -1.2 and less."""

_SHORTEST_LOOP: Final = 12
"""Letters of a repetition that is looked into: 0000 is none."""

_MONOTONOUS: Final = 0.5
"""Different words for each word up to which a text repeats itself: sentences of one's own have 0.7 and more in half a
minute."""

_CHARACTERS_A_SECOND: Final = 40
_CHARACTERS_AT_LEAST: Final = 20
"""Text longer than this is not speech: the fastest speakers reach about 25 characters a second."""

_LOOP: Final = re.compile(r"(.{1,120}?)\1{" + str(REPEATS - 1) + r",}", re.DOTALL)


@dataclass(frozen=True)
class Attempt:
    """One decoding of a window of `duration` seconds.

    `coverage` is the share of its speech that has words, `words` carry their probabilities by the plain model.
    """

    hypothesis: Hypothesis
    text: str
    duration: float
    words: tuple[TimedWord, ...] = ()
    coverage: float = 1.0


def compression_ratio(text: str) -> float:
    """How much zlib shortens the text: repetition shows as a high ratio (the reference implementation's measure)."""
    data = text.strip().encode()
    return len(data) / len(zlib.compress(data))


def is_silence(attempt: Attempt) -> bool:
    """The model thinks that nobody speaks, and is not sure of what it wrote."""
    return attempt.hypothesis.no_speech_prob > NO_SPEECH and attempt.hypothesis.avg_logprob < AVG_LOGPROB


def is_repetitive(text: str) -> bool:
    """Whether something is said REPEATS times in a row, in any script."""
    return any(len(loop.group()) >= _SHORTEST_LOOP for loop in _LOOP.finditer(bare(text)))


def is_too_long(attempt: Attempt) -> bool:
    """Whether nobody could have said so much."""
    return len(attempt.text) > _CHARACTERS_AT_LEAST + _CHARACTERS_A_SECOND * attempt.duration


def is_doubtful(attempt: Attempt) -> bool:
    """Too repetitive, too improbable, without an end, or longer than speech can be; silence is none of these."""
    if is_silence(attempt):
        return False
    return is_broken(attempt) or is_repetitive(attempt.text) or attempt.hypothesis.avg_logprob < AVG_LOGPROB


def leaves_out(attempt: Attempt) -> bool:
    """Whether there is far less text than speech; silence leaves nothing out."""
    return not is_silence(attempt) and attempt.coverage < COVERAGE


def is_believable(attempt: Attempt) -> bool:
    """Whether an attempt that there is no other to compare with is kept."""
    return (
        not is_silence(attempt)
        and not is_broken(attempt)
        and attempt.hypothesis.avg_logprob >= AVG_LOGPROB
        and _mean_probability(attempt) >= _BELIEVABLE
    )


def is_broken(attempt: Attempt) -> bool:
    """Without an end, or longer than speech can be: nothing that was said."""
    return not attempt.hypothesis.ended or is_too_long(attempt)


def best(attempts: Sequence[Attempt]) -> Attempt:
    """The first that is not doubtful and leaves nothing out; otherwise, of those that could have been said if any, the
    one whose words cover more of the speech, by more than a little, and are more probable by the plain model; the
    earliest of equals."""
    for attempt in attempts:
        if not is_doubtful(attempt) and not leaves_out(attempt):
            return attempt
    sound = [attempt for attempt in attempts if not is_broken(attempt)]
    return max(sound or attempts, key=lambda attempt: (round(attempt.coverage * 10), _mean_probability(attempt)))


def _mean_probability(attempt: Attempt) -> float:
    """The mean of the logarithms of the words' probabilities: a word that the model was forced to say costs most."""
    if not attempt.words:
        return attempt.hypothesis.avg_logprob
    return sum(math.log(max(word.probability, 1e-6)) for word in attempt.words) / len(attempt.words)


def joined(left: Attempt, right: Attempt, border: float) -> Attempt:
    """The two parts of a window, the right one `border` seconds later, as one attempt. A part that is silence says
    nothing."""
    left, right = (replace(part, text="", words=()) if is_silence(part) else part for part in (left, right))
    tokens = len(left.hypothesis.tokens) + len(right.hypothesis.tokens) + 2
    duration = left.duration + right.duration
    return Attempt(
        Hypothesis(
            tokens=left.hypothesis.tokens + right.hypothesis.tokens,
            avg_logprob=(left.hypothesis.logprob + right.hypothesis.logprob) / tokens,
            no_speech_prob=max(left.hypothesis.no_speech_prob, right.hypothesis.no_speech_prob),
            ended=left.hypothesis.ended and right.hypothesis.ended,
        ),
        left.text + right.text,
        duration,
        (*left.words, *(word.later(border) for word in right.words)),
        (left.coverage * left.duration + right.coverage * right.duration) / duration,
    )


def agree(attempt: Attempt, parts: Attempt) -> bool:
    """Whether what is repeated in an attempt was said: its parts, decoded alone, have as few words to them.

    An invented loop stands in the place of other words, which the parts find; a number or a song is the same in parts,
    however it is spelled.
    """
    sound = not is_broken(attempt) and attempt.hypothesis.avg_logprob >= AVG_LOGPROB
    if not sound or attempt.coverage < COVERAGE or is_broken(parts):
        return False
    return _variety(parts.words) <= max(_MONOTONOUS, 2 * _variety(attempt.words))


def _variety(words: Sequence[TimedWord]) -> float:
    """Different words for each word, 0 to 1."""
    return len({bare(word.text) for word in words}) / max(1, len(words))


def without_loop(words: Sequence[TimedWord]) -> tuple[TimedWord, ...]:
    """What is said REPEATS times in a row said once: for an attempt that nobody could have said."""
    said = [bare(word.text) for word in words]
    for first in range(len(words)):
        for size in range(1, (len(words) - first) // REPEATS + 1):
            unit = said[first : first + size]
            end = first + size
            while said[end : end + size] == unit:
                end += size
            if end - first >= REPEATS * size and any(unit):
                return without_loop((*words[: first + size], *words[end:]))
    return tuple(words)


def is_close_call(text: str, logprob: float, others: Iterable[tuple[str, float]]) -> bool:
    """Whether one of the `others` says other words and is nearly as probable; each comes with its log probability.

    Case, punctuation and spaces make no other words.
    """
    words = bare(text)
    return any(logprob - other < CLOSE_CALL and bare(said) != words for said, other in others)
