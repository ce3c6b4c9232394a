"""Silero's rule: probabilities to stretches."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from whisperd.worker.packing import Stretch
from whisperd.worker.speech import SHORTEST_SILENCE, WINDOW, stretches


def found(*probabilities: float) -> list[tuple[int, int]]:
    made = stretches(probabilities, len(probabilities) * WINDOW)
    return [(stretch.start // WINDOW, stretch.end // WINDOW) for stretch in made]


SILENT = [0.0] * SHORTEST_SILENCE


def test_speech_lasts_from_its_first_to_its_last_step() -> None:
    assert found(0, 0, 0.9, 0.9, *SILENT) == [(2, 4)]


def test_a_short_silence_does_not_end_speech() -> None:
    assert found(0.9, *SILENT[1:], 0.9, *SILENT) == [(0, SHORTEST_SILENCE + 1)]


def test_a_doubtful_step_neither_begins_nor_ends_speech() -> None:
    assert found(0.4, 0.9, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.9, *SILENT) == [(1, 9)]
    assert found(0.4, 0.4, 0.4) == []


def test_speech_that_does_not_end_ends_with_the_audio() -> None:
    assert stretches([0.0, 0.9], WINDOW + 100) == [Stretch(WINDOW, WINDOW + 100)]


@given(st.lists(st.floats(0, 1), max_size=200))
def test_stretches_are_in_order_apart_and_hold_all_loud_steps(probabilities: list[float]) -> None:
    made = found(*probabilities)
    assert all(start < end for start, end in made)
    assert all(a[1] + SHORTEST_SILENCE <= b[0] for a, b in pairwise(made))
    inside = {step for start, end in made for step in range(start, end)}
    assert {step for step, probability in enumerate(probabilities) if probability >= 0.5} <= inside
