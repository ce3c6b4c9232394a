"""How a job's state changes: one table of states and commands, and nothing else decides it.

Owns: which command is legal in which state and where it leads. Leaves to others: what changes along with the state
(`whisperd.store.jobs`), and who gives which command when (`policy`, `retry`, people).
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Final

from whisperd.errors import IllegalTransitionError
from whisperd.jobs.job import State


class Command(enum.StrEnum):
    """What can be done to a job. Those that a person gives carry the names of their verbs (`whisperctl job pause`)."""

    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    REQUEUE = "requeue"
    """Back into the queue without charging an attempt: preempted, or the daemon ended or died meanwhile."""
    WAIT = "wait"
    """Put off until a time, to be tried again then."""
    WAKE = "wake"
    """That time has come."""
    RETRY = "retry"
    """A person asks for another try of what has ended, completed included."""


TRANSITIONS: Final[Mapping[State, Mapping[Command, State]]] = {
    State.QUEUED: {
        Command.START: State.RUNNING,
        Command.PAUSE: State.PAUSED,
        Command.CANCEL: State.CANCELLED,
    },
    State.RUNNING: {
        Command.COMPLETE: State.COMPLETED,
        Command.FAIL: State.FAILED,
        Command.CANCEL: State.CANCELLED,
        Command.PAUSE: State.PAUSED,
        Command.REQUEUE: State.QUEUED,
        Command.WAIT: State.WAITING,
    },
    State.WAITING: {
        Command.WAKE: State.QUEUED,
        Command.PAUSE: State.PAUSED,
        Command.CANCEL: State.CANCELLED,
    },
    State.PAUSED: {
        Command.RESUME: State.QUEUED,
        Command.CANCEL: State.CANCELLED,
    },
    State.COMPLETED: {Command.RETRY: State.QUEUED},
    State.FAILED: {Command.RETRY: State.QUEUED},
    State.CANCELLED: {Command.RETRY: State.QUEUED},
}

_PARTICIPLES: Final[Mapping[Command, str]] = {
    Command.START: "started",
    Command.COMPLETE: "completed",
    Command.FAIL: "failed",
    Command.CANCEL: "cancelled",
    Command.PAUSE: "paused",
    Command.RESUME: "resumed",
    Command.REQUEUE: "put back into the queue",
    Command.WAIT: "put off",
    Command.WAKE: "woken",
    Command.RETRY: "retried",
}


def next_state(state: State, command: Command) -> State:
    """The state that `command` leads to. Raises IllegalTransitionError where the state does not allow it."""
    try:
        return TRANSITIONS[state][command]
    except KeyError:
        raise IllegalTransitionError(_refusal(state, command), hint=_hint(state)) from None


def _refusal(state: State, command: Command) -> str:
    allowed = [source.value for source, row in TRANSITIONS.items() if command in row]
    return f"job is {state.value}; only {enumerated(allowed)} jobs can be {_PARTICIPLES[command]}"


def enumerated(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _hint(state: State) -> str | None:
    return "retry it first" if state.final else None
