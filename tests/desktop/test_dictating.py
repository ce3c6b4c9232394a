"""The whole way: speech played into a sound server's microphone stands in another program's text field.

Real are daemon, recorder, model, agent, X server, D-Bus and the field; the portal is a stand-in.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.desktop.parts import Field, Screen
from tests.desktop.running_agent import running_agent
from tests.desktop.stand_in_portal import StandInPortal
from tests.harness import PATIENCE, Daemon, running_daemon, wait_for
from tests.microphone import VirtualMicrophone, virtual_microphone
from tests.speech import silence, synthesize, word_errors, write_audio

SENTENCE = "she closed the window"


class Speaking:
    """A daemon that hears what is played."""

    def __init__(self, daemon: Daemon, microphone: VirtualMicrophone, path: Path) -> None:
        self.daemon = daemon
        self._microphone = microphone
        self._path = path

    def speak(self) -> None:
        """Say the sentence to a daemon that listens, once it hears, until all of it is recorded."""
        wait_for(lambda: self._recorded() > 0)
        assert self._microphone.play(self._path).wait(PATIENCE) == 0

    def heard(self, field: Field) -> None:
        """Wait until the sentence stands in the field, but for a word."""
        wait_for(lambda: word_errors(field.text().strip().lower(), SENTENCE) <= 1)

    def _recorded(self) -> float:
        return sum(session["duration"] for session in self.daemon.call("dictate.status")["sessions"])


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaking]:
    path = write_audio(
        tmp_path_factory.mktemp("said") / "speech.wav", np.concatenate([synthesize(SENTENCE), silence(0.3)])
    )
    with running_daemon() as daemon, virtual_microphone() as microphone:
        microphone.give_to(daemon)
        daemon.stop()
        daemon.start()
        yield Speaking(daemon, microphone, path)


def by_holding(speaking: Speaking, x11: Screen, field: Field) -> None:
    with running_agent(speaking.daemon.socket, "--keys", "ctrl+F9"):
        x11.do("keydown", "ctrl", "keydown", "F9")
        speaking.speak()
        x11.do("keyup", "F9", "keyup", "ctrl")
        speaking.heard(field)


def by_toggling(speaking: Speaking, x11: Screen, field: Field) -> None:
    with running_agent(speaking.daemon.socket, "--keys", "F9", "--mode", "toggle"):
        x11.do("key", "F9")
        speaking.speak()
        x11.do("key", "F9")
        speaking.heard(field)


def by_commands(speaking: Speaking, x11: Screen, field: Field) -> None:
    whisperctl = [sys.executable, "-m", "whisperctl", "--socket", str(speaking.daemon.socket), "dictate"]
    subprocess.run([*whisperctl, "start"], check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL)
    speaking.speak()
    subprocess.run([*whisperctl, "stop"], check=True, timeout=PATIENCE)
    speaking.heard(field)


def by_portal(speaking: Speaking, x11: Screen, field: Field) -> None:
    with (
        StandInPortal(os.environ["DBUS_SESSION_BUS_ADDRESS"]) as portal,
        running_agent(speaking.daemon.socket, "--backend", "portal", "--keys", "super+d"),
    ):
        portal.signal("Activated", "0")
        speaking.speak()
        portal.signal("Deactivated", "0")
        speaking.heard(field)


@pytest.mark.parametrize("dictate", [by_holding, by_toggling, by_commands, by_portal])
def test_what_is_said_stands_in_another_programs_field(
    speaking: Speaking,
    field: Field,
    x11: Screen,
    bus: str,
    monkeypatch: pytest.MonkeyPatch,
    dictate: Callable[[Speaking, Screen, Field], None],
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus)
    dictate(speaking, x11, field)
    print(f"{dictate.__name__}: {field.text()!r}")
