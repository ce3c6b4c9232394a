"""Keys pressed while lines are redrawn in place: not shown, for each would move the cursor away from those lines.

Owns: the terminal's echo, and giving it back in every way out: end, error, signal, stop. What is typed is not lost:
whoever reads the terminal next gets it. Leaves to others: the lines (`whisperctl.terminal`).
"""

import os
import signal
import stat
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end the program at once unless somebody takes them; SIGINT is a KeyboardInterrupt."""
_STDIN, _STDOUT = 0, 1
_FLAGS = 3
"""Where `tcgetattr` has the local flags: termios(3)."""


class Echo:
    """A context in which `hush` turns the echo off. `resumed` is called after Ctrl-Z and `fg`.

    Nothing is done where stdin is no terminal, or where stdout is a pipe: its reader may be a pager that sets up the
    same terminal in its own way.
    """

    def __init__(self, resumed: "Callable[[], None]") -> None:
        self._resumed = resumed
        self._hushed = False
        self._active = False
        self._taken: list[int] = []

    def __enter__(self) -> None:
        self._active = os.isatty(_STDIN) and not stat.S_ISFIFO(os.fstat(_STDOUT).st_mode)
        if self._active:
            self._taken = [number for number in (*_ENDS, signal.SIGTSTP) if signal.getsignal(number) == signal.SIG_DFL]
            for number in self._taken:
                signal.signal(number, self._pass_on)

    def __exit__(self, *_: object) -> None:
        if self._active:
            self._restore()
            for number in self._taken:
                signal.signal(number, signal.SIG_DFL)
            self._active = False

    def hush(self) -> None:
        """Turn the echo off while the terminal is ours; again, if a shell has turned it on meanwhile."""
        if self._active and _in_front():
            before, self._hushed = self._hushed, True  # first, so that a signal from here on finds it
            self._hushed = _set_echo(False) or before

    def _restore(self) -> None:
        """Not in the background: the terminal has the shell's settings then."""
        if self._hushed and _in_front():
            _set_echo(True)
        self._hushed = False

    def _pass_on(self, number: int, _frame: "FrameType | None") -> None:
        """Give the echo back, and let the signal do what it does to any program."""
        self._restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._pass_on)  # it was a stop, and we have been continued
        self._resumed()


def _in_front() -> bool:
    """Whether settings may be changed: who does it in the background is stopped by SIGTTOU."""
    try:
        return os.tcgetpgrp(_STDIN) == os.getpgrp()
    except OSError:  # not our controlling terminal
        return False


def _set_echo(wanted: bool) -> bool:
    """Change that flag alone, as other programs may have changed others; whether it was another."""
    try:
        settings = termios.tcgetattr(_STDIN)
        if bool(settings[_FLAGS] & termios.ECHO) == wanted:
            return False
        settings[_FLAGS] ^= termios.ECHO
        termios.tcsetattr(_STDIN, termios.TCSANOW, settings)
    except termios.error:  # the terminal is gone
        return False
    return True
