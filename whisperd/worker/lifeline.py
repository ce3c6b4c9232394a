"""What a worker owes the machine before it does anything: to die with the daemon, and to come last.

Owns: the parent-death signal, nice value and out-of-memory score of this process. Nothing here imports anything
heavy, so that it holds before memory and time are spent.
"""

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
"""From linux/prctl.h."""

_OOM_SCORE: Final = 500
"""Of -1000 to 1000: when memory runs out the kernel ends a worker, whose work can be done again, before the daemon or
the user's programs."""


class OrphanedError(Exception):
    """The parent was gone before its death could be listened for."""


def follow(parent: int, name: str) -> None:
    """Die when the thread that started this process does, and be called `name`. Raises OrphanedError, or OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refused a parent-death signal")
    libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
    # Asked after the signal is set: a parent that died before is no longer this process's parent.
    if os.getppid() != parent:
        raise OrphanedError


def yield_to_others(nice: int) -> None:
    """Take the nice value (from which the kernel derives the I/O priority too) and a higher out-of-memory score.

    A kernel that allows neither is no reason not to work.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))
