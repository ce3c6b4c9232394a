"""Keys and chords as a person writes them: `ctrl+space`, `super+shift+d`, `rightctrl`, `f9`.

Owns: the names of keys, what they are called by the kernel, by X and by the desktop portal, and reading a chord. Leaves
to others: grabbing (`whisperctl.hotkey`) and pressing (`whisperctl.insert`) them. Codes are those of the kernel's
`input-event-codes.h`; names of keysyms are those of X's `keysymdef.h`, which the portal's shortcuts use too.
"""

from typing import NamedTuple

from whisperctl.errors import UsageError


class Key(NamedTuple):
    """One key: the kernel's `code` and X's `keysym`."""

    code: int
    keysym: str


MODIFIERS = {
    "ctrl": (Key(29, "Control_L"), Key(97, "Control_R")),
    "alt": (Key(56, "Alt_L"), Key(100, "Alt_R")),
    "shift": (Key(42, "Shift_L"), Key(54, "Shift_R")),
    "super": (Key(125, "Super_L"), Key(126, "Super_R")),
}
"""Each with its left and its right key, in the order that chords are written in."""

_ROWS = ((2, "1234567890"), (16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm"))
_LETTERS = {name: Key(code, name) for first, row in _ROWS for code, name in enumerate(row, first)}
_NAMED = {
    "escape": (1, "Escape"), "minus": (12, "minus"), "equal": (13, "equal"), "backspace": (14, "BackSpace"),
    "tab": (15, "Tab"), "bracketleft": (26, "bracketleft"), "bracketright": (27, "bracketright"),
    "enter": (28, "Return"), "semicolon": (39, "semicolon"), "apostrophe": (40, "apostrophe"), "grave": (41, "grave"),
    "backslash": (43, "backslash"), "comma": (51, "comma"), "period": (52, "period"), "slash": (53, "slash"),
    "space": (57, "space"), "capslock": (58, "Caps_Lock"), "numlock": (69, "Num_Lock"),
    "scrolllock": (70, "Scroll_Lock"),
    "print": (99, "Print"), "home": (102, "Home"), "up": (103, "Up"), "pageup": (104, "Prior"), "left": (105, "Left"),
    "right": (106, "Right"), "end": (107, "End"), "down": (108, "Down"), "pagedown": (109, "Next"),
    "insert": (110, "Insert"), "delete": (111, "Delete"), "pause": (119, "Pause"), "menu": (127, "Menu"),
}  # fmt: skip
_SIDES = {
    f"{side}{name}": keys[number] for name, keys in MODIFIERS.items() for number, side in enumerate(("left", "right"))
}
_FUNCTIONS = {
    f"f{number}": Key(
        58 + number if number <= 10 else 87 + number - 11 if number <= 12 else 183 + number - 13, f"F{number}"
    )
    for number in range(1, 25)
}
KEYS = _LETTERS | {name: Key(*key) for name, key in _NAMED.items()} | _SIDES | _FUNCTIONS
"""Every key that a chord may end in; a modifier's, with its side, may stand alone."""

_ALIASES = {
    "control": "ctrl", "meta": "super", "win": "super", "mod4": "super", "logo": "super", "mod1": "alt",
    "esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "pgup": "pageup", "pgdn": "pagedown",
    "altgr": "rightalt", "-": "minus", "=": "equal", ",": "comma", ".": "period", "/": "slash", ";": "semicolon",
    "'": "apostrophe", "`": "grave", "\\": "backslash", "[": "bracketleft", "]": "bracketright", " ": "space",
}  # fmt: skip


class Chord(NamedTuple):
    """A key, pressed while modifiers are held. `modifiers` are in the order of `MODIFIERS`."""

    modifiers: tuple[str, ...]
    key: str

    def __str__(self) -> str:
        return "+".join((*self.modifiers, self.key))

    def codes(self) -> "list[int]":
        """The kernel's codes in the order of pressing, of the left one of each modifier."""
        return [*(MODIFIERS[name][0].code for name in self.modifiers), KEYS[self.key].code]

    def keysyms(self, modifiers: "dict[str, str]") -> str:
        """`CTRL+space`: the modifiers as `modifiers` calls them, and the key's keysym."""
        return "+".join((*(modifiers.get(name, name) for name in self.modifiers), KEYS[self.key].keysym))


def chord(written: str) -> Chord:
    """Read `ctrl+alt+space`. Raises `UsageError`, which says what is wrong and what there is."""
    names = [_known(part) for part in _parts(written.strip().lower())]
    *modifiers, key = names
    if key in MODIFIERS:
        raise UsageError(
            f"{written!r} has no key besides its modifiers",
            f"end it in a key, as in {written.strip()}+space; a modifier alone has its side, as in right{key}",
        )
    if key not in KEYS:
        raise _no_such_key(written, key)
    for name in modifiers:
        if name not in MODIFIERS:
            raise UsageError(
                f"{name!r} in {written!r} is not a modifier", f"modifiers are {', '.join(MODIFIERS)}; one key ends it"
            )
    if len(set(modifiers)) < len(modifiers):
        raise UsageError(f"{written!r} names a modifier twice", "write each once")
    return Chord(tuple(name for name in MODIFIERS if name in modifiers), key)


def _parts(written: str) -> "list[str]":
    return ["", ""] if not written else [part if part == " " else part.strip() for part in written.split("+")]


def _known(part: str) -> str:
    return _ALIASES.get(part, part)


def _no_such_key(written: str, key: str) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(key, KEYS, n=1)
    hint = f"did you mean {near[0]}?" if near else "write it as in ctrl+space, super+d, f9 or rightctrl"
    return UsageError(f"there is no key {key!r} in {written!r}" if key else f"{written!r} names no key", hint)
