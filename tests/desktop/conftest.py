"""One X server and one D-Bus for all tests of the desktop, and the programs that tests put in their place.

The X server is a real one without a screen (Xvfb), the text field a program of its own. There is neither a Wayland
compositor nor `/dev/input`: what needs them is tested against the interface, with stand-in programs that record what
they were given.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.parts import Field, Programs, Screen, private_bus, virtual_screen
from tests.harness import wait_for

_DESKTOP_VARIABLES = (
    "DISPLAY", "WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "YDOTOOL_SOCKET", "XKB_DEFAULT_LAYOUT",
    "DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_HOME", "WHISPERD_SOCKET",
)  # fmt: skip


@pytest.fixture(scope="session")
def screen() -> Iterator[Screen]:
    with virtual_screen() as running:
        yield running


@pytest.fixture(scope="session")
def bus() -> Iterator[str]:
    """The address of a private session bus."""
    with private_bus() as address:
        yield address


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A private home and runtime folder, in an environment without a desktop; its path is short enough for sockets."""
    made = Path(tempfile.mkdtemp(prefix="wk-"))
    for name in _DESKTOP_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(made))
    monkeypatch.setenv("XDG_STATE_HOME", str(made / "state"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def console(folder: Path) -> Path:
    return folder


@pytest.fixture
def x11(folder: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """An X session."""
    monkeypatch.setenv("DISPLAY", screen.display)
    return screen


@pytest.fixture
def wayland(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a Wayland session; no compositor is there."""
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-1")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "sway")


@pytest.fixture
def programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A folder that is all of PATH besides the shell's own commands, for stand-ins."""
    made = Programs(folder / "bin", folder / "given")
    monkeypatch.setenv("PATH", str(made.folder))
    return made


@pytest.fixture
def field(x11: Screen, folder: Path) -> Iterator[Field]:
    """A text field with the keyboard's focus, in another program."""
    contents = folder / "field"
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("text_field.py")), str(contents)], env=dict(os.environ)
    )
    try:
        wait_for(contents.exists)
        yield Field(contents)
    finally:
        process.kill()
        process.wait()
