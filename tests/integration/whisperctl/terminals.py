"""whisperctl on a terminal of its own, and what is seen there."""

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from tests.screen import Screen

DEADLINE = 30.0


class OnTerminal:
    """whisperctl on a terminal of its own."""

    def __init__(self, *words: str, columns: int = 80, environment: dict[str, str] | None = None) -> None:
        leader, follower = os.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.screen = Screen(columns)
        self.output = ""
        self.echoed_at_its_end = False
        self._leader = leader
        self._process = subprocess.Popen(
            [sys.executable, "-m", "whisperctl", *words],
            env={
                **(environment or os.environ),
                "TERM": "xterm",
                "LC_ALL": "C.UTF-8",
                "PYTHONPATH": str(Path(__file__).parents[3]),
            },
            preexec_fn=lambda: os.login_tty(follower),
            pass_fds=(follower,),
        )
        os.close(follower)

    def read_until(self, condition: Callable[[], bool]) -> None:
        """Feed the screen until something is so. Fails at the deadline, or when the program ends before."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert self._read(end), f"it ended, or nothing came for {DEADLINE} s: {self.output!r}"

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._leader)[3] & termios.ECHO)

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def press(self, key: bytes) -> None:
        os.write(self._leader, key)

    def finish(self) -> int:
        """Read to the end; the exit status."""
        end = time.monotonic() + DEADLINE
        while self._read(end):
            pass
        self.echoed_at_its_end = self.echoes
        os.close(self._leader)
        return self._process.wait(timeout=DEADLINE)

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._leader], [], [], max(0, end - time.monotonic()))
        try:
            part = os.read(self._leader, 65_536) if ready else b""
        except OSError:  # the other end is closed
            part = b""
        text = part.decode()
        self.output += text
        self.screen.feed(text)
        return bool(part)
