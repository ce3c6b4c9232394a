"""Estimates of time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.jobs import estimates

seconds = st.floats(0, 1e6)


def test_what_was_measured_goes_before_what_is_typical() -> None:
    assert estimates.real_time_factor(0.5, "small", "cpu") == 0.5
    assert estimates.real_time_factor(None, "small", "cpu") == estimates.typical_real_time_factor("small", "cpu")


def test_larger_models_take_longer_and_a_gpu_less_long() -> None:
    sizes = ["tiny", "base", "small", "medium", "large-v3"]
    for device in ("cpu", "cuda"):
        factors = [estimates.typical_real_time_factor(size, device) for size in sizes]
        assert factors == sorted(factors)
    assert all(
        estimates.typical_real_time_factor(size, "cuda") < estimates.typical_real_time_factor(size, "cpu")
        for size in sizes
    )


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("small.en", "small"),
        ("/models/Systran--faster-whisper-medium", "medium"),
        ("large-v3-turbo", "turbo"),
        ("test-en", "small"),
    ],
)
def test_a_model_is_known_by_the_size_in_its_name(name: str, like: str) -> None:
    assert estimates.typical_real_time_factor(name, "cpu") == estimates.typical_real_time_factor(like, "cpu")


def test_a_distilled_model_is_faster_than_its_teacher() -> None:
    distilled = estimates.typical_real_time_factor("distil-large-v3", "cpu")
    assert distilled < estimates.typical_real_time_factor("large-v3", "cpu")


def test_progress_and_time_left_are_unknown_without_a_duration() -> None:
    assert estimates.progress(5.0, None) == 0.0
    assert estimates.seconds_left(None, 5.0, 0.1) is None


@given(seconds, seconds)
def test_progress_lies_between_none_and_all(done: float, duration: float) -> None:
    assert 0.0 <= estimates.progress(done, duration) <= 1.0


@given(seconds, seconds, st.floats(0, 10))
def test_there_is_never_less_than_no_time_left(duration: float, done: float, factor: float) -> None:
    left = estimates.seconds_left(duration, done, factor)
    assert left is not None
    assert 0 <= left <= duration * factor


def test_speed_is_audio_over_computing() -> None:
    assert estimates.speed(100.0, 20.0) == 5.0
    assert estimates.speed(0.0, 20.0) is None
    assert estimates.speed(100.0, 0.0) is None


def test_a_job_begins_at_the_expected_factor_and_ends_at_its_own() -> None:
    assert estimates.job_factor(0.0, 0.0, 0.3) == pytest.approx(0.3)
    assert estimates.job_factor(1e7, 1e6, 0.3) == pytest.approx(0.1, rel=1e-3)


@given(st.floats(0.01, 1e5), st.floats(0.001, 10), st.floats(0.001, 10))
def test_a_jobs_factor_lies_between_the_expected_and_the_seen_one(done: float, seen: float, expected: float) -> None:
    factor = estimates.job_factor(done, done * seen, expected)
    low, high = sorted((seen, expected))
    assert low <= factor or math.isclose(factor, low)
    assert factor <= high or math.isclose(factor, high)


def test_a_job_starts_after_what_runs_and_what_is_before_it() -> None:
    assert estimates.starts_in(1, [], 60.0) == 0.0
    assert estimates.starts_in(1, [10.0, 5.0], 60.0) == 15.0
    assert estimates.starts_in(3, [10.0], 60.0) == 130.0
