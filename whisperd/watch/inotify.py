"""The kernel's inotify, as inotify(7) describes it: one instance, and what it has to say.

Owns: the system calls and the layout of an event. Leaves to others: which folders are watched and what an event means
(`watcher`). Called through ctypes, which lets go of the interpreter's lock meanwhile: where a file system hangs, the
thread that asked hangs, and nobody else.
"""

import ctypes
import os
import struct
from collections.abc import Iterator
from typing import Final

import msgspec

IN_ATTRIB: Final = 0x4
IN_CLOSE_WRITE: Final = 0x8
IN_MOVED_TO: Final = 0x80
IN_CREATE: Final = 0x100
IN_MOVE_SELF: Final = 0x800
IN_Q_OVERFLOW: Final = 0x4000
IN_IGNORED: Final = 0x8000
_IN_ONLYDIR: Final = 0x1000000
_IN_EXCL_UNLINK: Final = 0x4000000

_MASK: Final = IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_MOVE_SELF | _IN_ONLYDIR | _IN_EXCL_UNLINK
"""What may make a file new or finished, and what ends a folder (its removal is told unasked, as IN_IGNORED). Single
writes are left out: a file that is written is open, and its closing is told."""

_HEADER: Final = struct.Struct("iIII")
"""Watch, mask, cookie, length of the name with its padding."""

BUFFER: Final = 1 << 16
"""Bytes read at once: about 1,500 events."""


class Event(msgspec.Struct, frozen=True):
    """Something happened to `name` in the watched folder, or, with an empty name, to the folder itself."""

    watch: int
    mask: int
    name: bytes


class Inotify:
    """An instance; every method may be called in any thread. Raises OSError when the kernel gives none."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def add(self, folder: int) -> int:
        """Watch the folder behind a descriptor; the number of its watch, which is the same while it is watched.

        Raises OSError: ENOSPC when the kernel's limit of watches is reached.
        """
        # The descriptor, not a path: what is watched is what was opened, whatever has taken its name since.
        return self._checked(self._libc.inotify_add_watch(self.descriptor, b"/proc/self/fd/%d" % folder, _MASK))

    def remove(self, watch: int) -> None:
        """End a watch; one that has ended already is none."""
        self._libc.inotify_rm_watch(self.descriptor, watch)

    def read(self) -> list[Event]:
        """What has happened since, at most a buffer full; nothing where nothing has."""
        try:
            data = os.read(self.descriptor, BUFFER)
        except BlockingIOError:
            return []
        return list(_events(data))

    def close(self) -> None:
        os.close(self.descriptor)

    def _checked(self, result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def _events(data: bytes) -> Iterator[Event]:
    at = 0
    while at < len(data):
        watch, mask, _, length = _HEADER.unpack_from(data, at)
        at += _HEADER.size + length
        yield Event(watch, mask, data[at - length : at].rstrip(b"\0"))
