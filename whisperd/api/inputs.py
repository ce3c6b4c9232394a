"""A first look at what was submitted, so that a mistake is told at once and not when its turn comes.

Owns: checks by `stat` and `statvfs`, in a thread with a deadline because a file system may hang. Leaves to others:
whether a file holds audio, which only decoding tells (`whisperd.worker`).
"""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from whisperd.frames import FailureKind
from whisperd.jobs.job import Failure
from whisperd.jobs.version import Version
from whisperd.printable import printable

LOOK_DEADLINE = 5.0
"""Seconds for looking at all files of a request; what hangs for longer is queued unseen and met by the worker."""

_REASONS = {
    errno.EACCES: ("may not be read", "give your user read permission for it and its folders"),
    errno.ELOOP: ("is a symbolic link that leads back to itself", "give the path of the audio itself"),
    errno.ENAMETOOLONG: ("has a name that is too long", "shorten its name or path"),
}
"""`stat`'s refusals in words, and what to do."""


class Look(msgspec.Struct, frozen=True):
    """What `stat` tells of a file: what is wrong with it, and which file in which version it is. Both None: unseen."""

    failure: Failure | None = None
    version: Version | None = None


async def look_at(paths: Sequence[bytes]) -> list[Look]:
    """A look at each path, in order."""
    with anyio.move_on_after(LOOK_DEADLINE):
        return await anyio.to_thread.run_sync(lambda: [_look(path) for path in paths], abandon_on_cancel=True)
    return [Look()] * len(paths)


def _look(path: bytes) -> Look:
    name = printable(os.fsdecode(path))
    try:
        found = Path(os.fsdecode(path)).stat()
    except (FileNotFoundError, NotADirectoryError):
        return Look(Failure(FailureKind.INPUT_MISSING, f"{name} does not exist", "check the path"))
    except OSError as error:
        reason, hint = _REASONS.get(error.errno or 0, (f"can't be looked at: {error.strerror}", "check the path"))
        return Look(Failure(FailureKind.BAD_INPUT, f"{name} {reason}", hint))
    return Look(_objection(path, name, found), Version.of(found))


def _objection(path: bytes, name: str, found: os.stat_result) -> Failure | None:
    if stat.S_ISDIR(found.st_mode):
        return Failure(FailureKind.BAD_INPUT, f"{name} is a folder, not a file", "submit the files in it")
    if not stat.S_ISREG(found.st_mode):
        return Failure(
            FailureKind.BAD_INPUT,
            f"{name} is a pipe, socket or device, not a file",
            "copy its content to a file, or pipe it to `whisperctl transcribe -`",
        )
    if found.st_size == 0:
        return Failure(FailureKind.BAD_INPUT, f"{name} is empty", "record or copy it again")
    if not os.access(path, os.R_OK):
        reason, hint = _REASONS[errno.EACCES]
        return Failure(FailureKind.BAD_INPUT, f"{name} {reason}", hint)
    return None
