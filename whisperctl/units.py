"""The systemd units of this installation: their text, where they lie, and asking the user's service manager.

Owns: finding the units that came with the package, putting this installation's programs into them, and `systemctl`'s
answers. Leaves to others: the order of steps, and words (`whisperctl.commands.service`).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import whisperd

SOCKET, SERVICE, HOTKEY = "whisperd.socket", "whisperd.service", "whisperd-hotkey.service"
UNITS = (SOCKET, SERVICE, HOTKEY)
SANDBOX = "whisperd.service.d/sandbox.conf"

SHIPPED_PROGRAMS = "%h/.local/bin/"
"""Where the units that came with the package expect the programs: pipx's folder."""

SYSTEMCTL_TIMEOUT = 60.0
"""Seconds: stopping the daemon takes ten of them."""


def shipped(name: str) -> str:
    """The text of a unit as it came: inside the package, or at the top of a checkout."""
    package = Path(whisperd.__file__).parent
    places = (package / "systemd" / name, package.parent / "systemd" / name)
    return next(place for place in places if place.exists()).read_text(encoding="utf-8")


def text(name: str) -> str:
    """The text of a unit for this installation."""
    lines = shipped(name).split("\n")
    return "\n".join(_with_program(line) for line in lines)


def _with_program(line: str) -> str:
    key, equals, command = line.partition("=")
    if not equals or not command.startswith(SHIPPED_PROGRAMS):
        return line
    program, space, rest = command[len(SHIPPED_PROGRAMS) :].partition(" ")
    return f"{key}={' '.join(map(quoted, program_words(program)))}{space}{rest}"


def program_words(name: str) -> "list[str]":
    """How this installation's `whisperd` or `whisperctl` is started, whatever PATH the service manager has.

    The script beside this Python (a virtual environment, pipx), else the one on PATH (a system install), else the
    module.
    """
    beside = Path(sys.prefix) / "bin" / name
    if beside.exists():
        return [str(beside)]
    found = shutil.which(name)
    return [found] if found else [sys.executable, "-m", name]


def quoted(word: str) -> str:
    """A word of a command line in a unit: systemd expands `%` and `$`, and reads quotes and backslashes as C does."""
    plain = word.replace("%", "%%").replace("$", "$$")
    if plain and not any(char in plain for char in " \t\"'\\;"):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def folder() -> Path:
    """Where a user's own units lie (systemd.unit(5))."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(base if base.startswith("/") else Path("~/.config").expanduser()) / "systemd" / "user"


def systemctl(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `systemctl --user`; its exit status is 127 where there is no such program."""
    try:
        return subprocess.run(
            ["systemctl", "--user", "--no-pager", *arguments],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=SYSTEMCTL_TIMEOUT,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess([], 127, "", "there is no systemctl on this machine")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([], 124, "", f"systemctl took longer than {SYSTEMCTL_TIMEOUT:.0f} s")


def manager_reachable() -> bool:
    """Whether this user's service manager answers: not in a container, nor under `su` or `sudo`."""
    return systemctl("show-environment").returncode == 0


def properties(unit: str) -> "dict[str, str]":
    """What the service manager says of a unit; empty where it can't be asked."""
    names = "LoadState,ActiveState,SubState,UnitFileState,StatusText,NeedDaemonReload"
    asked = systemctl("show", f"--property={names}", unit)
    pairs = (line.partition("=") for line in asked.stdout.splitlines()) if asked.returncode == 0 else ()
    return {key: value for key, _, value in pairs}
