"""Telling the service manager: ready, what we do, stopping, and that we are alive.

Owns: sd_notify(3)'s datagrams and the two tasks that send them while the daemon runs. Leaves to others: what the status
says, and what counts as being alive (both are given by `whisperd.app`). Without a service manager nothing is sent.
"""

import logging
import os
import socket
from collections.abc import Awaitable, Callable

import anyio

from whisperd.events import EventBus
from whisperd.wire import names

_log = logging.getLogger(__name__)

STATUS_INTERVAL = 1.0
"""Seconds between two status lines, however much happens."""

FEEDS_PER_LIMIT = 3
"""How often within its limit the watchdog is fed; sd_watchdog_enabled(3) recommends at least twice."""

_TOLD_ABOUT = (names.TOPIC_JOB_STATE, names.TOPIC_QUEUE_STATE, names.TOPIC_HEALTH_STATE, names.TOPIC_CONFIG_STATE)


class Notifier:
    """`address` is the manager's datagram socket (None: no manager).

    `watchdog` is the seconds without a sign of life after which it restarts us (None: never).
    """

    def __init__(self, address: str | None, watchdog: float | None = None) -> None:
        self.watchdog = watchdog if address else None
        self._address = address
        self._status = ""

    @classmethod
    def from_environment(cls) -> "Notifier":
        """As the manager asks for it. The variables are removed: they are not for our children."""
        address = os.environ.pop("NOTIFY_SOCKET", "")
        limit = os.environ.pop("WATCHDOG_USEC", "")
        pid = os.environ.pop("WATCHDOG_PID", "") or str(os.getpid())
        watchdog = int(limit) / 1e6 if limit.isdecimal() and int(limit) and pid == str(os.getpid()) else None
        return cls(address if address.startswith(("/", "@")) else None, watchdog)

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=stopping")

    def status(self, text: str) -> None:
        """One line for people, shown by `systemctl status`; sent when it differs from the last one."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={' '.join(text.split())}")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            ) as sender:
                sender.sendto(message.encode(), address)
        except OSError as error:  # the manager is being replaced, or has stopped listening: no reason for us to stop
            _log.warning("the service manager could not be told: %s", error.strerror)


async def feed_watchdog(notifier: Notifier, beat: Callable[[], Awaitable[None]]) -> None:
    """Give the manager a sign of life after each `beat`, which must return only where work still makes progress."""
    if notifier.watchdog is None:
        return
    while True:
        await beat()
        notifier.alive()
        await anyio.sleep(notifier.watchdog / FEEDS_PER_LIMIT)


async def tell_status(notifier: Notifier, bus: EventBus, describe: Callable[[], Awaitable[str]]) -> None:
    """Keep the manager's status line true, by asking `describe` after what changes it."""
    while True:
        # A subscription for each line: what happens between two lines need not be kept for us.
        with bus.subscribe(topics=_TOLD_ABOUT) as news:
            notifier.status(await describe())
            await anext(news)
        await anyio.sleep(STATUS_INTERVAL)
