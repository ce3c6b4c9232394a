"""Keys by the desktop portal (`org.freedesktop.portal.GlobalShortcuts`): Wayland's own way, with the person's consent.

Owns: the portal's session and the shortcuts bound in it, anew when the portal restarts. Leaves to others: what keys
mean. The desktop decides on the keys: it may ask, and the person may choose others than the configured ones.
"""

import os
from collections.abc import Callable

from whisperctl.dbus import Bus, BusError, Signal
from whisperctl.hotkey.backend import Backend, BackendError, Report
from whisperctl.hotkey.bindings import Binding
from whisperctl.insert.desktop import Obstacle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json, Params

SERVICE = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"
SHORTCUTS = "org.freedesktop.portal.GlobalShortcuts"
REQUEST = "org.freedesktop.portal.Request"
SESSION = "org.freedesktop.portal.Session"
_BUS = "org.freedesktop.DBus"
_CONSENT_TIMEOUT = 120.0
"""Seconds in which the person answers the desktop's question about the keys."""
_MODIFIERS = {"ctrl": "CTRL", "alt": "ALT", "shift": "SHIFT", "super": "LOGO"}
"""As the XDG shortcuts specification writes them."""
_MODES = {
    "hold": "Dictate while held",
    "toggle": "Start and end dictation",
    "cancel": "Cancel the dictation",
    "again": "Insert the last dictation again",
}


class Portal(Backend):
    name = "portal"

    def obstacle(self) -> Obstacle | None:
        try:
            with Bus() as bus:
                bus.call(SERVICE, PATH, "org.freedesktop.DBus.Properties", "Get", "ss", (SHORTCUTS, "version"))
        except BusError as error:
            if error.name:
                return Obstacle(
                    "the desktop's portal has no global shortcuts",
                    "GNOME 48, KDE Plasma 5.27, Hyprland and newer have them; else bind `whisperctl dictate toggle` to "
                    "keys in the compositor's configuration, or use evdev",
                )
            return Obstacle(str(error), "run it in the graphical session, as its user")
        return None

    def watch(self, bindings: "tuple[Binding, ...]", ready: Callable[[], None], report: Report) -> None:
        try:
            with Bus() as bus:
                watch = _Watch(bus, bindings, report)
                watch.bind()
                ready()
                watch.run()
        except BusError as error:
            raise BackendError(str(error), "see `whisperctl doctor`") from None


class _Watch:
    """One connection's session with the portal."""

    def __init__(self, bus: Bus, bindings: "tuple[Binding, ...]", report: Report) -> None:
        self._bus = bus
        self._bindings = bindings
        self._report = report
        self._requests = 0
        self._session = ""
        self._down: set[int] = set()

    def bind(self) -> None:
        """Bind the shortcuts in a new session. Raises `BackendError` where the person or the portal declines."""
        self._bus.subscribe(SHORTCUTS, PATH)
        self._bus.subscribe(REQUEST)
        self._bus.subscribe(SESSION)
        self._bus.subscribe(_BUS, "/org/freedesktop/DBus")
        token = f"whisperctl{os.getpid()}"
        made = self._request("CreateSession", "a{sv}", (), {"session_handle_token": ("s", token)})
        self._session = str(made["session_handle"][1])
        shortcuts = [(str(number), _described(binding)) for number, binding in enumerate(self._bindings)]
        self._request("BindShortcuts", "oa(sa{sv})sa{sv}", (self._session, shortcuts, ""), {})

    def run(self) -> None:
        while (signal := self._bus.signal()) is not None:
            self._take(signal)

    def _take(self, signal: Signal) -> None:
        match signal.member, signal.values:
            case ("Activated" | "Deactivated") as member, (self._session, str(shortcut), *_):
                self._key(int(shortcut), member == "Activated")
            case "Closed", _ if signal.path == self._session:
                raise BackendError("the desktop has taken the shortcuts back", "start the agent again to ask for them")
            case "NameOwnerChanged", ("org.freedesktop.portal.Desktop", _, str(owner)):
                self._release_all()
                if owner:
                    self.bind()
            case _:
                pass

    def _key(self, number: int, down: bool) -> None:
        if number < len(self._bindings) and down != (number in self._down):
            (self._down.add if down else self._down.discard)(number)
            self._report(number, down)

    def _release_all(self) -> None:
        """Nobody tells any more that a key goes up."""
        for number in list(self._down):
            self._key(number, down=False)

    def _request(self, method: str, signature: str, values: "tuple[Json, ...]", options: "Params") -> "Params":
        """Call a method that answers by a signal later, perhaps after asking the person; the answer's results."""
        self._requests += 1
        token = f"whisperctl{os.getpid()}_{self._requests}"
        sender = self._bus.name.removeprefix(":").replace(".", "_")
        path = f"{PATH}/request/{sender}/{token}"
        told = {**options, "handle_token": ("s", token)}
        self._bus.call(SERVICE, PATH, SHORTCUTS, method, signature, (*values, told))
        while (signal := self._bus.signal(_CONSENT_TIMEOUT)) is not None:
            if signal.path == path and signal.member == "Response":
                status, results = signal.values
                if status:
                    raise BackendError(
                        "the keys were declined in the desktop's dialog"
                        if status == 1
                        else f"the portal ended {method}",
                        "start the agent again to be asked again, or choose another backend",
                    )
                return results
        raise BackendError(f"the portal did not finish {method} within {_CONSENT_TIMEOUT:.0f} s", "try again")


def _described(binding: Binding) -> "Params":
    return {
        "description": ("s", _MODES[binding.mode]),
        "preferred_trigger": ("s", binding.chord.keysyms(_MODIFIERS)),
    }
