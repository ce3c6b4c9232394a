"""The kernel's input events, written by the test into pipes that stand in for devices: there is no /dev/input here."""

import contextlib
import os
import queue
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import PATIENCE
from whisperctl.hotkey.backend import BackendError
from whisperctl.hotkey.bindings import binding
from whisperctl.hotkey.evdev import Evdev
from whisperctl.keys import KEYS, MODIFIERS

SPACE, CTRL = KEYS["space"].code, MODIFIERS["ctrl"][1].code
RELEASED, PRESSED, REPEATED = 0, 1, 2


class Devices:
    """A folder of pipes named as input devices are, and what the backend reports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._ends: dict[str, int] = {}
        self.reports: queue.SimpleQueue[tuple[int, bool]] = queue.SimpleQueue()

    def plug(self, name: str) -> None:
        waiting = self.folder / f".{name}"
        os.mkfifo(waiting)
        self._ends[name] = os.open(waiting, os.O_RDWR)
        waiting.rename(self.folder / name)

    def send(self, name: str, code: int, value: int, kind: int = 1) -> None:
        """One `struct input_event` of kind EV_KEY, and its EV_SYN."""
        data = struct.pack("llHHi", 1, 2, kind, code, value) + struct.pack("llHHi", 1, 2, 0, 0, 0)
        os.write(self._ends[name], data)

    def unplug(self, name: str) -> None:
        (self.folder / name).unlink()
        os.close(self._ends.pop(name))

    def close(self) -> None:
        for end in self._ends.values():
            os.close(end)


@pytest.fixture
def devices(folder: Path) -> Iterator[Devices]:
    made = Devices(folder / "input")
    yield made
    made.close()


def _watch(devices: Devices) -> None:
    ready = threading.Event()
    bindings = (binding("ctrl+space"), binding("space"))

    def run() -> None:
        with contextlib.suppress(BackendError):  # when the test's folder goes
            Evdev(str(devices.folder)).watch(bindings, ready.set, lambda *report: devices.reports.put(report))

    threading.Thread(target=run, daemon=True).start()
    assert ready.wait(PATIENCE)


def test_a_chord_over_two_keyboards_its_repetition_and_other_events(devices: Devices) -> None:
    devices.plug("event0")
    devices.plug("event1")
    _watch(devices)
    devices.send("event0", CTRL, PRESSED)
    for value in (PRESSED, REPEATED, REPEATED, RELEASED):
        devices.send("event0", SPACE, value, kind=2)  # EV_REL: a movement with the same number
        devices.send("event0", SPACE, value)
    devices.send("event0", CTRL, RELEASED)
    assert [devices.reports.get(timeout=PATIENCE) for _ in range(2)] == [(0, True), (0, False)]
    devices.send("event1", SPACE, PRESSED)
    devices.send("event1", SPACE, RELEASED)
    assert [devices.reports.get(timeout=PATIENCE) for _ in range(2)] == [(1, True), (1, False)]


def test_a_keyboard_that_is_plugged_in_later_works_and_its_going_releases_its_keys(devices: Devices) -> None:
    devices.plug("event0")
    _watch(devices)
    devices.plug("event7")
    devices.send("event7", SPACE, PRESSED)
    assert devices.reports.get(timeout=PATIENCE) == (1, True)
    devices.unplug("event7")
    assert devices.reports.get(timeout=PATIENCE) == (1, False)


def test_evdev_says_what_it_lacks(folder: Path, devices: Devices, monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = Evdev(str(folder / "nothing")).obstacle()
    assert lacking
    assert "no input devices" in lacking.reason
    devices.plug("event0")
    assert Evdev(str(devices.folder)).obstacle() is None
    monkeypatch.setattr(os, "access", lambda *_: False)
    denied = Evdev(str(devices.folder)).obstacle()
    assert denied
    assert "you are not in the group" in denied.reason
    assert "usermod -aG" in denied.remedy
