"""Text at the cursor, on the clipboard or on stdout: what becomes of what was said.

Owns: trying one backend after the other, and what is told when none works. Leaves to others: what each can do
(`whisperctl.insert.backends`, `whisperctl.insert.clipboard`), the rules (`whisperctl.insert.plan`), and keeping the
text: it is in the daemon's history before it comes here.
"""

import fcntl
import os
import sys
from collections.abc import Callable
from typing import Literal, NamedTuple

from whisperctl import config_file
from whisperctl.errors import UsageError
from whisperctl.insert import clipboard, desktop
from whisperctl.insert.backends import Backend, InsertError, Keyboard, Wtype, Xdotool, Ydotool
from whisperctl.insert.desktop import Desktop
from whisperctl.insert.plan import BACKENDS, NEWLINES, Newlines, Piece, order, pieces
from whisperctl.insert.programs import ProgramError
from whisperctl.keys import Chord, chord

Output = Literal["type", "clipboard", "stdout", "none"]
OUTPUTS: tuple[Output, ...] = ("type", "clipboard", "stdout", "none")


class Manner(NamedTuple):
    """How to type. `backends`: these in this order, else all that the session's order has. `paste`: the paste chord."""

    backends: tuple[str, ...] = ()
    newlines: Newlines = "space"
    paste: Chord = Chord(("ctrl",), "v")


class Delivered(NamedTuple):
    """Where the text went (`nowhere`: it is in the history only), by which backend, and what failed before."""

    where: Literal["typed", "clipboard", "stdout", "nowhere"]
    by: str | None
    tried: tuple[tuple[str, str], ...]

    def problem(self, wanted: Output) -> str | None:
        """What the person must be told: that the text is not where it was meant to be, and where it is."""
        if self.where == "typed" or wanted in ("stdout", "none") or (wanted == "clipboard" == self.where):
            return None
        reasons = "; ".join(f"{name}: {reason}" for name, reason in self.tried)
        if self.where == "clipboard":
            return f"the text could not be typed and is on the clipboard ({reasons})"
        return f"the text could not be delivered and is in the history: `whisperctl dictate again` ({reasons})"


def default_output() -> Output:
    """`type` in a graphical session, else `stdout`."""
    return "stdout" if desktop.session_kind(dict(os.environ)) == "console" else "type"


def deliver(
    text: str, output: Output, manner: Manner | None = None, write: Callable[[str], object] | None = None
) -> Delivered:
    """Put the text where `output` says; `write` takes it for stdout. `Delivered` tells what became of it.

    `type`: one backend after the other, each going on where the one before failed; if all fail, to the clipboard.
    Deliveries of several processes wait for one another, so that their texts don't mix.
    """
    if output == "none" or not text:
        return Delivered("nowhere", None, ())
    if output == "stdout":
        (write or sys.stdout.write)(text)
        return Delivered("stdout", "stdout", ())
    here = desktop.found()
    with _Turn():
        if output == "clipboard":
            return _copied(text, here, ())
        return _typed(text, here, manner or configured())


def backends(here: Desktop, manner: Manner) -> "dict[str, Backend]":
    """Every backend that types, by name."""
    line_break = Chord(("shift",) if manner.newlines == "shift+enter" else (), "enter")
    typing = (Xdotool(here, line_break), Wtype(here, line_break), Ydotool(here, line_break))
    paste = clipboard.Paste(here, typing, manner.paste)
    made: tuple[Backend, ...] = (*typing, paste, Keyboard(here, line_break))
    return {backend.name: backend for backend in made}


def configured() -> Manner:
    """The manner of `[insert]` in the configuration. Raises `UsageError` on what makes no sense there."""
    section = config_file.section("insert")
    return manner(section.get("backends", ()), section.get("newlines", "space"), section.get("paste", "ctrl+v"))


def manner(names: "tuple[str, ...] | list[str]", newlines: str, paste: str) -> Manner:
    """Raises `UsageError` for a backend, a way or a chord that does not exist."""
    for name in names:
        if name not in BACKENDS:
            raise UsageError(f"there is no backend {name!r} that types", f"backends are {', '.join(BACKENDS)}")
    for way in NEWLINES:
        if way == newlines:
            return Manner(tuple(names), way, chord(paste))
    raise UsageError(f"a line break can't be typed as {newlines!r}", f"there are {', '.join(NEWLINES)}")


def _typed(text: str, here: Desktop, manner: Manner) -> Delivered:
    left = pieces(text, manner.newlines)
    known = backends(here, manner)
    tried: list[tuple[str, str]] = []
    for name in order(here.session, manner.backends):
        backend = known[name]
        try:
            problem = backend.obstacle()
            reason = problem.reason if problem else backend.refusal(_joined(left))
            if reason is None:
                backend.insert(left)
                return Delivered("typed", name, tuple(tried))
        except InsertError as error:
            reason, left = error.reason, error.left
        tried.append((name, reason))
    return _copied(text, here, tuple(tried))


def _copied(text: str, here: Desktop, tried: "tuple[tuple[str, str], ...]") -> Delivered:
    try:
        clipboard.copy(text, here)
    except ProgramError as error:
        return Delivered("nowhere", None, (*tried, ("clipboard", str(error))))
    return Delivered("clipboard", "clipboard", tried)


def _joined(left: "list[Piece]") -> str:
    return "".join(piece.text for piece in left)


class _Turn:
    """A lock that every delivery of this user takes, where there is a folder of the user's own for it."""

    def __enter__(self) -> None:
        folder = os.environ.get("XDG_RUNTIME_DIR", "")
        self._file = None
        try:
            self._file = open(f"{folder}/whisperctl-insert.lock", "w") if folder.startswith("/") else None
        except OSError:
            return
        if self._file:
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
