"""What is known of a running job at a moment."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.jobs.job import Stage
from whisperd.live import LiveJobs, measure


def test_before_anything_is_measured_the_expected_factor_gives_speed_and_time_left() -> None:
    live = measure(Stage.OPENING, done=0.0, duration=600.0, processing_time=0.0, expected_factor=0.1)
    assert (live.progress, live.speed, live.eta) == (0.0, pytest.approx(10.0), pytest.approx(60.0))


def test_a_job_that_is_slower_than_expected_shows_it_more_the_more_is_done() -> None:
    speeds = [
        measure(Stage.TRANSCRIBING, done=done, duration=6000.0, processing_time=done * 0.5, expected_factor=0.1).speed
        for done in (0.0, 60.0, 600.0, 6000.0)
    ]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[-1] == pytest.approx(2.0, rel=0.05)


def test_without_a_duration_there_is_no_progress_and_no_time_left() -> None:
    live = measure(Stage.TRANSCRIBING, done=30.0, duration=None, processing_time=3.0, expected_factor=0.1)
    assert (live.progress, live.eta) == (0.0, None)


def test_a_container_that_declares_too_little_is_done_and_never_more_than_done() -> None:
    live = measure(Stage.TRANSCRIBING, done=90.0, duration=60.0, processing_time=9.0, expected_factor=0.1)
    assert (live.progress, live.eta) == (1.0, 0.0)


@given(st.floats(0, 1e6), st.none() | st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e3))
def test_every_moment_can_be_shown(done: float, duration: float | None, processing: float, expected: float) -> None:
    live = measure(
        Stage.TRANSCRIBING, done=done, duration=duration, processing_time=processing, expected_factor=expected
    )
    assert 0.0 <= live.progress <= 1.0
    assert live.eta is None or (live.eta >= 0.0 and math.isfinite(live.eta))
    assert live.speed >= 0.0


def test_a_finished_job_is_forgotten() -> None:
    jobs = LiveJobs()
    live = measure(Stage.OPENING, done=0.0, duration=1.0, processing_time=0.0, expected_factor=0.1)
    jobs.note(7, live)
    assert (jobs.get(7), jobs.all()) == (live, [live])
    jobs.forget(7)
    jobs.forget(7)
    assert (jobs.get(7), jobs.all()) == (None, [])
