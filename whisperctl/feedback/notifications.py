"""Desktop notifications, by the Desktop Notifications Specification 1.2 over D-Bus.

Owns: showing one, replacing it, and taking it away. Leaves to others: what is said (`whisperctl.feedback`). Without a
bus or a notification service there are none; what matters has been said on stderr too.
"""

from whisperctl.dbus import Bus, BusError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json

_SERVICE = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
_EXPIRES = {True: 10_000, False: 30_000}
"""Milliseconds by urgency: a problem is read and gone; a state is replaced by the next one anyway."""
_LOW, _NORMAL = 0, 1
"""Urgencies; 2 would stay until it is clicked away."""


class Notifications:
    """One notification at a time: each replaces the one before, if that still stands."""

    def __init__(self) -> None:
        self._shown = 0

    def show(self, summary: str, body: str, urgent: bool) -> None:
        """`body` is plain text; services read markup, so it is escaped."""
        hints = {
            "urgency": ("y", _NORMAL if urgent else _LOW),
            "transient": ("b", not urgent),
            "category": ("s", "device.error" if urgent else "device"),
        }
        text, no_actions = (summary, _escaped(body)), list[str]()
        values = ("whisperd", self._shown, "audio-input-microphone", *text, no_actions, hints, _EXPIRES[urgent])
        reply = _call("Notify", "susssasa{sv}i", values)
        self._shown = reply[0] if reply else 0

    def withdraw(self) -> None:
        if self._shown:
            _call("CloseNotification", "u", (self._shown,))
            self._shown = 0


def _escaped(body: str) -> str:
    return body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _call(method: str, signature: str, values: "tuple[Json, ...]") -> "tuple[Json, ...] | None":
    """The reply's values, or None where nobody answers."""
    try:
        with Bus() as bus:
            return bus.call(_SERVICE, _PATH, _SERVICE, method, signature, values)
    except BusError:
        return None
