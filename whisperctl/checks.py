"""What `doctor` finds out without the daemon's help: whether it can be reached, and if not, why it may not run.

Owns: those checks, in the daemon's own shape. Leaves to others: the daemon's checks, and printing.
"""

import os
import sys

from whisperctl.errors import CommandError
from whisperd import __version__
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.client import Client
    from whisperctl.context import Context
    from whisperctl.shapes import Check, Json

_NEEDED = ("anyio", "msgspec", "platformdirs", "faster_whisper", "ctranslate2", "av", "numpy")
"""What the daemon and its worker import from outside the standard library."""


def connection(context: "Context") -> "tuple[list[Check], Client | None]":
    """Whether a daemon of ours answers at the socket, with the client if one does."""
    try:
        client = context.connect()
        about: Json = client.call(names.INITIALIZE, {"client": "whisperctl", "version": __version__})
    except CommandError as error:
        return [check("connection", "failed", error.message, error.hint)], None
    checks = [check("connection", "ok", f"whisperd {about['version']} answers at {context.socket}")]
    if about["version"] != __version__:
        hint = "restart the daemon: `systemctl --user restart whisperd`"
        checks.append(check("version", "warning", f"whisperd is {about['version']}, whisperctl is {__version__}", hint))
    return checks, client


def without_daemon() -> "list[Check]":
    """What may keep a daemon from running, or this program from finding it."""
    return [_runtime_folder(), _state_folder(names.state_dir()), _packages()]


def systemd() -> "Check":
    """Whether systemd starts whisperd when it is needed. That it does not fails nothing."""
    from whisperctl import units

    hint = "`whisperctl service install` has it started when it is needed, after each login"
    present = [name for name in (units.SOCKET, units.SERVICE) if (units.folder() / name).exists()]
    if len(present) < 2:
        return check("systemd", "warning", "the units are not installed", hint)
    if any((units.folder() / name).read_text(encoding="utf-8") != units.text(name) for name in present):
        return check("systemd", "warning", "the units are of another version or place, or were changed", hint)
    state = units.properties(units.SOCKET).get("ActiveState")
    if state is None:
        return check("systemd", "warning", "the user's service manager can't be reached from here", None)
    if state != "active":
        hint = "run: systemctl --user enable --now whisperd.socket"
        return check("systemd", "warning", f"whisperd.socket is {state}", hint)
    return check("systemd", "ok", "whisperd.socket is active")


def _runtime_folder() -> "Check":
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    if not folder:
        return check(
            "runtime folder",
            "warning",
            "XDG_RUNTIME_DIR is not set: a daemon started by systemd listens where this program does not look",
            f"in a login session: export XDG_RUNTIME_DIR=/run/user/{os.geteuid()}",
        )
    hint = "log in anew as this user, without su or sudo"
    try:
        ours = os.stat(folder).st_uid == os.geteuid()
    except OSError as error:
        return check("runtime folder", "failed", f"{folder}: {error.strerror}", hint)
    if not ours:
        return check("runtime folder", "failed", f"{folder} is another user's", hint)
    return check("runtime folder", "ok", folder)


def _state_folder(folder: str) -> "Check":
    existing = folder
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    if not os.access(existing, os.W_OK | os.X_OK):
        return check("state folder", "failed", f"{existing} can't be written to", f"give yourself {existing} back")
    room = os.statvfs(existing)
    free = room.f_bavail * room.f_frsize
    if free < 100_000_000:
        return check("state folder", "warning", f"{folder}: only {free // 1_000_000} MB are free", "free some space")
    return check("state folder", "ok", folder)


def _packages() -> "Check":
    from importlib.util import find_spec

    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        return check(
            "packages",
            "failed",
            f"{sys.executable} lacks {', '.join(missing)}",
            "install whisperd again, in the environment that runs it",
        )
    return check("packages", "ok", f"all there in {sys.prefix}")


def check(name: str, status: str, message: str, hint: str | None = None) -> "Check":
    """A check in the daemon's shape."""
    return {"name": name, "status": status, "message": message, "hint": hint}
