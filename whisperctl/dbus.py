"""The session bus: calls with a deadline, and signals.

Owns: one connection, and what is said when there is none. Leaves to others: which services are asked (the portal in
`whisperctl.hotkey.portal`, notifications in `whisperctl.feedback.notifications`). The library is jeepney: pure Python,
and blocking, which suits a thread that waits for signals.
"""

import os
import time
from collections import deque
from importlib import import_module
from typing import NamedTuple, Self

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json

CALL_TIMEOUT = 5.0
_SYSTEMS_BUS = "bus"
"""The session bus's socket in the runtime folder, where no address is given: systemd's user bus."""


class BusError(Exception):
    """No bus, no such service, or it answered with an error. `name` is the error's on the bus, where it has one."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class Signal(NamedTuple):
    """A signal: who sent it from where, and its values."""

    sender: str
    path: str
    interface: str
    member: str
    values: "tuple[Json, ...]"


class Bus:
    """A connection to the session bus. Raises `BusError` where there is none."""

    def __init__(self) -> None:
        self._jeepney: Json = import_module("jeepney")  # it has no types
        blocking: Json = import_module("jeepney.io.blocking")
        try:
            self._connection: Json = blocking.open_dbus_connection(_address())
        except (OSError, ValueError, RuntimeError, StopIteration) as error:
            raise BusError(f"can't reach the session bus: {error}") from None
        self.name: str = self._connection.unique_name
        self._signals: deque[Signal] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def call(
        self, service: str, path: str, interface: str, method: str, signature: str = "", values: "tuple[Json, ...]" = ()
    ) -> "tuple[Json, ...]":
        """The reply's values. Raises `BusError`."""
        to: Json = self._jeepney.DBusAddress(path, service, interface)
        message: Json = self._jeepney.new_method_call(to, method, signature or None, values)
        serial: int = next(self._connection.outgoing_serial)
        deadline = time.monotonic() + CALL_TIMEOUT
        try:
            self._connection.send(message, serial=serial)
            while True:
                reply = self._receive(max(deadline - time.monotonic(), 0.0))
                if reply.header.fields.get(self._jeepney.HeaderFields.reply_serial) == serial:
                    break
                self._keep(reply)
        except TimeoutError:
            raise BusError(f"{service} did not answer {method} within {CALL_TIMEOUT:g} s") from None
        except OSError as error:
            raise BusError(f"the session bus is gone: {error}") from None
        if reply.header.message_type is self._jeepney.MessageType.error:
            name = str(reply.header.fields.get(self._jeepney.HeaderFields.error_name))
            raise BusError(f"{name}: {reply.body[0] if reply.body else 'no reason given'}", name)
        return reply.body

    def subscribe(self, interface: str, path: str | None = None) -> None:
        """Have the bus send us an interface's signals."""
        rule = f"type='signal',interface='{interface}'" + (f",path='{path}'" if path else "")
        dbus = "org.freedesktop.DBus"
        self.call(dbus, "/org/freedesktop/DBus", dbus, "AddMatch", "s", (rule,))

    def signal(self, timeout: float | None = None) -> Signal | None:
        """The next signal; None when `timeout` seconds brought none. Raises `BusError` when the bus is gone."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._signals:
            try:
                self._keep(self._receive(None if deadline is None else max(deadline - time.monotonic(), 0.0)))
            except TimeoutError:
                return None
            except OSError as error:
                raise BusError(f"the session bus is gone: {error}") from None
        return self._signals.popleft()

    def _receive(self, timeout: float | None) -> "Json":
        return self._connection.receive(timeout=timeout)

    def _keep(self, message: "Json") -> None:
        if message.header.message_type is self._jeepney.MessageType.signal:
            fields: Json = message.header.fields
            names: Json = self._jeepney.HeaderFields
            self._signals.append(
                Signal(
                    fields.get(names.sender, ""),
                    fields[names.path],
                    fields[names.interface],
                    fields[names.member],
                    message.body,
                )
            )


def _address() -> str:
    explicit = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    if explicit:
        return explicit
    socket = f"{os.environ.get('XDG_RUNTIME_DIR', '')}/{_SYSTEMS_BUS}"
    if not os.path.exists(socket):
        raise BusError("there is no session bus: neither DBUS_SESSION_BUS_ADDRESS nor its usual socket is there")
    return f"unix:path={socket}"
