"""A service on a D-Bus that answers as xdg-desktop-portal's GlobalShortcuts and as a notification daemon do."""

import abc
import contextlib
import queue
import threading
from typing import Any, Self

from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import open_dbus_connection

from tests.harness import PATIENCE, wait_for

BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")


class Service(abc.ABC):
    """A name on the bus, served by a thread. A context manager."""

    name = ""

    def __init__(self, bus: str) -> None:
        self._bus = bus
        self._outgoing: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._connection = open_dbus_connection(self._bus)
        self._stopping = False
        self._connection.send_and_get_reply(new_method_call(BUS, "RequestName", "su", (self.name, 4)), timeout=PATIENCE)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join(PATIENCE)
        self._connection.close()

    def send(self, message: Message) -> None:
        self._outgoing.put(message)

    @abc.abstractmethod
    def answer(self, message: Message, method: str) -> None:
        """Send what the service answers to a call."""

    def _serve(self) -> None:
        while not self._stopping:
            with contextlib.suppress(queue.Empty):
                while True:
                    outgoing = self._outgoing.get_nowait()
                    assert outgoing
                    self._connection.send(outgoing)
            with contextlib.suppress(TimeoutError):
                message = self._connection.receive(timeout=0.02)  # jeepney can't wait for two things at once
                if message.header.message_type is MessageType.method_call:
                    self.answer(message, message.header.fields[HeaderFields.member])


class StandInPortal(Service):
    """`status`: how requests end; 0 is consent, 1 is refusal."""

    name = "org.freedesktop.portal.Desktop"
    _AT = DBusAddress("/org/freedesktop/portal/desktop", name, "org.freedesktop.portal.GlobalShortcuts")

    def __init__(self, bus: str) -> None:
        super().__init__(bus)
        self.status = 0
        self.session = ""
        self._bound: dict[str, str] = {}

    def shortcuts(self) -> dict[str, str]:
        """The triggers that were asked for, by shortcut."""
        return dict(self._bound)

    def signal(self, member: str, shortcut: str) -> None:
        """`Activated` or `Deactivated`."""
        self.send(new_signal(self._AT, member, "osta{sv}", (self.session, shortcut, 0, {})))

    def close_session(self) -> None:
        self.send(new_signal(DBusAddress(self.session, self.name, "org.freedesktop.portal.Session"), "Closed"))

    def restart(self) -> None:
        self.__exit__()
        self._bound = {}
        self.__enter__()

    def answer(self, message: Message, method: str) -> None:
        match method, message.body:
            case "Get", ("org.freedesktop.portal.GlobalShortcuts", "version"):
                self.send(new_method_return(message, "v", (("u", 1),)))
            case "CreateSession", (options,):
                sender = message.header.fields[HeaderFields.sender].removeprefix(":").replace(".", "_")
                self.session = f"{self._AT.object_path}/session/{sender}/{options['session_handle_token'][1]}"
                self._respond(message, options, {"session_handle": ("s", self.session)})
            case "BindShortcuts", (self.session, shortcuts, "", options):
                self._bound = {name: told["preferred_trigger"][1] for name, told in shortcuts}
                self._respond(message, options, {})
            case _:
                self.send(new_error(message, "org.freedesktop.DBus.Error.UnknownMethod"))

    def _respond(self, message: Message, options: dict[str, Any], results: dict[str, Any]) -> None:
        """The path of the request first, then how it ended."""
        sender = message.header.fields[HeaderFields.sender].removeprefix(":").replace(".", "_")
        path = f"{self._AT.object_path}/request/{sender}/{options['handle_token'][1]}"
        self.send(new_method_return(message, "o", (path,)))
        request = DBusAddress(path, self.name, "org.freedesktop.portal.Request")
        self.send(new_signal(request, "Response", "ua{sv}", (self.status, results)))


class StandInNotifications(Service):
    """Keeps what is shown: summary and body, by number."""

    name = "org.freedesktop.Notifications"

    def __init__(self, bus: str) -> None:
        super().__init__(bus)
        self.shown: dict[int, tuple[str, str]] = {}
        self.history: list[tuple[str, str]] = []

    def answer(self, message: Message, method: str) -> None:
        match method, message.body:
            case "Notify", (_, replaced, _, summary, body, *_):
                number = replaced or len(self.history) + 1
                self.shown[number] = (summary, body)
                self.history.append((summary, body))
                self.send(new_method_return(message, "u", (number,)))
            case "GetServerInformation", ():
                self.send(new_method_return(message, "ssss", ("stand-in", "tests", "1", "1.2")))
            case "CloseNotification", (number,):
                self.shown.pop(number, None)
                self.send(new_method_return(message))
            case _:
                self.send(new_error(message, "org.freedesktop.DBus.Error.UnknownMethod"))

    def wait_for(self, summary: str, body: str = "") -> None:
        wait_for(lambda: (summary, body) in self.history)
