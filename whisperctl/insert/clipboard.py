"""The clipboard: putting text there, and pasting it with what was there before put back.

Owns: the tools that reach it under Wayland and X, and the order of a paste. Leaves to others: pressing the chord.

A paste is offered once, by a process that ends when a program has taken it: that is how it is known that one did. After
that the text stays for a moment (a clipboard manager may have been the one that took it first), then the old content
comes back.
"""

import subprocess
import time
from typing import NamedTuple

from whisperctl.insert.backends import Backend, InsertError, TypingBackend
from whisperctl.insert.desktop import Desktop, Obstacle
from whisperctl.insert.plan import Piece
from whisperctl.insert.programs import ProgramError, environment, run
from whisperctl.keys import Chord

TAKEN_LIMIT = 2.0
"""Seconds in which the focused program must ask for what is pasted."""
OFFER_DELAY = 0.05
"""Seconds from offering to pressing the chord: the offer must stand, and managers look at it in that time."""
SETTLE = 0.2
"""Seconds that the text stays after it was taken, for a program that asks twice or was forestalled by a manager."""

_TEXT_TARGETS = ("UTF8_STRING", "text/plain;charset=utf-8", "TEXT", "STRING", "text/plain")
_NO_CONTENT = ("TARGETS", "MULTIPLE", "TIMESTAMP", "SAVE_TARGETS", "DELETE")


class Tool(NamedTuple):
    """Commands for one clipboard. `{type}` stands for a content's type; `offer` ends once the content was taken."""

    copy: "tuple[str, ...]"
    copy_as: "tuple[str, ...]"
    paste_as: "tuple[str, ...]"
    types: "tuple[str, ...]"
    offer: "tuple[str, ...]"


_WAYLAND = Tool(
    copy=("wl-copy", "--type", "text/plain;charset=utf-8"),
    copy_as=("wl-copy", "--type", "{type}"),
    paste_as=("wl-paste", "--no-newline", "--type", "{type}"),
    types=("wl-paste", "--list-types"),
    offer=("wl-copy", "--foreground", "--paste-once", "--type", "text/plain;charset=utf-8"),
)
_X11_BASE = ("xclip", "-selection", "clipboard")
_X11 = Tool(
    copy=(*_X11_BASE, "-in"),
    copy_as=(*_X11_BASE, "-in", "-target", "{type}"),
    paste_as=(*_X11_BASE, "-out", "-target", "{type}"),
    types=(*_X11_BASE, "-out", "-target", "TARGETS"),
    offer=(*_X11_BASE, "-in", "-quiet", "-loops", "1"),
)
_XSEL = Tool(
    copy=("xsel", "--clipboard", "--input"),
    copy_as=("xsel", "--clipboard", "--input"),
    paste_as=("xsel", "--clipboard", "--output"),
    types=(),
    offer=(),
)


class Content(NamedTuple):
    """What was on the clipboard: one type of it."""

    type: str
    data: bytes


def obstacle(desktop: Desktop) -> Obstacle | None:
    """Why there is no clipboard here, or no tool that reaches it."""
    if desktop.session == "console":
        return Obstacle("a console has no clipboard", "dictate in a graphical session, or with --output stdout")
    if _tool(desktop) is None:
        package = "wl-clipboard" if desktop.session == "wayland" else "xclip"
        return Obstacle(f"nothing here reaches the {_in_words(desktop)} clipboard", f"install the package {package}")
    return None


def copy(text: str, desktop: Desktop) -> None:
    """Leave the text on the clipboard. Raises `ProgramError`."""
    if problem := obstacle(desktop):
        raise ProgramError(problem.reason)
    tool = _tool(desktop)
    assert tool is not None
    run(list(tool.copy), text.encode())


class Paste(Backend):
    """Offer the text on the clipboard, press the paste chord, put the old content back."""

    name = "clipboard"

    def __init__(self, desktop: Desktop, pressing: "tuple[TypingBackend, ...]", chord: Chord) -> None:
        super().__init__(desktop)
        self._pressing = pressing
        self._chord = chord

    def obstacle(self) -> Obstacle | None:
        if problem := obstacle(self.desktop):
            return problem
        problems = [backend.obstacle() for backend in self._pressing]
        if all(problems):
            reasons = ", ".join(problem.reason for problem in problems if problem)
            return Obstacle(f"nothing here can press {self._chord}: {reasons}", "install wtype, ydotool or xdotool")
        return None

    def insert(self, pieces: "list[Piece]") -> None:
        """Pasted line breaks submit nothing in most programs; what a terminal does with them is its own setting."""
        tool = _tool(self.desktop)
        assert tool is not None
        text = "".join(piece.text + "\n" * piece.breaks for piece in pieces)
        try:
            before = _content(tool)
            try:
                self._paste(tool, text)
            finally:
                if before:
                    run(_filled(tool.copy_as, before.type), before.data)
        except ProgramError as error:
            raise InsertError(str(error), pieces) from None

    def _paste(self, tool: Tool, text: str) -> None:
        if not tool.offer:
            run(list(tool.copy), text.encode())
            self._press()
            time.sleep(TAKEN_LIMIT / 4)  # this tool does not tell when the text was taken
            return
        offer = _Offer(tool, text.encode())
        try:
            if offer.taken(OFFER_DELAY):  # by a clipboard manager: from now on nobody tells who takes it
                run(list(tool.copy), text.encode())
                self._press()
                time.sleep(SETTLE)
                return
            self._press()
            if not offer.taken(TAKEN_LIMIT):
                raise ProgramError(f"no program took the text that was offered with {self._chord}")
            run(list(tool.copy), text.encode())
            time.sleep(SETTLE)
        finally:
            offer.end()

    def _press(self) -> None:
        """By the first backend that can. Raises `ProgramError` with the last one's reason."""
        able = [backend for backend in self._pressing if backend.obstacle() is None]
        for backend in able:
            try:
                return backend.press(self._chord)
            except ProgramError:
                if backend is able[-1]:
                    raise
        return None


class _Offer:
    """Text that the next program to ask for the clipboard gets; the process ends with that."""

    def __init__(self, tool: Tool, text: bytes) -> None:
        try:
            self._process = subprocess.Popen(
                tool.offer,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )
            assert self._process.stdin is not None
            self._process.stdin.write(text)
            self._process.stdin.close()
        except OSError as error:
            raise ProgramError(f"{tool.offer[0]} can't be used: {error.strerror}") from None

    def taken(self, within: float) -> bool:
        """Whether a program takes it within so many seconds. Raises `ProgramError` when the tool failed."""
        try:
            status = self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        if status:
            raise ProgramError(f"the clipboard could not be offered: exit status {status}")
        return True

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _tool(desktop: Desktop) -> Tool | None:
    if desktop.session == "wayland":
        return _WAYLAND if {"wl-copy", "wl-paste"} <= desktop.programs else None
    if desktop.session == "x11":
        return _X11 if "xclip" in desktop.programs else _XSEL if "xsel" in desktop.programs else None
    return None


def _in_words(desktop: Desktop) -> str:
    return {"wayland": "Wayland", "x11": "X"}[desktop.session]


def _content(tool: Tool) -> Content | None:
    """What is there now, as text if it can be; None where it is empty or can't be read, which no paste fails by."""
    try:
        types = run(list(tool.types)).decode(errors="replace").split("\n") if tool.types else ["UTF8_STRING"]
        kind = _kept_type([kind.strip() for kind in types])
        return Content(kind, run(_filled(tool.paste_as, kind))) if kind else None
    except ProgramError:
        return None


def _kept_type(types: "list[str]") -> str | None:
    """Of the types on offer the one that is kept: text before pictures before anything else that has content."""
    for wanted in _TEXT_TARGETS:
        if wanted in types:
            return wanted
    content = [kind for kind in types if kind and kind not in _NO_CONTENT]
    return next((kind for kind in content if kind.startswith("image/")), content[0] if content else None)


def _filled(command: "tuple[str, ...]", kind: str) -> "list[str]":
    return [kind if word == "{type}" else word for word in command]
