"""Which of the measured models is recommended, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.models.catalog import ALIASES, MODELS, TEST_MODEL
from whisperd.models.recommend import LATENCY, REAL_TIME_FACTOR, Measured, recommend

NAMES = [*MODELS, *ALIASES, TEST_MODEL, "/models/mine"]


@pytest.mark.parametrize(
    ("measured", "dictation", "file"),
    [
        ([Measured("tiny", 0.01, 0.1)], "tiny", "tiny"),
        ([Measured("tiny", 0.01, 0.1), Measured("small", 0.1, 0.9), Measured("medium", 0.4, 3.0)], "small", "medium"),
        # none is fast enough: the least slow
        ([Measured("small", 0.8, 2.0), Measured("medium", 2.0, 6.0)], "small", "small"),
        # an own model comes after those of known quality, the test model after everything
        ([Measured("/models/mine", 0.1, 0.1), Measured("tiny", 0.1, 0.1)], "tiny", "tiny"),
        ([Measured(TEST_MODEL, 0.01, 0.01), Measured("/models/mine", 0.1, 0.1)], "/models/mine", "/models/mine"),
        # another name of a model says as much about its quality
        ([Measured("tiny", 0.01, 0.1), Measured("turbo", 0.1, 0.5)], "turbo", "turbo"),
    ],
)
def test_the_best_model_that_is_fast_enough_is_recommended(measured: list[Measured], dictation: str, file: str) -> None:
    assert {each.kind: each.model for each in recommend(measured)} == {"dictation": dictation, "file": file}


def test_the_reason_names_what_was_measured() -> None:
    dictation, file = recommend([Measured("small", 0.75, 0.25)])
    assert dictation.reason == "the best one that is fast enough: 0.25 s to a short dictation's text"
    assert file.reason == "the fastest, though slow: 0.75 s for a second of audio"


@given(st.lists(st.builds(Measured, st.sampled_from(NAMES), st.floats(0.001, 10), st.floats(0.001, 60)), min_size=1))
def test_no_slow_model_is_recommended_where_a_fast_one_was_measured(measured: list[Measured]) -> None:
    dictation, file = recommend(measured)
    slow_to_answer = min(each.latency for each in measured if each.model == dictation.model) > LATENCY
    assert not slow_to_answer or all(each.latency > LATENCY for each in measured)
    slow_at_files = min(each.real_time_factor for each in measured if each.model == file.model) > REAL_TIME_FACTOR
    assert not slow_at_files or all(each.real_time_factor > REAL_TIME_FACTOR for each in measured)
