"""What only the X server knows before something is typed: which characters have a key, what is held, where keys go.

Owns: these three questions. Leaves to others: typing. Without python-xlib or a display there is no answer, and typing
goes ahead: its own failure says more.
"""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json

_RELEASE_LIMIT = 1.5
"""Seconds to wait until modifiers are released: the person has just let go of the hotkey, or is about to."""
_LOOK_AGAIN = 0.01
_HELD = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6
"""Shift, Control, Mod1 (Alt) and Mod4 (Super) in a key mask: X.h."""


def connects() -> bool:
    """Whether there is an X server to type on, as far as can be known."""
    display = _display()
    if display:
        display.close()
    return display is not None or not _installed()


def unreachable(text: str) -> str | None:
    """The first character that no key of the current map gives, plain or with shift; None when there is none."""
    display = _display()
    if display is None:
        return None
    try:
        reachable: set[int] = set()
        first, last = display.display.info.min_keycode, display.display.info.max_keycode
        for keysyms in display.get_keyboard_mapping(first, last - first + 1):
            reachable.update(keysyms[:2])
        return next((character for character in text if not _keysyms(character) & reachable), None)
    finally:
        display.close()


def ready_for_typing() -> str | None:
    """Wait until no modifier is held, since it would turn letters into commands; why nothing can be typed, if so."""
    display = _display()
    if display is None:
        return None
    try:
        if not display.get_input_focus().focus:
            return "no window has the keyboard's focus"
        root = display.screen().root
        deadline = time.monotonic() + _RELEASE_LIMIT
        while root.query_pointer().mask & _HELD and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN)  # the X protocol without extensions tells only the focused program
    finally:
        display.close()
    return None


def _keysyms(character: str) -> "set[int]":
    """Latin-1 characters are their own keysyms, others are written 0x1000000 + code point: keysymdef.h.

    Maps use older names for some of the others; python-xlib knows these by X's names only, so they count as not there.
    """
    code = ord(character)
    return {code} if 0x20 <= code <= 0xFF else {0x1000000 + code}


def _installed() -> bool:
    from importlib.util import find_spec

    return find_spec("Xlib") is not None


def _display() -> "Json | None":
    try:
        from Xlib import display
        from Xlib.error import DisplayError
    except ImportError:
        return None
    try:
        opened: Json = display.Display()
    except (DisplayError, OSError):
        return None
    return opened
