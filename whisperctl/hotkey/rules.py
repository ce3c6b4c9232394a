"""What a key means at this moment: pure rules.

Owns: the step from a key's press or release to what is done. Leaves to others: doing it (`whisperctl.hotkey.agent`).
There is one microphone, so at most one binding listens.
"""

import enum

from whisperctl.hotkey.bindings import Mode


class Action(enum.Enum):
    START = "start"
    STOP = "stop"
    CANCEL = "cancel"
    AGAIN = "again"


def action(listening: int | None, binding: int, mode: Mode, down: bool) -> Action | None:
    """What the key of `binding`, going down or up, asks for while the binding `listening` (or none) listens."""
    if mode == "hold":
        if down and listening is None:
            return Action.START
        return Action.STOP if not down and listening == binding else None
    if not down:
        return None
    if mode == "toggle":
        if listening is None:
            return Action.START
        return Action.STOP if listening == binding else None
    if mode == "cancel":
        return Action.CANCEL
    return Action.AGAIN if listening is None else None
