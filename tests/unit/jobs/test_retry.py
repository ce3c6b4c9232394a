"""What each kind of failure leads to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.frames import FailureKind
from whisperd.jobs.job import State
from whisperd.jobs.retry import (
    GiveUp,
    Retry,
    RetrySettings,
    SmallerBatch,
    SmallerModel,
    charged,
    decide,
    delay,
    is_suspect,
    keeps_checkpoint,
)

SETTINGS = RetrySettings()


def tries(kind: FailureKind) -> int:
    """How often a job that always fails in this way is tried."""
    failures: dict[FailureKind, int] = {}
    while isinstance(decide(kind, failures, SETTINGS), Retry):
        failures = charged(failures, kind)
    return failures.get(kind, 0) + 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FailureKind.NETWORK, 4),
        (FailureKind.IO, 4),
        (FailureKind.WORKER_DIED, 3),
        (FailureKind.DEVICE_LOST, 3),
        (FailureKind.MODEL_LOAD, 2),
        (FailureKind.TIMEOUT, 2),
        (FailureKind.BAD_INPUT, 1),
        (FailureKind.NO_AUDIO, 1),
        (FailureKind.INPUT_MISSING, 1),
        (FailureKind.INPUT_CHANGED, 1),
        (FailureKind.DEPENDENCY, 1),
        (FailureKind.INTERNAL, 1),
    ],
)
def test_each_kind_of_failure_is_tried_as_often_as_the_design_says(kind: FailureKind, expected: int) -> None:
    assert tries(kind) == expected


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_a_decision(kind: FailureKind) -> None:
    assert isinstance(decide(kind, {}, SETTINGS), Retry | GiveUp)


def test_kinds_are_counted_apart() -> None:
    failures = {FailureKind.IO: 3, FailureKind.WORKER_DIED: 2}
    assert isinstance(decide(FailureKind.NETWORK, failures, SETTINGS), Retry)
    assert decide(FailureKind.IO, failures, SETTINGS) == GiveUp(tries=4)
    assert charged(failures, FailureKind.TIMEOUT) == {**failures, FailureKind.TIMEOUT: 1}
    assert charged(failures, FailureKind.IO)[FailureKind.IO] == 4


def test_delays_double_from_thirty_seconds_to_five_minutes() -> None:
    assert [delay(n, SETTINGS) for n in range(6)] == [30, 60, 120, 240, 300, 300]


def test_delays_are_configurable() -> None:
    settings = RetrySettings(first_delay=1.0, max_delay=3.0)
    assert decide(FailureKind.IO, {FailureKind.IO: 2}, settings) == Retry(delay=3.0)


@given(st.integers(0, 10**9))
def test_a_delay_never_exceeds_its_ceiling(retries: int) -> None:
    assert SETTINGS.first_delay <= delay(retries, SETTINGS) <= SETTINGS.max_delay


def test_memory_runs_out_and_the_batch_is_halved_then_the_model_is_smaller_then_it_is_over() -> None:
    def out_of_memory(batch_size: int | None, smaller: str | None) -> object:
        return decide(FailureKind.OUT_OF_MEMORY, {}, SETTINGS, batch_size=batch_size, smaller_model=smaller)

    assert out_of_memory(5, "small") == SmallerBatch(batch_size=2)
    assert out_of_memory(2, "small") == SmallerBatch(batch_size=1)
    assert out_of_memory(1, "small") == SmallerModel(model="small")
    assert out_of_memory(None, "small") == SmallerModel(model="small")
    assert out_of_memory(1, None) == GiveUp(tries=1)


def test_a_smaller_model_is_taken_only_where_that_is_allowed() -> None:
    settings = RetrySettings(smaller_model_allowed=False)
    decision = decide(FailureKind.OUT_OF_MEMORY, {}, settings, batch_size=1, smaller_model="small")
    assert decision == GiveUp(tries=1)


@given(st.sampled_from(FailureKind), st.integers(1, 64), st.lists(st.text(min_size=1), max_size=5))
def test_a_job_that_always_fails_is_given_up_in_the_end(kind: FailureKind, batch: int, models: list[str]) -> None:
    failures: dict[FailureKind, int] = {}
    left = list(models)
    for _ in range(20):
        match decide(kind, failures, SETTINGS, batch_size=batch, smaller_model=left[0] if left else None):
            case SmallerBatch(batch_size=smaller):
                assert smaller < batch
                batch = smaller
            case SmallerModel():
                left.pop(0)
            case Retry():
                pass
            case GiveUp():
                return
        failures = charged(failures, kind)
    raise AssertionError("tried more than 20 times")


def test_a_job_is_suspect_after_three_starts_without_a_checkpoint() -> None:
    assert [is_suspect(starts, SETTINGS) for starts in range(5)] == [False, False, False, True, True]


def test_a_retry_goes_on_from_the_checkpoint_unless_it_is_of_other_audio_or_was_complete() -> None:
    assert keeps_checkpoint(State.FAILED, FailureKind.IO)
    assert keeps_checkpoint(State.CANCELLED, None)
    assert not keeps_checkpoint(State.COMPLETED, None)
    assert not keeps_checkpoint(State.FAILED, FailureKind.INPUT_CHANGED)
