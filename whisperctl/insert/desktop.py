"""What kind of session this is, and what is there to type with.

Owns: finding the facts that backends judge. Leaves to others: judging (`whisperctl.insert.backends`,
`whisperctl.hotkey`).
"""

import os
import socket
from shutil import which
from typing import NamedTuple

PROGRAMS = ("wtype", "ydotool", "xdotool", "wl-copy", "wl-paste", "xclip", "xsel", "dumpkeys")
UINPUT = "/dev/uinput"


class Obstacle(NamedTuple):
    """Why something can't work here, and what to do about it."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


class Desktop(NamedTuple):
    """Facts. `session`: `wayland`, `x11` or `console`. `layout`: the keyboard's first layout, where it is known."""

    session: str
    name: str
    programs: frozenset[str]
    ydotoold: bool
    root: bool
    uinput: bool
    layout: str | None


def session_kind(environment: "dict[str, str]") -> str:
    """`wayland`, `x11` or `console`. A display that is named counts for more than what logind calls the session."""
    if environment.get("WAYLAND_DISPLAY"):
        return "wayland"
    return "x11" if environment.get("DISPLAY") else "console"


def found() -> Desktop:
    """The desktop of this process's environment."""
    environment = dict(os.environ)
    return Desktop(
        session=session_kind(environment),
        name=environment.get("XDG_CURRENT_DESKTOP", ""),
        programs=frozenset(program for program in PROGRAMS if which(program)),
        ydotoold=any(_listens(path) for path in _ydotool_sockets(environment)),
        root=os.geteuid() == 0,
        uinput=os.access(UINPUT, os.W_OK),
        layout=_layout(environment),
    )


def _ydotool_sockets(environment: "dict[str, str]") -> "list[str]":
    """Where ydotool looks for its daemon: ydotool(1)."""
    if explicit := environment.get("YDOTOOL_SOCKET"):
        return [explicit]
    runtime = environment.get("XDG_RUNTIME_DIR")
    return [*([f"{runtime}/.ydotool_socket"] if runtime else []), "/tmp/.ydotool_socket"]  # noqa: S108 (its place)


def _listens(path: str) -> bool:
    """Whether a program has the socket open: ydotoold takes datagrams, its older versions streams."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_UNIX, kind) as probe:
            probe.settimeout(0.5)
            try:
                probe.connect(path)
            except OSError:
                continue
            return True
    return False


def _layout(environment: "dict[str, str]") -> str | None:
    """`XKB_DEFAULT_LAYOUT`, else Debian's or localectl's setting; None where neither says anything."""
    if layouts := environment.get("XKB_DEFAULT_LAYOUT"):
        return layouts.split(",")[0]
    for path, mark in (("/etc/default/keyboard", "XKBLAYOUT="), ("/etc/vconsole.conf", "XKBLAYOUT=")):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = [line.strip() for line in file]
        except OSError:
            continue
        for line in lines:
            if line.startswith(mark) and (layouts := line.removeprefix(mark).strip("\"'")):
                return layouts.split(",")[0]
    return None
