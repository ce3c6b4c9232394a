"""What `whisperctl doctor` says of the desktop: every backend can work here, or why not and what to do."""

import re
from pathlib import Path

import pytest

from tests.desktop.parts import Programs, Screen
from tests.desktop.stand_in_portal import StandInNotifications
from tests.scripted_daemon import ScriptedDaemon
from whisperctl import cli

TYPING = {"wtype", "ydotool", "xdotool", "clipboard", "keyboard"}
KEYS = {"portal", "x11", "evdev", "keyboard"}


def doctor(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str, str]]:
    """Mark, message and advice of each check of the desktop, by name."""
    answers = {"initialize": {"version": "0.1.0"}, "daemon.doctor": {"ok": True, "checks": []}}
    with ScriptedDaemon(folder / "run", answers) as daemon:
        cli.main(["--socket", str(daemon.socket), "doctor"])
    shown = capsys.readouterr().out
    print(shown)
    lines = re.findall(
        r"^(\S) ((?:typing|hotkey): [a-z0-9]+|notifications|sounds): (.+)(?:\n  → (.+))?$", shown, re.MULTILINE
    )
    return {name: (mark, message, advice) for mark, name, message, advice in lines}


def test_under_x_the_usual_tools_work_and_the_rest_say_why_not(
    x11: Screen, folder: Path, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.real("xdotool", "xclip")
    told = doctor(folder, capsys)
    assert told["typing: xdotool"] == ("✓", "types in this x11 session, and is used first", "")
    assert told["typing: clipboard"][0] == "✓"
    assert told["hotkey: x11"][0] == "✓"
    assert told["typing: wtype"][0] == told["typing: ydotool"][0] == told["hotkey: portal"][0] == "·"
    assert all(advice for mark, _, advice in told.values() if mark != "✓")
    assert {f"typing: {name}" for name in TYPING} | {f"hotkey: {name}" for name in KEYS} <= set(told)


def test_under_wayland_without_tools_it_says_what_to_install(
    wayland: None, folder: Path, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    told = doctor(folder, capsys)
    assert told["typing: wtype"] == ("!", "wtype is not installed", "install the package wtype")
    assert told["typing: clipboard"][2] == "install the package wl-clipboard"
    assert told["typing: xdotool"][1] == "under Wayland xdotool reaches X programs only, and can't tell"
    assert told["hotkey: x11"][1] == "under Wayland X sees the keys of X programs only"
    assert told["sounds"][2] == "install pipewire-bin, pulseaudio-utils or alsa-utils"


def test_gnome_takes_no_keys_from_wtype(
    wayland: None,
    folder: Path,
    programs: Programs,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    programs.stand_in("wtype")
    assert "no virtual keyboard protocol" in doctor(folder, capsys)["typing: wtype"][1]


def test_a_machine_without_a_desktop_is_not_warned(
    console: Path, folder: Path, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    told = doctor(folder, capsys)
    assert {mark for mark, _, _ in told.values()} <= {"·", "✓"}
    assert told["typing: clipboard"][1] == "a console has no clipboard"


def test_a_notification_service_is_found(
    console: Path, folder: Path, bus: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus)
    assert doctor(folder, capsys)["notifications"][1] == "nothing on the session bus shows notifications"
    with StandInNotifications(bus):
        assert doctor(folder, capsys)["notifications"] == ("✓", "shown by stand-in", "")
