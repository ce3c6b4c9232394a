"""Keys under X: grabbed, so that they reach nobody else.

Owns: grabs for every state of the locks, and telling a key that repeats from one that is pressed again. Leaves to
others: what keys mean. Under Wayland an X server sees only the keys of X programs, so this is not for there.
"""

import os
import select
from collections.abc import Callable

from whisperctl.hotkey.backend import Backend, BackendError, Report
from whisperctl.hotkey.bindings import Binding
from whisperctl.insert.desktop import Obstacle, session_kind
from whisperctl.keys import KEYS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json

REPEAT_WINDOW = 0.02
"""Seconds in which the press follows the release that a held key's repetition makes; both carry the same time."""


class X11(Backend):
    name = "x11"

    def obstacle(self) -> Obstacle | None:
        kind = session_kind(dict(os.environ))
        if kind == "wayland":
            return Obstacle("under Wayland X sees the keys of X programs only", "use the portal or evdev")
        if kind == "console":
            return Obstacle("DISPLAY is not set", "run it in the X session, as its user")
        try:
            _connected().close()
        except BackendError as error:
            return Obstacle(error.reason, error.remedy)
        return None

    def watch(self, bindings: "tuple[Binding, ...]", ready: Callable[[], None], report: Report) -> None:
        display = _connected()
        try:
            watch = _Watch(display, bindings, report)
            watch.grab()
            ready()
            watch.run()
        except _errors() as error:
            raise BackendError(f"the X server is gone: {error}", "start the agent again in the new session") from None
        finally:
            display.close()


class _Watch:
    """Grabs of one connection and the events they bring."""

    def __init__(self, display: "Json", bindings: "tuple[Binding, ...]", report: Report) -> None:
        from Xlib import X

        self._x = X
        self._display = display
        self._root = display.screen().root
        self._bindings = bindings
        self._report = report
        self._number_of: dict[int, list[tuple[int, int]]] = {}
        self._pressed: dict[int, int] = {}
        self._put_back: Json = None

    def grab(self) -> None:
        """Each chord with and without the locks, of which Num Lock is whichever modifier has its key."""
        from Xlib.error import BadAccess, CatchError

        x = self._x
        locks = x.LockMask, self._num_lock()
        ignored = [0, locks[0], locks[1], locks[0] | locks[1]]
        masks = {"ctrl": x.ControlMask, "alt": x.Mod1Mask, "shift": x.ShiftMask, "super": x.Mod4Mask}
        for number, binding in enumerate(self._bindings):
            keycode = self._keycode(binding)
            mask = sum(masks[name] for name in binding.chord.modifiers)
            taken = CatchError(BadAccess)
            for lock in ignored:
                self._root.grab_key(keycode, mask | lock, False, x.GrabModeAsync, x.GrabModeAsync, onerror=taken)
            self._display.sync()
            if taken.get_error():
                raise BackendError(
                    f"another program has taken {binding.chord}",
                    "choose other keys, or free them in the desktop's settings",
                )
            self._number_of.setdefault(keycode, []).append((mask, number))

    def run(self) -> None:
        while True:
            event, self._put_back = self._put_back or self._display.next_event(), None
            if event.type == self._x.KeyPress:
                self._press(event)
            elif event.type == self._x.KeyRelease and not self._repeats(event):
                self._release(event.detail)
            elif event.type == self._x.MappingNotify:
                self._display.refresh_keyboard_mapping(event)
                self._root.ungrab_key(self._x.AnyKey, self._x.AnyModifier)
                self._number_of.clear()
                self.grab()

    def _press(self, event: "Json") -> None:
        if event.detail in self._pressed:
            return
        relevant = self._x.ShiftMask | self._x.ControlMask | self._x.Mod1Mask | self._x.Mod4Mask
        for mask, number in self._number_of.get(event.detail, []):
            if mask == event.state & relevant:
                self._pressed[event.detail] = number
                self._report(number, True)

    def _release(self, keycode: int) -> None:
        number = self._pressed.pop(keycode, None)
        if number is not None:
            self._report(number, False)

    def _repeats(self, release: "Json") -> bool:
        """Whether the key is still held: then the next event is its press, at the same time. That press is taken."""
        if not self._display.pending_events():
            select.select([self._display.fileno()], [], [], REPEAT_WINDOW)
        if not self._display.pending_events():
            return False
        following = self._display.next_event()
        if (following.type, following.detail, following.time) == (self._x.KeyPress, release.detail, release.time):
            return True
        self._put_back = following
        return False

    def _keycode(self, binding: Binding) -> int:
        from Xlib import XK

        keysym = XK.string_to_keysym(KEYS[binding.chord.key].keysym)
        keycode: int = self._display.keysym_to_keycode(keysym)
        if not keycode:
            raise BackendError(f"this keyboard has no key for {binding.chord}", "choose other keys")
        return keycode

    def _num_lock(self) -> int:
        from Xlib import XK

        keycode = self._display.keysym_to_keycode(XK.string_to_keysym("Num_Lock"))
        for number, keycodes in enumerate(self._display.get_modifier_mapping()):
            if keycode and keycode in keycodes:
                return 1 << number
        return self._x.Mod2Mask


def _connected() -> "Json":
    try:
        from Xlib.display import Display
    except ImportError:
        raise BackendError("the package python-xlib is not installed", "install whisperd again") from None
    try:
        opened: Json = Display()
    except _errors() as error:
        raise BackendError(
            f"can't reach the X server at {os.environ.get('DISPLAY')}: {error}", "check DISPLAY"
        ) from None
    return opened


def _errors() -> "tuple[type[BaseException], ...]":
    from Xlib.error import ConnectionClosedError, DisplayError

    return (DisplayError, ConnectionClosedError, OSError)
