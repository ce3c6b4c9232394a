"""The audit: speech without words is found, what a second look gave is put in its place, and nothing is lost by it."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.worker import audit
from whisperd.worker.window import Span
from whisperd.worker.words import TimedWord

from .timed import word, words


def rounded(spans: Sequence[Span]) -> list[tuple[float, float]]:
    return [(round(span.start, 2), round(span.end, 2)) for span in spans]


def text(words: Sequence[TimedWord]) -> str:
    return "".join(word.text for word in words)


@pytest.mark.parametrize(
    ("said", "speech", "expected"),
    [
        ([], [Span(1, 3), Span(4, 4.35)], [(1, 3), (4, 4.35)]),
        ([], [Span(1, 1.29)], []),
        (words("hello there you", 1), [Span(1, 2.2)], []),
        ([word(" hello", 0, 0.5)], [Span(0, 3)], [(0.65, 3)]),
        ([word(" hello", 0, 0.5)], [Span(0, 1.0)], []),
        ([word(" you", 2.5, 3)], [Span(0, 3)], [(0, 2.35)]),
        ([word(" hello", 0, 0.5), word(" you", 2.5, 3)], [Span(0, 3)], [(0.65, 2.35)]),
        ([word(" hello", 0, 0.5)], [Span(0, 0.6), Span(0.8, 2)], [(0.8, 2)]),
        ([word(" a", 0, 2)], [Span(0, 2)], [(0.57, 2)]),
        ([word(" internationally", 0, 1.4)], [Span(0, 1.4)], []),
    ],
    ids=[
        "nothing said",
        "a breath",
        "all said",
        "ended early",
        "the end of a word",
        "began late",
        "left out between",
        "a stretch of its own",
        "a word that takes too long",
        "a long word",
    ],
)
def test_speech_without_a_word_is_found(
    said: list[TimedWord], speech: list[Span], expected: list[tuple[float, float]]
) -> None:
    assert rounded(audit.uncovered(said, speech)) == expected


def test_stretches_without_a_word_between_them_are_one_gap() -> None:
    speech = [Span(0, 1), Span(1.5, 2.5), Span(3, 4)]
    assert audit.gaps([], speech) == [Span(0, 4)]
    assert audit.gaps(words("the middle", 1.5, 0.5), speech) == [Span(0, 1), Span(3, 4)]
    assert rounded(audit.gaps([word(" one", 0, 0.4)], speech)) == [(0.55, 4)]
    assert audit.gaps(words("all of it is said", 0, 0.8), speech) == []


@pytest.mark.parametrize(
    ("gap", "speech", "expected"),
    [
        (Span(5, 6), [Span(5, 6)], (4.6, 6.4)),
        (Span(5, 6), [Span(3, 4.9), Span(5, 6), Span(6.2, 7)], (4.9, 6.2)),
        (Span(5, 6), [Span(3, 3.5), Span(5, 6), Span(8, 9)], (4.6, 6.4)),
        (Span(4, 6), [Span(0, 10)], (3.85, 6.15)),
        (Span(4, 7), [Span(0, 5), Span(6, 7)], (3.85, 7.4)),
        (Span(0.1, 9.9), [Span(0.1, 9.9)], (0, 10)),
    ],
    ids=[
        "alone",
        "near neighbours",
        "far neighbours",
        "inside a stretch",
        "to the end of one",
        "at both ends",
    ],
)
def test_a_gap_is_decoded_with_the_silence_around_it_and_without_its_neighbours(
    gap: Span, speech: list[Span], expected: tuple[float, float]
) -> None:
    assert rounded([audit.surroundings(gap, speech, 10.0)]) == [expected]


def test_coverage_is_the_share_of_speech_with_words() -> None:
    speech = [Span(0, 2), Span(3, 5)]
    assert audit.coverage([], speech) == 0
    assert audit.coverage(words("one two three four five", 0), speech) == pytest.approx(0.5)
    assert audit.coverage([], []) == 1


def test_words_before_and_after_all_speech_are_not_kept() -> None:
    said = [
        word(" Hm.", 0, 0.2, spoken=False),
        *words("press one", 1),
        word(" and", 2, 2.2, spoken=False),
        *words("two", 3),
        word(" Thank", 5, 5.2, spoken=False),
        word(" you.", 5.2, 5.4, spoken=False),
    ]
    assert text(audit.spoken(said)) == " press one and two"
    assert audit.spoken(said[-2:]) == audit.spoken([]) == []


# -- what a second look found -----------------------------------------------------------------------------------------


def test_what_was_found_is_put_into_its_gap() -> None:
    said = [*words("press one", 0), *words("goodbye", 6)]
    made = audit.with_found(said, words("to hear it again", 2), Span(1.9, 3.7))
    assert text(made) == " press one to hear it again goodbye"


def test_neighbours_heard_again_at_the_border_are_not_said_twice() -> None:
    said = [*words("press one", 0), *words("two now", 2)]
    found = [word(" One,", 0.7, 0.9), *words("or press", 1.0), word(" Two", 1.9, 2.1)]
    assert text(audit.with_found(said, found, Span(0.8, 2))) == " press one or press two now"


@pytest.mark.parametrize(
    ("before", "found", "after"),
    [
        ("press two", "press two press two", "goodbye"),
        ("six six", "six six six", "six"),
        ("no", "no no", "never"),
    ],
)
def test_a_phrase_said_again_in_the_gap_is_no_duplicate(before: str, found: str, after: str) -> None:
    said = [*words(before, 0), *words(after, 6)]
    made = audit.with_found(said, words(found, 2.2), Span(2, 4.5))
    assert text(made) == f" {before} {found} {after}"


def test_words_found_outside_the_gap_are_those_that_are_there() -> None:
    said = [*words("press one", 0), *words("goodbye", 6)]
    found = [word(" press", 0.1, 0.5), *words("or two", 2), word(" by", 6.3, 6.8)]
    assert text(audit.with_found(said, found, Span(1.9, 3))) == " press one or two goodbye"


def test_a_word_that_took_the_gaps_time_ends_where_the_gap_begins() -> None:
    made = audit.with_found([word(" one", 0, 1.4)], words("two", 0.7), Span(0.6, 1.4))
    assert [(each.text, each.start, each.end) for each in made] == [(" one", 0, 0.6), (" two", 0.7, pytest.approx(1.1))]


@st.composite
def in_order(draw: st.DrawFn) -> list[TimedWord]:
    made: list[TimedWord] = []
    for text, pause, length in draw(
        st.lists(st.tuples(st.sampled_from([" a", " b", " six"]), st.floats(0, 3), st.floats(0, 1.4)), max_size=8)
    ):
        start = (made[-1].end if made else 0.0) + pause
        made.append(word(text, start, start + length))
    return made


@st.composite
def speech(draw: st.DrawFn) -> list[Span]:
    found: list[Span] = []
    for pause, length in draw(st.lists(st.tuples(st.floats(0, 3), st.floats(0.04, 4)), min_size=1, max_size=6)):
        start = (found[-1].end if found else 0.0) + pause
        found.append(Span(start, start + length))
    return found


@given(in_order(), in_order(), st.floats(0, 10), st.floats(0.3, 10))
def test_words_never_overlap_and_none_that_was_there_is_lost(
    said: list[TimedWord], found: list[TimedWord], start: float, length: float
) -> None:
    made = audit.with_found(said, [each.later(start) for each in found], Span(start, start + length))
    assert all(each.start <= each.end for each in made)
    assert all(a.end <= b.start for a, b in pairwise(made))
    left = iter(made)
    assert all(any(each.text == kept.text for kept in left) for each in said)


@given(in_order(), speech())
def test_uncovered_speech_is_speech_and_every_gap_begins_and_ends_with_it(
    said: list[TimedWord], speech: list[Span]
) -> None:
    uncovered = audit.uncovered(said, speech)
    assert all(any(s.start <= span.start < span.end <= s.end for s in speech) for span in uncovered)
    assert all(a.end <= b.start for a, b in pairwise(uncovered))
    assert 0 <= audit.coverage(said, speech) <= 1
    gaps = audit.gaps(said, speech)
    assert {gap.start for gap in gaps} <= {span.start for span in uncovered}
    assert {gap.end for gap in gaps} <= {span.end for span in uncovered}
    assert all(any(gap.start <= span.start and span.end <= gap.end for gap in gaps) for span in uncovered)
    for gap in gaps:
        start, end = audit.surroundings(gap, speech, speech[-1].end)
        assert 0 <= start <= gap.start < gap.end <= end <= speech[-1].end


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        (" Don't — STOP!", "dontstop"),
        ("«Ёлка», 24", "ёлка24"),
        ("谢谢，再见。", "谢谢再见"),
        ("कि", "कि"),
        ("Straße", "strasse"),
        (" …", ""),
    ],
)
def test_letters_marks_and_digits_are_what_is_compared(text: str, bare: str) -> None:
    assert audit.bare(text) == bare
