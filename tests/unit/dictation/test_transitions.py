"""The table of a session's states."""

import pytest

from whisperd.dictation.transitions import TRANSITIONS, Command, is_legal, next_state
from whisperd.errors import RefusedError
from whisperd.wire.dictate import SessionState


def test_a_final_state_is_left_by_nothing() -> None:
    for state in SessionState:
        assert state.final is (not any(is_legal(state, command) for command in Command))


def test_from_every_other_state_a_session_can_be_cancelled_and_can_fail() -> None:
    for state in TRANSITIONS:
        assert next_state(state, Command.CANCEL) is SessionState.CANCELLED
        assert next_state(state, Command.FAIL) is SessionState.FAILED


def test_what_records_is_what_can_be_released() -> None:
    for state in SessionState:
        assert state.recording is is_legal(state, Command.RELEASE)


def test_every_state_can_be_reached() -> None:
    reached = {SessionState.OPENING} | {to for row in TRANSITIONS.values() for to in row.values()}
    assert reached == set(SessionState)


def test_a_command_out_of_place_is_refused_in_words() -> None:
    with pytest.raises(RefusedError, match="this dictation is done, so it can't cancel"):
        next_state(SessionState.DONE, Command.CANCEL)
