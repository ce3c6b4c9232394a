"""What a child owes the machine before it does anything: to die with the daemon, and, for a worker, to come last.

Owns: the parent-death signal, nice value, I/O priority and out-of-memory score of this process. Nothing here imports
anything heavy, so that it holds before memory and time are spent.
"""

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
"""From linux/prctl.h."""

_OOM_SCORE: Final = 500
"""Of -1000 to 1000: when memory runs out the kernel ends a worker, whose work can be done again, before the daemon or
the user's programs."""

_AUTOGROUP_ATTEMPTS: Final = 5

_IOPRIO_SET: Final = {"x86_64": 251, "aarch64": 30, "riscv64": 30, "armv7l": 314, "ppc64le": 273, "s390x": 282}
"""Number of the system call ioprio_set(2), for which the C library has no function, by machine."""

_IOPRIO_WHO_PROCESS: Final = 1
_IOPRIO_LOWEST: Final = 2 << 13 | 7
"""From linux/ioprio.h: class best effort, level 7 of 0 to 7. The idle class could wait for ever on a busy disk."""


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
    """Take the nice value, for processor and disk, and a higher out-of-memory score.

    A kernel that allows none of it is no reason not to work.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    if nice > 0:
        _nice_autogroup(nice)
        _take_lowest_io_priority()
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))


def _nice_autogroup(nice: int) -> None:
    """Make the whole session nice: with the kernel's autogroup scheduling (sched(7)) a nice value counts only inside
    the session, and sessions share the processor equally. Only where the session is this process's own."""
    if os.getsid(0) != os.getpid():
        return
    for _ in range(_AUTOGROUP_ATTEMPTS):
        try:
            Path("/proc/self/autogroup").write_text(str(nice))
        except BlockingIOError:
            # Unprivileged processes may do this once in 0.1 s, all of them together.
            time.sleep(0.1)
        except OSError:
            return
        else:
            return


def _take_lowest_io_priority() -> None:
    """Best effort, last level, said explicitly: derived from the nice value it would be a middling one."""
    if number := _IOPRIO_SET.get(os.uname().machine):
        ctypes.CDLL(None).syscall(number, _IOPRIO_WHO_PROCESS, 0, _IOPRIO_LOWEST)
