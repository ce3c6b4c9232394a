"""What is known of a running job at a moment."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.jobs.job import Stage
from whisperd.live import LiveJobs, measure


def test_before_anything_is_measured_the_expected_speed_gives_the_time_left() -> None:
    live = measure(Stage.TRANSCRIBING, 0.0, 600.0, began=None, now=100.0, expected=10.0)
    assert (live.progress, live.speed, live.eta) == (0.0, 10.0, 60.0)


def test_once_this_run_has_transcribed_something_its_own_speed_counts() -> None:
    live = measure(Stage.TRANSCRIBING, 150.0, 600.0, began=(100.0, 0.0), now=110.0, expected=1.0)
    assert (live.progress, live.speed, live.eta) == (0.25, 15.0, 30.0)


def test_what_an_earlier_run_has_done_is_progress_but_not_speed() -> None:
    live = measure(Stage.TRANSCRIBING, 320.0, 400.0, began=(100.0, 300.0), now=110.0, expected=None)
    assert (live.progress, live.speed, live.eta) == (0.8, 2.0, 40.0)


def test_without_a_duration_or_a_speed_there_is_no_time_left() -> None:
    assert measure(Stage.OPENING, 0.0, None, began=None, now=1.0, expected=5.0).eta is None
    assert measure(Stage.OPENING, 0.0, 60.0, began=None, now=1.0, expected=None).eta is None


@pytest.mark.parametrize("duration", [None, 0.0])
def test_a_job_whose_length_is_not_known_has_no_progress(duration: float | None) -> None:
    assert measure(Stage.TRANSCRIBING, 30.0, duration, began=(0.0, 0.0), now=1.0, expected=None).progress == 0.0


def test_a_container_that_declares_too_little_is_done_and_never_more_than_done() -> None:
    live = measure(Stage.TRANSCRIBING, 90.0, 60.0, began=(0.0, 0.0), now=9.0, expected=None)
    assert (live.progress, live.eta) == (1.0, 0.0)


@given(
    st.floats(0, 1e6),
    st.none() | st.floats(0, 1e6),
    st.none() | st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)),
    st.floats(0, 1e6),
    st.none() | st.floats(1e-3, 1e6),
)
def test_every_moment_can_be_shown(
    done: float, duration: float | None, began: tuple[float, float] | None, now: float, expected: float | None
) -> None:
    live = measure(Stage.TRANSCRIBING, done, duration, began=began, now=now, expected=expected)
    assert 0.0 <= live.progress <= 1.0
    assert live.eta is None or (live.eta >= 0.0 and not math.isnan(live.eta))
    assert live.speed is None or live.speed > 0.0


def test_the_clock_of_a_run_begins_with_its_transcribing_and_ends_with_it() -> None:
    jobs = LiveJobs()
    assert jobs.get(1) is None
    jobs.report(1, Stage.LOADING_MODEL, done=30.0, duration=60.0, expected=2.0)
    first = jobs.report(1, Stage.TRANSCRIBING, done=30.0, duration=60.0, expected=2.0)
    assert (first.stage, first.speed, first.eta) == (Stage.TRANSCRIBING, 2.0, 15.0)
    later = jobs.report(1, Stage.TRANSCRIBING, done=45.0, duration=60.0, expected=2.0)
    assert jobs.get(1) == later
    assert later.speed is not None
    assert later.speed > 100.0, "15 s of audio in almost no time"
    jobs.forget(1)
    assert jobs.get(1) is None
    assert jobs.report(1, Stage.TRANSCRIBING, done=45.0, duration=60.0, expected=2.0).speed == 2.0


def test_forgetting_a_job_that_never_ran_is_no_mistake() -> None:
    LiveJobs().forget(99)
