"""The portal backend on a private D-Bus, with a stand-in for the desktop's portal that speaks the real interface."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.hearing import Hearing
from tests.desktop.parts import Field
from tests.desktop.running_agent import running_agent
from tests.desktop.stand_in_portal import StandInPortal
from tests.harness import PATIENCE, wait_for
from whisperctl.hotkey.portal import Portal


@pytest.fixture
def portal(bus: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInPortal]:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus)
    with StandInPortal(bus) as running:
        yield running


def test_the_portals_signals_start_and_end_dictations(portal: StandInPortal, field: Field, folder: Path) -> None:
    hearing = Hearing("by the portal", "not delivered")
    with (
        hearing.daemon(folder) as daemon,
        running_agent(daemon.socket, "--backend", "portal", "--keys", "super+shift+d"),
    ):
        assert portal.shortcuts() == {"0": "SHIFT+LOGO+d"}
        portal.signal("Activated", "0")
        wait_for(lambda: hearing.sessions == 1)
        portal.signal("Deactivated", "0")
        field.wait_for("by the portal")
        portal.restart()
        wait_for(lambda: portal.shortcuts() == {"0": "SHIFT+LOGO+d"})
        portal.signal("Activated", "0")
        wait_for(lambda: hearing.sessions == 2)


def test_a_declined_dialog_is_told(portal: StandInPortal, folder: Path) -> None:
    portal.status = 1
    words = ("--backend", "portal", "--keys", "f9")
    with running_agent(folder / "none.sock", *words, ready=False) as agent:
        agent.wait_until_said("portal: the keys were declined in the desktop's dialog")
        assert agent.process.wait(PATIENCE) == 1


def test_shortcuts_that_are_taken_back_end_the_agent(portal: StandInPortal, folder: Path) -> None:
    with running_agent(folder / "none.sock", "--backend", "portal", "--keys", "f9") as agent:
        portal.close_session()
        agent.wait_until_said("the desktop has taken the shortcuts back")


def test_where_there_is_no_portal_it_says_so(bus: str, console: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_bus = Portal().obstacle()
    assert without_bus
    assert without_bus.reason.startswith("there is no session bus")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus)
    without_portal = Portal().obstacle()
    assert without_portal
    assert without_portal.reason == "the desktop's portal has no global shortcuts"
    assert "dictate toggle" in without_portal.remedy
