"""Segments end with sentences and at pauses; nothing is lost on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.worker.segments import PAUSE, joined, split_words
from whisperd.worker.words import TimedWord

from .timed import word


def spoken(*texts: str, pause: float = 0.0) -> list[TimedWord]:
    return [word(text, n * (0.5 + pause), n * (0.5 + pause) + 0.5) for n, text in enumerate(texts)]


def texts(words: list[TimedWord]) -> list[str]:
    return [joined(segment) for segment in split_words(words)]


@pytest.mark.parametrize(
    ("said", "segments"),
    [
        ([" Good", " morning.", " Come", " in!"], [" Good morning.", " Come in!"]),
        ([" Who", " is", " it?", " It's", " me…", " Well"], [" Who is it?", " It's me…", " Well"]),
        ([' "Go', ' home."', " she", " said"], [' "Go home."', " she said"]),
        ([" (It", " rained.)", " Then"], [" (It rained.)", " Then"]),
        ([" one,", " two;", " three:"], [" one, two; three:"]),
        (["今天", "下雨。", "你", "呢？", "好"], ["今天下雨。", "你呢？", "好"]),
        (["はい。", "「いいえ。」", "そう"], ["はい。", "「いいえ。」", "そう"]),
        ([" वह", " गया।", " फिर"], [" वह गया।", " फिर"]),
        ([" أين", " هو؟", " هنا"], [" أين هو؟", " هنا"]),
        ([" Мы", " дома.", " Где", " вы?"], [" Мы дома.", " Где вы?"]),
    ],
    ids=["English", "marks", "quotes", "brackets", "no end", "Chinese", "Japanese", "Hindi", "Arabic", "Russian"],
)
def test_a_segment_ends_with_a_sentence(said: list[str], segments: list[str]) -> None:
    assert texts(spoken(*said)) == segments


@pytest.mark.parametrize("abbreviation", ["Mr.", "Dr.", "J.", "U.S.", "e.g.", "z.B.", "(St.", "a.m."])
def test_a_full_stop_behind_an_abbreviation_ends_nothing(abbreviation: str) -> None:
    assert texts(spoken(" ask", f" {abbreviation}", " Smith")) == [f" ask {abbreviation} Smith"]


def test_other_marks_end_a_sentence_behind_a_single_letter() -> None:
    assert texts(spoken(" plan", " B?", " No")) == [" plan B?", " No"]


@pytest.mark.parametrize(("pause", "count"), [(0.0, 1), (PAUSE - 0.01, 1), (PAUSE + 0.01, 3)])
def test_a_segment_ends_at_a_pause(pause: float, count: int) -> None:
    assert len(texts(spoken(" one", " two", " three", pause=pause))) == count


def test_no_words_make_no_segment() -> None:
    assert split_words([]) == []


WORDS = st.lists(
    st.tuples(st.text("ab .?!。」A", min_size=1, max_size=5), st.floats(0, 3), st.floats(0, 3)), max_size=30
)


@given(WORDS)
def test_each_word_is_in_one_segment_in_its_order(said: list[tuple[str, float, float]]) -> None:
    words: list[TimedWord] = []
    for text, pause, length in said:
        start = (words[-1].end if words else 0.0) + pause
        words.append(word(text, start, start + length))
    segments = split_words(words)
    assert [each for segment in segments for each in segment] == words
    assert all(segments)
    assert "".join(joined(segment) for segment in segments) == joined(words)
