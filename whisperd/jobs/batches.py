"""What a batch is, how its state changes, and how far it is: pure rules.

Owns: the states and commands of batches, what holds a batch's queued items, how a batch ends, and the arithmetic of its
progress. Leaves to others: the items, which are jobs (`job`, `transitions`), and where batches are kept
(`whisperd.store.batches`).
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from whisperd.errors import IllegalTransitionError
from whisperd.jobs import estimates
from whisperd.jobs.job import State
from whisperd.jobs.transitions import enumerated

MAX_CONCURRENCY: Final = 32
"""Files of one batch in progress at once at most: each is an open file and a stretch of audio in the worker."""


class BatchState(enum.StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in (BatchState.COMPLETED, BatchState.COMPLETED_WITH_ERRORS, BatchState.CANCELLED)


class BatchCommand(enum.StrEnum):
    """What can be done to a batch. Those that a person gives carry the names of their verbs."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    COMPLETE = "complete"
    """Every item has come to an end and none has failed."""
    COMPLETE_WITH_ERRORS = "complete_with_errors"
    REOPEN = "reopen"
    """A finished batch has an unfinished item again: one was added or retried."""


_ENDS: Final[Mapping[BatchCommand, BatchState]] = {
    BatchCommand.COMPLETE: BatchState.COMPLETED,
    BatchCommand.COMPLETE_WITH_ERRORS: BatchState.COMPLETED_WITH_ERRORS,
    BatchCommand.CANCEL: BatchState.CANCELLED,
}
_REOPENED: Final[Mapping[BatchCommand, BatchState]] = {BatchCommand.REOPEN: BatchState.RUNNING}

TRANSITIONS: Final[Mapping[BatchState, Mapping[BatchCommand, BatchState]]] = {
    BatchState.DRAFT: {BatchCommand.START: BatchState.RUNNING, BatchCommand.CANCEL: BatchState.CANCELLED},
    BatchState.RUNNING: {BatchCommand.PAUSE: BatchState.PAUSED, **_ENDS},
    BatchState.PAUSED: {BatchCommand.RESUME: BatchState.RUNNING, **_ENDS},
    BatchState.COMPLETED: _REOPENED,
    BatchState.COMPLETED_WITH_ERRORS: _REOPENED,
    BatchState.CANCELLED: _REOPENED,
}

_PARTICIPLES: Final[Mapping[BatchCommand, str]] = {
    BatchCommand.START: "started",
    BatchCommand.PAUSE: "paused",
    BatchCommand.RESUME: "resumed",
    BatchCommand.CANCEL: "cancelled",
    BatchCommand.COMPLETE: "completed",
    BatchCommand.COMPLETE_WITH_ERRORS: "completed",
    BatchCommand.REOPEN: "reopened",
}


def next_state(state: BatchState, command: BatchCommand, batch: str) -> BatchState:
    """The state that `command` leads to; `batch` is what a refusal calls the batch.

    Raises IllegalTransitionError where the state does not allow the command.
    """
    try:
        return TRANSITIONS[state][command]
    except KeyError:
        allowed = [_worded(source) for source, row in TRANSITIONS.items() if command in row]
        message = f"{batch} is {_worded(state)}; only {enumerated(allowed)} batches can be {_PARTICIPLES[command]}"
        raise IllegalTransitionError(message, hint=_hint(state, command)) from None


def _worded(state: BatchState) -> str:
    return state.value.replace("_", " ")


def _hint(state: BatchState, command: BatchCommand) -> str | None:
    if state.final:
        return "it runs again when files are added to it or some of its items are retried"
    match state, command:
        case BatchState.DRAFT, BatchCommand.PAUSE:
            return "nothing of it runs before it is started"
        case BatchState.DRAFT, BatchCommand.RESUME:
            return "start it instead"
        case BatchState.PAUSED, BatchCommand.START:
            return "resume it instead"
        case _:
            return None


def hold_of(state: BatchState) -> str | None:
    """What keeps the queued items of a batch in this state from starting; None when nothing does."""
    match state:
        case BatchState.DRAFT:
            return "the batch is a draft"
        case BatchState.PAUSED:
            return "the batch is paused"
        case _:
            return None


def ended(state: BatchState, items: Mapping[State, int]) -> BatchCommand | None:
    """What it means for a batch that items have come to an end, given the count of all by state; None for nothing.

    A batch without items goes on: they may still be added.
    """
    unfinished = any(count for item, count in items.items() if not item.final)
    if state.final or state is BatchState.DRAFT or unfinished or not any(items.values()):
        return None
    return BatchCommand.COMPLETE_WITH_ERRORS if items.get(State.FAILED) else BatchCommand.COMPLETE


def begun(state: BatchState) -> BatchCommand | None:
    """What it means for a batch that an item was added or queued again; None for nothing."""
    return BatchCommand.REOPEN if state.final else None


# -- progress ---------------------------------------------------------------------------------------------------------

TYPICAL_BYTES_A_SECOND: Final = 16_000.0
"""Bytes of one second of audio (128 kbit/s, a usual compressed recording) while no item of a batch was opened."""


class ItemTotals(msgspec.Struct, frozen=True):
    """Items in one state whose length is known, or of which it is not, added up: their `count`, bytes, and seconds of
    audio, of audio done and of computing."""

    state: State
    known: bool
    count: int
    size: int = 0
    duration: float = 0.0
    done: float = 0.0
    processing_time: float = 0.0


class Progress(msgspec.Struct, frozen=True):
    """How far a batch is; see `whisperd.wire.batch.BatchView`, whose figures these are."""

    total: int
    items: dict[State, int]
    size: int
    progress: float
    done: float
    duration: float
    estimated: bool
    speed: float | None
    megabytes_per_second: float | None
    eta: float | None


def progress(totals: Iterable[ItemTotals], *, expected_factor: float | None = None) -> Progress:
    """A batch's figures from its items'. `expected_factor` is the real-time factor to go by before one was seen.

    Items of unknown length are taken to be as long as their bytes at the rate of those that are known. Failed and
    cancelled items count for nothing but their number and size.
    """
    rows = list(totals)
    going = [row for row in rows if row.state not in (State.FAILED, State.CANCELLED)]
    known = sum(row.duration for row in going if row.known)
    known_size = sum(row.size for row in going if row.known)
    unknown_size = sum(row.size for row in going if not row.known)
    rate = known_size / known if known > 0 and known_size > 0 else TYPICAL_BYTES_A_SECOND
    duration = known + unknown_size / rate
    done = sum(row.duration if row.state is State.COMPLETED else row.done for row in going)
    computing = sum(row.processing_time for row in going)
    speed = estimates.speed(done, computing)
    factor = 1 / speed if speed else expected_factor
    unfinished = any(row.count for row in going if row.state is not State.COMPLETED)
    return Progress(
        total=sum(row.count for row in rows),
        items={state: sum(row.count for row in rows if row.state is state) for state in State},
        size=sum(row.size for row in rows),
        progress=estimates.progress(done, duration) if unfinished else float(bool(going)),
        done=done,
        duration=duration,
        estimated=any(row.count for row in going if not row.known),
        speed=speed,
        megabytes_per_second=speed * rate / 1e6 if speed and known_size else None,
        eta=None if factor is None or not unfinished else max(duration - done, 0.0) * factor,
    )
