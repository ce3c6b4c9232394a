"""Where frames belong in time: holes are filled, jitter and nonsense are not believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.worker.audio import Timeline

FRAME = 0.02


def placed(
    times: list[float | None], origin: float | None = 0.0, promised: float | None = 1000.0
) -> list[float | None]:
    timeline = Timeline(origin, promised)
    return [timeline.place(time, FRAME, after) for time, after in zip(times, [*times[1:], None], strict=False)]


def steady(start: float, count: int = 5) -> list[float]:
    return [start + FRAME * index for index in range(count)]


def test_steady_frames_follow_each_other() -> None:
    assert placed([*steady(0)]) == [None] * 5


def test_a_hole_is_filled_up_to_the_frame_after_it() -> None:
    assert placed([*steady(0), *steady(3)])[5] == pytest.approx(3)


def test_audio_that_begins_after_the_container_does_is_placed_there() -> None:
    assert placed([*steady(12.0)], origin=10.0)[0] == pytest.approx(2)


def test_the_clock_begins_with_the_first_frame_where_the_container_has_none() -> None:
    assert placed([*steady(50)], origin=None) == [None] * 5


def test_jitter_means_nothing() -> None:
    assert placed([0.0, 0.05, 0.01, 0.09, 0.06]) == [None] * 5


def test_frames_without_timestamps_follow() -> None:
    assert placed([0.0, None, None, 0.06]) == [None] * 4


def test_one_wrong_timestamp_among_right_ones_is_not_believed() -> None:
    assert placed([0.0, 0.02, 77.0, 0.06, 0.08, 0.1]) == [None] * 6


def test_a_clock_that_starts_anew_goes_on_from_where_it_was() -> None:
    assert placed([*steady(0), *steady(0), *steady(0)]) == [None] * 15


def test_a_hole_after_a_clock_that_started_anew_is_as_long_as_it_says() -> None:
    assert placed([*steady(5), *steady(0), *steady(1)], origin=5.0)[10] == pytest.approx(0.1 + 1.0)


def test_a_jump_beyond_the_promised_length_is_not_believed() -> None:
    assert placed([*steady(0), *steady(9000)]) == [None] * 10


def test_without_a_promised_length_ten_minutes_are_the_most() -> None:
    assert placed([*steady(0), *steady(500)], promised=None)[5] == pytest.approx(500)
    assert placed([*steady(0), *steady(9000)], promised=None) == [None] * 10


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=40))
def test_silence_never_goes_beyond_what_was_promised(times: list[float | None]) -> None:
    places = [place for place in placed(times, promised=100.0) if place is not None]
    assert places == sorted(places)
    assert all(0 < place <= 100.1 for place in places)
