"""What `doctor` says of the desktop: how text would be typed, how keys would be watched, and why not otherwise.

Owns: these checks, in the daemon's shape. Leaves to others: what each backend needs (`whisperctl.insert`,
`whisperctl.hotkey`).
"""

from whisperctl import insert
from whisperctl.checks import check
from whisperctl.dbus import Bus, BusError
from whisperctl.errors import CommandError
from whisperctl.feedback.sounds import player
from whisperctl.hotkey import choose
from whisperctl.insert import desktop
from whisperctl.insert.plan import order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from whisperctl.insert.desktop import Obstacle
    from whisperctl.shapes import Check

UNUSED = "unused"
"""The status of what can't work here and is not missed: something else can, or there is no desktop."""


def checks() -> "list[Check]":
    """A line for each backend, the one that is used first."""
    return [*_typing(), *_keys(), _notifications(), _sounds()]


def _typing() -> "list[Check]":
    here = desktop.found()
    try:
        manner = insert.configured()
    except CommandError as error:
        return [check("typing", "failed", error.message, error.hint)]
    known = insert.backends(here, manner)
    names = order(here.session, manner.backends)
    return _group("typing", f"types in this {here.session} session", ((name, known[name].obstacle()) for name in names))


def _keys() -> "list[Check]":
    return _group("hotkey", "can watch keys", ((backend.name, backend.obstacle()) for backend in choose.candidates()))


def _group(purpose: str, works: str, found: "Iterable[tuple[str, Obstacle | None]]") -> "list[Check]":
    results = list(found)
    headless = desktop.found().session == "console"
    able = [name for name, obstacle in results if obstacle is None]
    made: list[Check] = []
    for name, obstacle in results:
        if obstacle is None:
            first = ", and is used first" if name == able[0] and len(able) > 1 else ""
            made.append(check(f"{purpose}: {name}", "ok", works + first))
        else:
            status = UNUSED if able or headless else "warning"
            made.append(check(f"{purpose}: {name}", status, obstacle.reason, obstacle.remedy))
    return sorted(made, key=lambda one: one["status"] != "ok")


def _notifications() -> "Check":
    service = "org.freedesktop.Notifications"
    try:
        with Bus() as bus:
            name, *_ = bus.call(service, "/org/freedesktop/Notifications", service, "GetServerInformation")
    except BusError as error:
        reason = "nothing on the session bus shows notifications" if error.name else str(error)
        return check("notifications", UNUSED, reason, "problems are told on stderr; start a notification service")
    return check("notifications", "ok", f"shown by {name}")


def _sounds() -> "Check":
    found = player()
    if found is None:
        return check(
            "sounds", UNUSED, "there is no player for sounds", "install pipewire-bin, pulseaudio-utils or alsa-utils"
        )
    return check("sounds", "ok", f"played by {found[0]}")
