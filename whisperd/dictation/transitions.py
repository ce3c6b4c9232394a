"""How a session's state changes: one table of states and commands, and nothing else decides it.

Owns: which command is legal in which state and where it leads. Leaves to others: what a session does in a state
(`course`), and who gives which command when (`service`).
"""

import enum
from collections.abc import Mapping
from typing import Final

from whisperd.errors import RefusedError
from whisperd.wire.dictate import SessionState


class Command(enum.StrEnum):
    HEAR = "hear"
    """The first frames are stored."""
    RELEASE = "release"
    """Nothing more is recorded: the key is up, or time, connection or microphone have ended it."""
    FINISH = "finish"
    """There is a text, and it is stored."""
    FIND_NOTHING = "find_nothing"
    """Too short, silent, or nothing that a person said."""
    CANCEL = "cancel"
    FAIL = "fail"


TRANSITIONS: Final[Mapping[SessionState, Mapping[Command, SessionState]]] = {
    SessionState.OPENING: {
        Command.HEAR: SessionState.LISTENING,
        Command.RELEASE: SessionState.THINKING,
        Command.CANCEL: SessionState.CANCELLED,
        Command.FAIL: SessionState.FAILED,
    },
    SessionState.LISTENING: {
        Command.RELEASE: SessionState.THINKING,
        Command.CANCEL: SessionState.CANCELLED,
        Command.FAIL: SessionState.FAILED,
    },
    SessionState.THINKING: {
        Command.FINISH: SessionState.DONE,
        Command.FIND_NOTHING: SessionState.NOTHING_HEARD,
        Command.CANCEL: SessionState.CANCELLED,
        Command.FAIL: SessionState.FAILED,
    },
}


def next_state(state: SessionState, command: Command) -> SessionState:
    """The state that `command` leads to. Raises RefusedError where the state does not allow it."""
    try:
        return TRANSITIONS[state][command]
    except KeyError:
        raise RefusedError(f"this dictation is {state.value}, so it can't {command.value.replace('_', ' ')}") from None


def is_legal(state: SessionState, command: Command) -> bool:
    return command in TRANSITIONS.get(state, {})
