"""A status bar's module, kept up to date over all restarts of the daemon.

Owns: asking, following the events that change a bar, and printing a line when it has changed. Leaves to others: what a
line says (`whisperctl.bar`).
"""

import time

from whisperctl.bar import Bar
from whisperctl.client import Client
from whisperctl.errors import CommandError
from whisperctl.follow import FIRST_PAUSE, LONGEST_PAUSE
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from whisperctl.shapes import Params

_TOPICS = [names.TOPIC_DICTATE_STATE, names.TOPIC_DICTATE_LEVEL, names.TOPIC_JOB_STATE, names.TOPIC_QUEUE_STATE]
_QUEUE_EVERY = 1.0
"""Seconds between two looks at the queue at least: thousands of jobs may change at once."""


class Watcher:
    """Prints by `show` whatever is new."""

    def __init__(self, socket: str, show: "Callable[[Params], None]") -> None:
        self._socket = socket
        self._show = show
        self._bar = Bar()
        self._shown: Params | None = None

    def once(self) -> None:
        """How it is now, in one line."""
        try:
            client = Client(self._socket)
            try:
                self._ask(client)
            finally:
                client.close()
        except CommandError:
            self._bar.gone()
        self._print()

    def forever(self) -> None:
        """A line now and at each change; without a daemon, until there is one again."""
        pause = FIRST_PAUSE
        while True:
            client = None
            try:
                client = Client(self._socket)
                client.call(names.EVENTS_SUBSCRIBE, {"topics": _TOPICS})
                pause = FIRST_PAUSE
                self._follow(client)
            except CommandError:
                self._bar.gone()
                self._print()
            finally:
                if client:
                    client.close()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _follow(self, client: Client) -> None:
        self._ask(client)
        self._print()
        asked_at, stale = time.monotonic(), False
        while True:
            message = client.event(max(asked_at + _QUEUE_EVERY - time.monotonic(), 0.0) if stale else None)
            topic = message[1].get("topic") if message else None
            if message and topic == names.TOPIC_DICTATE_LEVEL:
                self._bar.level = message[1].get("data", {})["level"]
            elif topic == names.TOPIC_DICTATE_STATE or (message and message[0] == names.EVENTS_LOST):
                self._ask(client)
            else:
                stale = True
            if stale and time.monotonic() - asked_at >= _QUEUE_EVERY:
                self._ask(client)
                asked_at, stale = time.monotonic(), False
            self._print()

    def _ask(self, client: Client) -> None:
        self._bar.dictation(client.call(names.DICTATE_STATUS))
        self._bar.queue(client.call(names.DAEMON_STATUS)["queue"])

    def _print(self) -> None:
        line = self._bar.line()
        if line != self._shown:
            self._shown = line
            self._show(line)
