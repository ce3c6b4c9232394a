"""The transition table, against the one in the design."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.errors import IllegalTransitionError, RefusedError
from whisperd.jobs.job import State
from whisperd.jobs.transitions import TRANSITIONS, Command, next_state

REACHABLE = {
    State.QUEUED: {State.RUNNING, State.PAUSED, State.CANCELLED},
    State.RUNNING: {
        State.COMPLETED,
        State.FAILED,
        State.CANCELLED,
        State.PAUSED,
        State.QUEUED,
        State.WAITING,
    },
    State.WAITING: {State.QUEUED, State.PAUSED, State.CANCELLED},
    State.PAUSED: {State.QUEUED, State.CANCELLED},
    State.COMPLETED: {State.QUEUED},
    State.FAILED: {State.QUEUED},
    State.CANCELLED: {State.QUEUED},
}
"""Written down once more from the design, state to states, to catch a slip in the table."""


@pytest.mark.parametrize("state", State)
def test_each_state_leads_to_the_states_of_the_design(state: State) -> None:
    assert set(TRANSITIONS[state].values()) == REACHABLE[state]


@pytest.mark.parametrize("state", [state for state in State if state.final])
def test_a_final_state_is_left_by_retry_only(state: State) -> None:
    assert set(TRANSITIONS[state]) == {Command.RETRY}


@pytest.mark.parametrize("command", Command)
def test_every_command_is_legal_somewhere_and_leads_to_one_state(command: Command) -> None:
    assert len({row[command] for row in TRANSITIONS.values() if command in row}) == 1


def test_a_refusal_says_what_the_job_is_and_what_it_would_have_to_be() -> None:
    with pytest.raises(IllegalTransitionError) as refusal:
        next_state(State.COMPLETED, Command.PAUSE)
    assert refusal.value.message == "job is completed; only queued, running and waiting jobs can be paused"
    assert refusal.value.hint == "retry it first"
    assert isinstance(refusal.value, RefusedError)


def test_a_refusal_names_a_single_state_alone() -> None:
    with pytest.raises(IllegalTransitionError, match=r"^job is queued; only paused jobs can be resumed$"):
        next_state(State.QUEUED, Command.RESUME)


@given(st.lists(st.sampled_from(Command)))
def test_any_commands_keep_a_job_in_the_design(commands: list[Command]) -> None:
    state = State.QUEUED
    for command in commands:
        try:
            after = next_state(state, command)
        except IllegalTransitionError:
            assert command not in TRANSITIONS[state]
            continue
        assert after in REACHABLE[state]
        assert not state.final or command is Command.RETRY
        state = after


@given(st.lists(st.sampled_from(Command)))
def test_a_job_that_is_not_final_can_always_be_cancelled_and_tried_again(commands: list[Command]) -> None:
    state = State.QUEUED
    for command in commands:
        if command in TRANSITIONS[state]:
            state = next_state(state, command)
    if not state.final:
        state = next_state(state, Command.CANCEL)
    assert next_state(state, Command.RETRY) is State.QUEUED
