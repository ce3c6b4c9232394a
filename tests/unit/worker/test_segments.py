"""Splitting tokens at timestamps: nothing lost, times inside the chunk and in order."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from whisperd.worker.segments import split_tokens

EOT, BEGIN = 100, 110


def at(seconds: float) -> int:
    return BEGIN + round(seconds / 0.02)


def spans(tokens: list[int], duration: float = 10.0) -> list[tuple[float, float, list[int]]]:
    return [
        (round(s.start, 3), round(s.end, 3), [t for t in s.tokens if t < EOT])
        for s in split_tokens(tokens, BEGIN, EOT, duration)
    ]


def test_pairs_of_timestamps_are_segments() -> None:
    assert spans([at(0), 1, 2, at(2), at(2.5), 3, at(4)]) == [(0, 2, [1, 2]), (2.5, 4, [3])]


def test_text_after_the_last_timestamp_ends_with_the_chunk() -> None:
    assert spans([at(0), 1, at(2), at(2), 3, 4]) == [(0, 2, [1]), (2, 10, [3, 4])]


def test_text_without_any_timestamp_spans_the_chunk() -> None:
    assert spans([1, 2]) == [(0, 10, [1, 2])]


def test_text_between_single_timestamps_begins_where_the_last_ended() -> None:
    assert spans([at(1), 1, at(2), 2, at(3)]) == [(1, 2, [1]), (2, 3, [2])]


def test_timestamps_without_text_make_no_segment() -> None:
    assert spans([at(0), at(3)]) == []


def test_times_beyond_the_chunk_are_clamped() -> None:
    assert spans([at(0), 1, at(8)], duration=3.0) == [(0, 3, [1])]


@given(st.lists(st.one_of(st.integers(0, 99), st.integers(BEGIN, BEGIN + 1500)), max_size=60), st.floats(0.1, 30))
def test_no_text_is_lost_and_times_never_go_backwards(tokens: list[int], duration: float) -> None:
    made = split_tokens(tokens, BEGIN, EOT, duration)
    assert [t for s in made for t in s.tokens if t < EOT] == [t for t in tokens if t < EOT]
    assert all(0 <= s.start <= s.end <= duration for s in made)
    assert all(a.end <= b.start for a, b in pairwise(made))
