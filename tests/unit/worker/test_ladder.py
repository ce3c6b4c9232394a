"""When a result is doubted, and which attempt is kept."""

import pytest

from whisperd.worker.ladder import Attempt, best, compression_ratio, is_close_call, is_doubtful, is_silence
from whisperd.worker.model import Hypothesis

GOOD = "the red fox is under the table"
LOOP = "and then " * 50


def attempt(
    text: str = GOOD, logprob: float = -0.2, no_speech: float = 0.0, ended: bool = True, seconds: float = 20.0
) -> Attempt:
    return Attempt(Hypothesis((1, 2), logprob, no_speech, ended), text, seconds)


@pytest.mark.parametrize(
    ("candidate", "doubtful"),
    [
        (attempt(), False),
        (attempt(""), False),
        (attempt(LOOP), True),
        (attempt(logprob=-1.1), True),
        (attempt(ended=False), True),
        (attempt(seconds=0.1), True),
        (attempt(logprob=-1.1, no_speech=0.7), False),
        (attempt(no_speech=0.9), False),
    ],
    ids=[
        "good",
        "empty",
        "repetitive",
        "improbable",
        "endless",
        "too long to be spoken",
        "silence",
        "sure despite silence",
    ],
)
def test_what_is_doubted(candidate: Attempt, doubtful: bool) -> None:
    assert is_doubtful(candidate) is doubtful


def test_silence_needs_both_signs() -> None:
    assert is_silence(attempt(logprob=-1.1, no_speech=0.7))
    assert not is_silence(attempt(logprob=-0.5, no_speech=0.7))
    assert not is_silence(attempt(logprob=-1.1, no_speech=0.5))


@pytest.mark.parametrize(
    ("others", "close"),
    [
        ([], False),
        ([("Oscar bought four gardens.", -4.5)], True),
        ([("Oscar bought four gardens.", -3.0)], True),
        ([("Oscar bought four gardens.", -5.1)], False),
        ([("oscar bought forty gardens", -4.1)], False),
        ([("oscar bought forty gardens", -4.1), ("Oscar bought for tea gardens.", -4.5)], True),
    ],
    ids=["alone", "near", "more probable but worse by the mean", "far", "the same words", "second of two"],
)
def test_what_is_a_close_call(others: list[tuple[str, float]], close: bool) -> None:
    assert is_close_call("Oscar bought forty gardens.", -4.0, others) is close


def test_vowel_signs_make_other_words() -> None:
    assert is_close_call("कि", -4.0, [("की", -4.1)])


def test_the_first_good_attempt_is_kept() -> None:
    good, better = attempt(logprob=-0.9), attempt(logprob=-0.1)
    assert best([attempt(LOOP, logprob=-0.01), good, better]) is good


def test_without_a_good_one_the_most_probable_sound_one_is_kept() -> None:
    attempts = [
        attempt(LOOP, logprob=-0.1),
        attempt(logprob=-1.5),
        attempt(logprob=-1.2),
        attempt(logprob=-1.1, ended=False),
    ]
    assert best(attempts) is attempts[2]


def test_when_all_repeat_the_most_probable_is_kept() -> None:
    attempts = [attempt(LOOP, logprob=-0.3), attempt(LOOP, logprob=-0.1)]
    assert best(attempts) is attempts[1]


def test_repetition_compresses() -> None:
    assert compression_ratio(GOOD) < 1.2 < 2.4 < compression_ratio(LOOP)
