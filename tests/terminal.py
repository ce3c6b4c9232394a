"""A program on a terminal of its own, as a person's: it may ask for the size, and its keys and signals are its own."""

import fcntl
import os
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence

ROWS = 24


class Terminal:
    """`leader` is this end of it: what is written there are keys, and what the program writes is read there."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], columns: int = 80) -> None:
        self.leader, follower = os.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            env=environment,
            # Only a child that makes the terminal its own is told of its size and signals.
            preexec_fn=lambda: os.login_tty(follower),
            pass_fds=(follower,),
        )
        os.close(follower)

    def press(self, keys: bytes) -> None:
        os.write(self.leader, keys)

    def read(self, patience: float) -> str:
        """What is written next; empty when nothing comes for so many seconds, or the program has ended."""
        ready, _, _ = select.select([self.leader], [], [], max(patience, 0.0))
        try:
            return os.read(self.leader, 65_536).decode(errors="replace") if ready else ""
        except OSError:  # the other end is closed
            return ""

    def close(self) -> None:
        os.close(self.leader)
