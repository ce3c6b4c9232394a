"""A program of the person's own, as a child: with all that it starts, until all of that has ended.

Owns: its process group, knowing when nothing of it is left, and ending it whole. Leaves to others: what is run, for how
long, and what its end means (`whisperd.hooks`, `whisperd.dictation.filter`).
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Final

import anyio

REAP_DEADLINE: Final = 5.0
"""Seconds to wait for the end of a killed program: only the kernel, waiting for a device, can hold it longer."""


class Program:
    """A running program that reads nothing, its output the log. It must be closed."""

    def __init__(self, command: Sequence[str]) -> None:
        """Raises OSError, and ValueError for an argument with a NUL."""
        self._left, held = os.pipe2(os.O_CLOEXEC)
        try:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=2, stderr=None, pass_fds=[held], start_new_session=True
            )
            # Not waited for before all is over: until then its number, which is the group's, means nothing else.
            self._handle = os.pidfd_open(self._process.pid)
        except BaseException:
            os.close(self._left)
            raise
        finally:
            os.close(held)

    async def ended(self) -> None:
        """Wait until the program and all that it has started have ended, but for what has let go of every file that it
        came with, as a daemon does."""
        await anyio.wait_readable(self._handle)
        await anyio.wait_readable(self._left)

    async def close(self) -> int | None:
        """End what is left of it; the program's exit status, None where it can't be ended."""
        end_group(self._process.pid)
        with anyio.move_on_after(REAP_DEADLINE, shield=True):
            await anyio.wait_readable(self._handle)
        os.close(self._handle)
        os.close(self._left)
        return self._process.poll()


def end_group(leader: int) -> None:
    """SIGKILL every process of the group. To be called while the leader's number can mean nothing else."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
