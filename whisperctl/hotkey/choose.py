"""Which backend watches the keys: the one that was named, else the first that can.

Owns: their order by kind of session. Leaves to others: whether each can work (the backends).
"""

import os

from whisperctl.errors import CommandError, UsageError
from whisperctl.hotkey.backend import Backend
from whisperctl.hotkey.evdev import Evdev
from whisperctl.hotkey.keyboard import Keyboard
from whisperctl.hotkey.portal import Portal
from whisperctl.hotkey.x11 import X11
from whisperctl.insert.desktop import session_kind

BACKENDS = ("portal", "x11", "evdev", "keyboard")
_ORDER = {
    "wayland": ("portal", "evdev", "keyboard", "x11"),
    "x11": ("x11", "portal", "evdev", "keyboard"),
    "console": ("evdev", "keyboard", "portal", "x11"),
}
"""By kind of session, best first: what keeps the key from the focused program, then what also lets it through."""


def candidates() -> "list[Backend]":
    """Every backend, in the order of this session."""
    made = {backend.name: backend for backend in (Portal(), X11(), Evdev(), Keyboard())}
    return [made[name] for name in _ORDER[session_kind(dict(os.environ))]]


def chosen(name: str) -> Backend:
    """The backend of that name, or with `auto` the first that can work. Raises `CommandError` with every reason."""
    if name not in ("auto", *BACKENDS):
        raise UsageError(f"there is no backend {name!r}", f"there are auto, {', '.join(BACKENDS)}")
    reasons: list[str] = []
    for backend in candidates():
        if name not in ("auto", backend.name):
            continue
        obstacle = backend.obstacle()
        if obstacle is None:
            return backend
        if name != "auto":
            raise CommandError(f"{name}: {obstacle.reason}", obstacle.remedy)
        reasons.append(f"{backend.name}: {obstacle.reason}")
    raise CommandError(
        f"no backend can watch keys here ({'; '.join(reasons)})",
        "`whisperctl doctor` says what to do; a compositor's own key can run `whisperctl dictate toggle`",
    )
