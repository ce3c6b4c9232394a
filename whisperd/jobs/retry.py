"""What a failure leads to: another try after a delay, another try with less memory, or the end.

Owns: the table of retries by kind of failure, the delays, and whether a retry goes on from the checkpoint. Leaves to
others: carrying the decision out (the scheduler) and counting failures (`whisperd.store.jobs`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from whisperd.frames import FailureKind
from whisperd.jobs.job import State

RETRIES: Final[Mapping[FailureKind, int]] = MappingProxyType(
    {
        FailureKind.NETWORK: 3,
        FailureKind.IO: 3,
        FailureKind.WORKER_DIED: 2,
        FailureKind.DEVICE_LOST: 2,
        FailureKind.MODEL_LOAD: 1,
        FailureKind.TIMEOUT: 1,
        FailureKind.BAD_INPUT: 0,
        FailureKind.NO_AUDIO: 0,
        FailureKind.INPUT_MISSING: 0,
        FailureKind.INPUT_CHANGED: 0,
        FailureKind.DEPENDENCY: 0,
        FailureKind.INTERNAL: 0,
    }
)
"""Retries by kind of failure. `out_of_memory` is not among them: the same again would fail again, so it is met by
taking less memory for as long as there is less to take."""


class RetrySettings(msgspec.Struct, frozen=True):
    """Seconds before the first retry, doubled for each further one up to `max_delay`; whether a smaller model may
    stand in; after how many starts without a checkpoint that the daemon did not live to end a job has to run alone."""

    first_delay: float = 30.0
    max_delay: float = 300.0
    smaller_model_allowed: bool = True
    starts_in_company: int = 3
    attempts: Mapping[FailureKind, int] = MappingProxyType({})


class Retry(msgspec.Struct, frozen=True, tag="retry"):
    """Try the same again after `delay` seconds."""

    delay: float


class SmallerBatch(msgspec.Struct, frozen=True, tag="smaller_batch"):
    """Try again at once with this decoding batch size."""

    batch_size: int


class SmallerModel(msgspec.Struct, frozen=True, tag="smaller_model"):
    """Try again at once, from the beginning, with this model."""

    model: str


class GiveUp(msgspec.Struct, frozen=True, tag="give_up"):
    """The job has failed. `tries` counts this one too."""

    tries: int


Decision = Retry | SmallerBatch | SmallerModel | GiveUp


def decide(
    kind: FailureKind,
    failures: Mapping[FailureKind, int],
    settings: RetrySettings,
    *,
    batch_size: int | None = None,
    smaller_model: str | None = None,
) -> Decision:
    """What to do about a failure.

    `failures` counts the earlier ones of this job by kind, without this one. For `out_of_memory`: `batch_size` is the
    one in use, None when memory ran out before any decoding; `smaller_model` the next smaller one there is.
    """
    earlier = failures.get(kind, 0)
    if kind is FailureKind.OUT_OF_MEMORY:
        return _take_less_memory(earlier, settings, batch_size, smaller_model)
    if earlier >= settings.attempts.get(kind, RETRIES[kind]):
        return GiveUp(tries=earlier + 1)
    return Retry(delay=delay(earlier, settings))


def delay(retries: int, settings: RetrySettings) -> float:
    """Seconds before the next try, after `retries` earlier ones: exponential back-off with a ceiling."""
    # Doubling stops at the ceiling by itself; the exponent is bounded so that a large count cannot overflow a float.
    return min(settings.first_delay * 2.0 ** min(retries, 64), settings.max_delay)


def charged(failures: Mapping[FailureKind, int], kind: FailureKind) -> dict[FailureKind, int]:
    """`failures` with one more of `kind`."""
    return {**failures, kind: failures.get(kind, 0) + 1}


def is_suspect(unfinished_starts: int, settings: RetrySettings) -> bool:
    """Whether a job is to stand behind the others and run alone: so many starts, and no checkpoint after any of them.

    That is no evidence against it. Nothing of a file runs in the daemon, whose ends are power cuts, upgrades and
    restarts; a worker that a file ends is seen by the daemon, and charged then. But should the file have to do with it
    nevertheless (a driver that takes the machine with it), the others are done first.
    """
    return unfinished_starts >= settings.starts_in_company


def keeps_checkpoint(state: State, failure: FailureKind | None) -> bool:
    """Whether a retry by hand goes on from the checkpoint.

    Not after `completed` (who asks again wants it done again), and not when the file has changed or could not be read:
    what is stored belongs to the audio that was there before, and a damaged file is retried because it was replaced.
    """
    replaced = (FailureKind.INPUT_CHANGED, FailureKind.BAD_INPUT, FailureKind.NO_AUDIO)
    return state is not State.COMPLETED and failure not in replaced


def _take_less_memory(
    earlier: int, settings: RetrySettings, batch_size: int | None, smaller_model: str | None
) -> Decision:
    if batch_size is not None and batch_size > 1:
        return SmallerBatch(batch_size=batch_size // 2)
    if smaller_model is not None and settings.smaller_model_allowed:
        return SmallerModel(model=smaller_model)
    return GiveUp(tries=earlier + 1)
