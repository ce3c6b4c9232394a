"""What the end of a worker's process in the middle of a call says about the call.

Owns: which ends are evidence, and against whom. Pure. Leaves to others: every other end, which is charged as the death
that it is (`whisperd.jobs.retry`).
"""

import os
import signal
from typing import Final

from whisperd import frames
from whisperd.frames import FailureKind
from whisperd.printable import printable

_CRASHES: Final = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE)
"""Signals that a program brings upon itself. SIGKILL is not among them: it comes from outside, from the kernel when
memory is short or from a person. Nor is SIGILL, by which a library says that the processor is too old for it."""


def explained(call: frames.Call, status: int | None, *, memory_limit_hit: bool) -> frames.Failed | None:
    """The failure that a process's exit `status` (as `Popen.returncode` has it) during the call amounts to, if any.

    `memory_limit_hit`: the kernel has ended a process of ours for that since this one was started.
    A crash while a file is read is the file's doing, and so would be the next: nothing else that it does then is
    particular to this file. A library that aborts while a model is loaded on an accelerator is missing or broken.
    """
    if status == -signal.SIGKILL and memory_limit_hit:
        return frames.Failed(
            FailureKind.OUT_OF_MEMORY,
            "the worker reached the memory limit of whisperd's unit, and the kernel ended it",
            "raise MemoryMax= of the unit (`systemctl --user edit whisperd`), or choose a smaller model",
        )
    if status is None or -status not in _CRASHES:
        return None
    name = signal.Signals(-status).name
    if isinstance(call, (frames.Open, frames.Plan)):
        return frames.Failed(
            FailureKind.BAD_INPUT,
            f"reading {printable(os.fsdecode(call.source.path))} ended the program that reads audio ({name}): "
            "it is damaged in a way that the decoder does not survive",
            "convert it to flac or wav with another program, or record or copy it again",
        )
    # What cuDNN and others do instead of raising, so it would happen again.
    if isinstance(call, frames.Load) and call.device != "cpu" and -status == signal.SIGABRT:
        return frames.Failed(
            FailureKind.DEPENDENCY,
            "the accelerator's libraries ended the worker while it loaded the model (SIGABRT): "
            "one of them, such as cuDNN or cuBLAS, is missing or of another version",
            "whisperd's log has its own words; install the version it names, or set workers.device to cpu",
        )
    return None
