"""whisperctl on a terminal of its own, and what is seen there."""

import os
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from tests.harness import PATIENCE, wait_until_asleep
from tests.screen import Screen
from tests.terminal import Terminal


class OnTerminal:
    """whisperctl on a terminal of its own."""

    def __init__(self, *words: str, columns: int = 80, environment: dict[str, str] | None = None) -> None:
        self.screen = Screen(columns)
        self.output = ""
        self.echoed_at_its_end = False
        self._terminal = Terminal(
            [sys.executable, "-m", "whisperctl", *words],
            {
                **(environment or os.environ),
                "TERM": "xterm",
                "LC_ALL": "C.UTF-8",
                "PYTHONPATH": str(Path(__file__).parents[3]),
            },
            columns,
        )

    def read_until(self, condition: Callable[[], bool]) -> None:
        """Feed the screen until something is so. Fails at the deadline, or when the program ends before."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self._read(end), f"it ended, or nothing came for {PATIENCE} s: {self.output!r}"

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._terminal.leader)[3] & termios.ECHO)

    def send_signal(self, number: int) -> None:
        wait_until_asleep(self._terminal.process.pid)
        self._terminal.process.send_signal(number)

    def press_ctrl_c(self) -> None:
        wait_until_asleep(self._terminal.process.pid)
        self._terminal.press(b"\x03")

    def press(self, key: bytes) -> None:
        self._terminal.press(key)

    def finish(self) -> int:
        """Read to the end; the exit status."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass
        self.echoed_at_its_end = self.echoes
        self._terminal.close()
        return self._terminal.process.wait(timeout=PATIENCE)

    def _read(self, end: float) -> bool:
        text = self._terminal.read(end - time.monotonic())
        self.output += text
        self.screen.feed(text)
        return bool(text)
