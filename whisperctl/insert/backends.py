"""The ways to put text at the cursor, behind one interface.

Owns: what each needs, which characters arrive intact by it, and how it types. Leaves to others: in which order they are
tried (`whisperctl.insert.plan`), running programs (`whisperctl.insert.programs`), the clipboard
(`whisperctl.insert.clipboard`).
"""

import sys
from abc import ABC, abstractmethod

from whisperctl.insert import x11
from whisperctl.insert.desktop import UINPUT, Desktop, Obstacle
from whisperctl.insert.plan import Piece
from whisperctl.insert.programs import ProgramError, run
from whisperctl.keys import Chord

KEY_DELAY = 0.002
"""Seconds between key strokes: some programs lose keys that come faster, and a sentence still takes a fifth of one."""
_LEAST_SHARE = 0.4
"""Of the delays, what a program takes at least (xdotool was measured at 0.7 of what it was told)."""


ENTER = Chord((), "enter")
_WTYPE_MODIFIERS = {"super": "logo"}


class InsertError(Exception):
    """A backend failed. `left`: what it did not type."""

    def __init__(self, reason: str, left: "list[Piece]") -> None:
        super().__init__(reason)
        self.reason = reason
        self.left = left


class Backend(ABC):
    """One way to put text at the cursor. `name` is how it is asked for."""

    name = ""

    def __init__(self, desktop: Desktop) -> None:
        self.desktop = desktop

    @abstractmethod
    def obstacle(self) -> Obstacle | None:
        """Why it can't work on this desktop; None where it should."""

    def refusal(self, text: str) -> str | None:  # noqa: B027 (a way that takes any text has nothing to say)
        """Why this text would not arrive intact; None where it should."""

    @abstractmethod
    def insert(self, pieces: "list[Piece]") -> None:
        """Put the pieces at the cursor. Raises `InsertError`."""


class TypingBackend(Backend):
    """One that presses keys: those of a text, or a chord."""

    def __init__(self, desktop: Desktop, line_break: Chord = ENTER) -> None:
        super().__init__(desktop)
        self._line_break = line_break

    def insert(self, pieces: "list[Piece]") -> None:
        for number, piece in enumerate(pieces):
            try:
                self.type(piece.text)
                if piece.breaks:
                    self.press(self._line_break)
            except ProgramError as error:
                raise InsertError(str(error), pieces[number:]) from None

    @abstractmethod
    def type(self, text: str) -> None:
        """Type one piece, which may be empty. Raises `ProgramError`."""

    @abstractmethod
    def press(self, chord: Chord) -> None:
        """Press and release a chord. Raises `ProgramError`."""


class Wtype(TypingBackend):
    """The virtual keyboard of wlroots, Hyprland and others: its key map is its own, with every character."""

    name = "wtype"

    def obstacle(self) -> Obstacle | None:
        if self.desktop.session != "wayland":
            return Obstacle("wtype types under Wayland only, and WAYLAND_DISPLAY is not set", _elsewhere(self.desktop))
        if {"GNOME", "KDE"} & set(self.desktop.name.upper().split(":")):
            return Obstacle(
                f"{self.desktop.name} has no virtual keyboard protocol for wtype", "use ydotool or the clipboard"
            )
        return _missing("wtype", self.desktop)

    def type(self, text: str) -> None:
        if text:
            run(["wtype", "-d", f"{KEY_DELAY * 1000:.0f}", "-"], text.encode(), _least(text))

    def press(self, chord: Chord) -> None:
        names = [_WTYPE_MODIFIERS.get(name, name) for name in chord.modifiers]
        down = [word for name in names for word in ("-M", name)]
        up = [word for name in reversed(names) for word in ("-m", name)]
        run(["wtype", *down, "-k", chord.keysyms({}).rsplit("+", 1)[-1], *up])


class Ydotool(TypingBackend):
    """A keyboard of the kernel's, for any session. It knows key positions only: those of a US keyboard."""

    name = "ydotool"

    def obstacle(self) -> Obstacle | None:
        if missing := _missing("ydotool", self.desktop):
            return missing
        if not self.desktop.ydotoold:
            return Obstacle(
                "ydotoold is not running, or its socket can't be opened",
                "start it with `systemctl --user enable --now ydotool`, or as root with a socket that is yours",
            )
        return None

    def refusal(self, text: str) -> str | None:
        if strange := _not_ascii(text):
            return f"ydotool can't type {strange!r}: it knows the keys of a US keyboard only"
        if self.desktop.layout not in (None, "us"):
            return f"ydotool types as on a US keyboard, and the layout here is {self.desktop.layout}"
        return None

    def type(self, text: str) -> None:
        if text:
            delay = f"{KEY_DELAY * 1000:.0f}"
            run(["ydotool", "type", "--key-delay", delay, "--file", "-"], text.encode(), _least(text))

    def press(self, chord: Chord) -> None:
        codes = chord.codes()
        run(["ydotool", "key", *(f"{code}:1" for code in codes), *(f"{code}:0" for code in reversed(codes))])


class Xdotool(TypingBackend):
    """X's test extension. A character without a key needs the keyboard's map changed while typing, which loses some."""

    name = "xdotool"

    def obstacle(self) -> Obstacle | None:
        if self.desktop.session == "wayland":
            return Obstacle(
                "under Wayland xdotool reaches X programs only, and can't tell", "use wtype, ydotool or the clipboard"
            )
        if self.desktop.session == "console":
            return Obstacle("xdotool types under X only, and DISPLAY is not set", _elsewhere(self.desktop))
        if not x11.connects():
            return Obstacle("the X server at DISPLAY can't be reached", "check DISPLAY and XAUTHORITY")
        return _missing("xdotool", self.desktop)

    def refusal(self, text: str) -> str | None:
        if strange := x11.unreachable(text):
            return f"xdotool can't type {strange!r} reliably: no key of this layout has it"
        return None

    def insert(self, pieces: "list[Piece]") -> None:
        if problem := x11.ready_for_typing():
            raise InsertError(problem, pieces)
        super().insert(pieces)

    def type(self, text: str) -> None:
        if text:
            delay = f"{KEY_DELAY * 1000:.0f}"
            run(["xdotool", "type", "--clearmodifiers", "--delay", delay, "--file", "-"], text.encode(), _least(text))

    def press(self, chord: Chord) -> None:
        run(["xdotool", "key", "--clearmodifiers", chord.keysyms({})])


class Keyboard(TypingBackend):
    """The `keyboard` package, in a process of its own. Root only; it knows the keys of the console's map."""

    name = "keyboard"

    def obstacle(self) -> Obstacle | None:
        if not self.desktop.root:
            return Obstacle("the keyboard package works for root only on Linux", "use another backend")
        if not self.desktop.uinput:
            return Obstacle(f"{UINPUT} is not there or can't be written to", "run `modprobe uinput`")
        if "dumpkeys" not in self.desktop.programs:
            return Obstacle(
                "the keyboard package asks dumpkeys for the keys' names, and it is not installed",
                "install the package kbd",
            )
        return None

    def refusal(self, text: str) -> str | None:
        if strange := _not_ascii(text):
            return f"the keyboard package can't type {strange!r} in every program"
        return None

    def type(self, text: str) -> None:
        if text:
            run([sys.executable, "-m", "whisperctl.insert.keyboard_process", "type"], text.encode(), _least(text))

    def press(self, chord: Chord) -> None:
        run([sys.executable, "-m", "whisperctl.insert.keyboard_process", "press"], str(chord).encode())


def _least(text: str) -> float:
    """Seconds that typing a text takes at the very least."""
    return _LEAST_SHARE * KEY_DELAY * len(text)


def _missing(program: str, desktop: Desktop) -> Obstacle | None:
    if program in desktop.programs:
        return None
    return Obstacle(f"{program} is not installed", f"install the package {program}")


def _elsewhere(desktop: Desktop) -> str:
    if desktop.session == "console":
        return "run it in the graphical session, whose display `systemctl --user import-environment` gives to services"
    return "it is not needed here"


def _not_ascii(text: str) -> str | None:
    return next((character for character in text if not character.isascii()), None)
