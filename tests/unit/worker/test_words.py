"""Words: they are the text, in order, inside the window, no longer than words are, and said where somebody speaks."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
import tokenizers
from faster_whisper.tokenizer import Tokenizer
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.integration.worker.child import MODEL
from whisperd.worker.model import Alignment
from whisperd.worker.window import Span
from whisperd.worker.words import TimedWord, timed_words

TOKENIZER = Tokenizer(tokenizers.Tokenizer.from_file(f"{MODEL}/tokenizer.json"), False)


def words_of(
    text: str, starts: Sequence[int] = (), speech: Sequence[Span] = (), duration: float = 30.0
) -> tuple[TimedWord, ...]:
    """`starts`: the encoder position of each token and of the text's end, the last one for those that are left."""
    tokens = TOKENIZER.encode(text)
    places = sorted(starts)[: len(tokens) + 1]
    places += [places[-1] if places else 0] * (len(tokens) + 1 - len(places))
    return timed_words(TOKENIZER, tokens, Alignment(tuple(places), (0.5,) * len(tokens)), speech, duration)


def at(*seconds: float) -> list[int]:
    return [round(second / 0.02) for second in seconds]


def times(words: Sequence[TimedWord]) -> list[tuple[float, float]]:
    return [(round(word.start, 2), round(word.end, 2)) for word in words]


def test_punctuation_belongs_to_its_word() -> None:
    words = words_of(' the "old" house, (and) you?')
    assert [word.text for word in words] == [" the", ' "old"', " house,", " (and)", " you?"]


def test_a_bracket_that_closes_belongs_to_the_word_before_it_in_japanese() -> None:
    known = tokenizers.Tokenizer.from_file(f"{MODEL}/tokenizer.json")
    known.add_special_tokens(["<|ja|>"])
    japanese = Tokenizer(known, True, task="transcribe", language="ja")
    tokens = japanese.encode("「はい。」と")
    alignment = Alignment((0,) * (len(tokens) + 1), (0.5,) * len(tokens))
    assert [word.text for word in timed_words(japanese, tokens, alignment, (), 1.0)] == ["「", "は", "い。」", "と"]


def test_no_word_is_longer_than_twice_seven_tenths() -> None:
    assert times(words_of(" a b c", starts=[0, 500, 1000, 1400])) == [(8.6, 10.0), (10.0, 11.4), (20.0, 21.4)]


# -- where somebody speaks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts", "speech", "expected"),
    [
        (at(0, 0.5, 1.0), [Span(0, 1)], [(0.0, 0.5), (0.5, 1.0)]),
        (at(0, 0.8, 6.5), [Span(0, 1), Span(6, 7)], [(0.0, 0.8), (6.0, 6.5)]),
        (at(0, 5.9, 6.5), [Span(0, 1), Span(6, 7)], [(0.0, 1.0), (6.0, 6.5)]),
        (at(0, 0.94, 6.02), [Span(0, 1), Span(6, 7)], [(0.0, 0.94), (6.0, 6.02)]),
        (at(0, 0.94, 5.94), [Span(0, 1), Span(6, 7)], [(0.0, 0.94), (6.0, 6.0)]),
        (at(0, 0.8, 4.0), [Span(0, 1), Span(6, 7)], [(0.0, 0.8), (0.8, 1.0)]),
        (at(0, 0.5, 4.0), [Span(0.2, 1)], [(0.2, 0.5), (0.5, 1.0)]),
        (at(0.5, 0.8, 1.2), [Span(0.2, 1.2)], [(0.2, 0.8), (0.8, 1.2)]),
        (at(0.8, 0.9, 1.2), [Span(0.2, 1.2)], [(0.8, 0.9), (0.9, 1.2)]),
        (at(0, 2.3, 2.6), [Span(0, 1), Span(2, 3)], [(0.0, 1.0), (2.0, 2.6)]),
        (at(0, 0.6, 1.2), [Span(0, 0.6), Span(0.6, 1.2)], [(0.0, 0.6), (0.6, 1.2)]),
    ],
    ids=[
        "without a pause",
        "a word that is given the pause before it is said after it",
        "a word that is given the pause behind it ends before it",
        "a word that begins with the last sound before the pause is said after it",
        "also when the next word begins a little before the speech",
        "a short word before a pause stays there",
        "silence at both ends is nobody's",
        "the first word begins with the speech",
        "a word that begins far too late stays where it is",
        "the first word after a pause begins with its stretch",
        "stretches that touch",
    ],
)
def test_a_word_is_said_where_somebody_speaks(
    starts: list[int], speech: list[Span], expected: list[tuple[float, float]]
) -> None:
    words = words_of(" a b", starts, speech)
    assert times(words) == expected
    assert all(word.spoken for word in words)


def test_a_word_far_from_all_speech_is_not_spoken() -> None:
    speech = [Span(0.5, 2.0)]
    words = words_of(" one two six six", at(0.5, 1.2, 2.9, 3.2, 3.6), speech, 4.0)
    assert [word.spoken for word in words] == [True, True, False, False]
    # Voice activity is late by a little, too.
    assert all(word.spoken for word in words_of(" one two", at(0.5, 2.1, 2.4), speech))


def test_where_speech_is_not_known_every_word_counts_as_spoken() -> None:
    words = words_of(" one two", at(0.5, 1.2, 2.0))
    assert times(words) == [(0.5, 1.2), (1.2, 2.0)]
    assert all(word.spoken for word in words)


@st.composite
def stretches(draw: st.DrawFn) -> list[Span]:
    """Stretches of speech in order, apart or touching."""
    found: list[Span] = []
    for pause, length in draw(st.lists(st.tuples(st.floats(0, 6), st.floats(0.04, 4)), max_size=6)):
        start = (found[-1].end if found else 0.0) + pause
        found.append(Span(start, start + length))
    return found


POSITIONS = st.lists(st.integers(0, 1500), max_size=40)


@given(st.text("ab .,?!(\"'é", max_size=30), POSITIONS, stretches(), st.floats(0.1, 30))
def test_words_are_the_text_in_order_and_inside_the_window(
    text: str, starts: list[int], speech: list[Span], duration: float
) -> None:
    speech = [span for span in speech if span.end <= duration]
    words = words_of(text, starts, speech, duration)
    assert "".join(word.text for word in words) == text
    assert all(0 <= word.start <= word.end <= duration and word.end - word.start < 1.401 for word in words)
    assert all(a.end <= b.start for a, b in pairwise(words))


@given(st.integers(1, 12), POSITIONS, stretches())
def test_no_word_is_placed_in_a_pause_when_there_is_speech_in_its_share(
    count: int, starts: list[int], speech: list[Span]
) -> None:
    assume(starts and speech)
    words = words_of(" a" * count, starts, speech)
    shares = sorted(starts)[: count + 1]
    shares += [shares[-1]] * (count + 1 - len(shares))
    for index, word in enumerate(words):
        begin = max(shares[index] * 0.02, words[index - 1].end if index else 0.0)
        end = max(begin, shares[index + 1] * 0.02)
        if any(stretch.start < end and stretch.end > begin for stretch in speech):
            assert word.spoken
            assert any(stretch.start <= word.start <= word.end <= stretch.end for stretch in speech)
