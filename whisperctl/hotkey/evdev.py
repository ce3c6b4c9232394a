"""Keys from the kernel's input devices: the console, and any compositor. The keys reach the focused program too.

Owns: the devices that are there and those that are plugged in later, and their events. Leaves to others: what keys
mean. Reads `struct input_event` itself (24 bytes of it: input.h): the usual library needs a compiler to install.
"""

import contextlib
import ctypes
import fcntl
import os
import selectors
import struct
from collections.abc import Callable
from grp import getgrgid

from whisperctl.hotkey.backend import Backend, BackendError, Chords, Report
from whisperctl.hotkey.bindings import Binding
from whisperctl.insert.desktop import Obstacle

FOLDER = "/dev/input"
EVENT = struct.Struct("llHHi")
"""Time in seconds and microseconds, type, code, value."""
_EV_KEY = 1
_UP, _DOWN = 0, 1
"""Values of a key event; 2 is its repetition."""
_KEY_BYTES = 96
"""Of the bits for all key codes: KEY_MAX is 0x2ff."""
_EVIOCGBIT_KEY = 0x80000000 | _KEY_BYTES << 16 | ord("E") << 8 | 0x20 + _EV_KEY
"""`EVIOCGBIT(EV_KEY, 96)`: which keys a device has."""
_IN_ATTRIB, _IN_MOVED_TO, _IN_CREATE = 0x4, 0x80, 0x100
_CHANGES = _IN_ATTRIB | _IN_MOVED_TO | _IN_CREATE
"""inotify(7); the attributes change when udev gives a new device its group."""


class Evdev(Backend):
    name = "evdev"

    def __init__(self, folder: str = FOLDER) -> None:
        self._folder = folder

    def obstacle(self) -> Obstacle | None:
        try:
            names = _event_files(self._folder)
        except OSError:
            names = []
        if not names:
            return Obstacle(
                f"there are no input devices in {self._folder}", "use another backend, or bind a compositor's key"
            )
        if any(os.access(f"{self._folder}/{name}", os.R_OK) for name in names):
            return None
        group = _group(f"{self._folder}/{names[0]}")
        return Obstacle(
            f"the devices in {self._folder} can't be read: you are not in the group {group}",
            f"`sudo usermod -aG {group} $USER` and log in again; every program of yours can then read all keys",
        )

    def watch(self, bindings: "tuple[Binding, ...]", ready: Callable[[], None], report: Report) -> None:
        try:
            _Watch(self._folder, Chords(bindings, report)).run(ready)
        except OSError as error:
            raise BackendError(f"{self._folder} is gone: {error.strerror}", "see `whisperctl doctor`") from None


class _Watch:
    """The open devices, and the folder they appear in."""

    def __init__(self, folder: str, chords: Chords) -> None:
        self._folder = folder
        self._chords = chords
        self._selector = selectors.DefaultSelector()
        self._open: dict[str, int] = {}
        self._rest: dict[str, bytes] = {}

    def run(self, ready: Callable[[], None]) -> None:
        news = _inotify(self._folder)
        self._selector.register(news, selectors.EVENT_READ, "")
        self._open_new()
        ready()
        while True:
            for key, _ in self._selector.select():
                if key.data:
                    self._read(key.data)
                else:
                    os.read(news, 1 << 16)
                    self._open_new()

    def _open_new(self) -> None:
        for name in _event_files(self._folder):
            if name in self._open:
                continue
            with contextlib.suppress(OSError):  # not ours to read (yet): its attributes may change
                device = os.open(f"{self._folder}/{name}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                if not _has_any(device, self._chords.codes):
                    os.close(device)
                    continue
                self._open[name] = device
                self._selector.register(device, selectors.EVENT_READ, name)

    def _read(self, name: str) -> None:
        try:
            data = os.read(self._open[name], EVENT.size * 64)
        except BlockingIOError:
            return
        except OSError:  # ENODEV: unplugged
            data = b""
        if not data:
            self._close(name)
            return
        data = self._rest.pop(name, b"") + data
        whole = len(data) - len(data) % EVENT.size
        self._rest[name] = data[whole:]
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if kind == _EV_KEY and value in (_UP, _DOWN):
                self._chords.key(name, code, value == _DOWN)

    def _close(self, name: str) -> None:
        device = self._open.pop(name)
        self._rest.pop(name, None)
        self._selector.unregister(device)
        os.close(device)
        self._chords.lost(name)


def _event_files(folder: str) -> "list[str]":
    return sorted(name for name in os.listdir(folder) if name.startswith("event"))


def _has_any(device: int, codes: "set[int]") -> bool:
    """Whether it has one of these keys, so that a mouse's movements wake nobody; what can't be asked is read."""
    try:
        bits = fcntl.ioctl(device, _EVIOCGBIT_KEY, bytes(_KEY_BYTES))
    except OSError:
        return True
    return any(bits[code // 8] >> code % 8 & 1 for code in codes)


def _inotify(folder: str) -> int:
    """A descriptor that can be read when something in the folder has changed."""
    libc = ctypes.CDLL(None, use_errno=True)
    watching: int = libc.inotify_init1(os.O_CLOEXEC)
    if libc.inotify_add_watch(watching, os.fsencode(folder), _CHANGES) < 0:
        raise BackendError(f"{folder} can't be watched: {os.strerror(ctypes.get_errno())}", "see `whisperctl doctor`")
    return watching


def _group(path: str) -> str:
    try:
        return getgrgid(os.stat(path).st_gid).gr_name
    except (KeyError, OSError):
        return "input"
