"""The `keyboard` package in its own process, with a stand-in for the package: its event interface, no devices."""

import os
import queue
from pathlib import Path

import pytest

from tests.harness import ROOT
from whisperctl.hotkey.backend import BackendError
from whisperctl.hotkey.bindings import binding
from whisperctl.hotkey.keyboard import Keyboard

PACKAGE = """
import collections, os, threading, time
Event = collections.namedtuple("Event", "scan_code event_type")

def hook(callback):
    def press():
        while not os.path.exists(os.path.expanduser("~/ready")):
            time.sleep(0.01)  # the test tells it by a file, and a thread in a bare child has nothing else to wait on
        for code, way in ((29, "down"), (57, "down"), (57, "down"), (57, "up"), (29, "up")):
            callback(Event(code, way))
        os._exit(3)
    threading.Thread(target=press).start()
"""


def test_keys_are_reported_and_the_end_of_its_process_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "keyboard.py").write_text(PACKAGE, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{ROOT}")
    reports: queue.SimpleQueue[tuple[int, bool]] = queue.SimpleQueue()
    with pytest.raises(BackendError) as caught:
        Keyboard().watch((binding("ctrl+space"),), (folder / "ready").touch, lambda *report: reports.put(report))
    assert [reports.get(timeout=1) for _ in range(reports.qsize())] == [(0, True), (0, False)]
    assert "process ended" in caught.value.reason


def test_it_says_plainly_that_it_is_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    obstacle = Keyboard().obstacle()
    assert obstacle
    assert obstacle.reason == "the keyboard package works for root only on Linux"
