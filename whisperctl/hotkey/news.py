"""What the daemon tells of sessions, over all its restarts.

Owns: a connection that comes back, and the two kinds of news. Leaves to others: what they mean to the agent.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from whisperctl.client import Client
from whisperctl.errors import CommandError
from whisperctl.follow import FIRST_PAUSE, LONGEST_PAUSE
from whisperd.wire import names


class SessionNews(NamedTuple):
    """A session came to another state."""

    session: int
    state: str
    reason: str | None


class Gone(NamedTuple):
    """The daemon went away, and its sessions with it."""


def follow_sessions(socket: str, tell: Callable[[SessionNews | Gone], None]) -> None:
    """For ever: connect, tell what happens, tell that the daemon is gone, connect again."""
    pause = FIRST_PAUSE
    while True:
        client, following = None, False
        try:
            client = Client(socket)
            client.call(names.EVENTS_SUBSCRIBE, {"topics": [names.TOPIC_DICTATE_STATE]})
            following, pause = True, FIRST_PAUSE
            while True:
                _tell_next(client, tell)
        except CommandError:
            if following:
                tell(Gone())
        finally:
            if client:
                client.close()
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _tell_next(client: Client, tell: Callable[[SessionNews | Gone], None]) -> None:
    message = client.event(None)
    assert message is not None
    method, event = message
    if method == names.EVENTS_LOST:
        client.call(names.EVENTS_SUBSCRIBE, {"topics": [names.TOPIC_DICTATE_STATE]})
        return
    data = event.get("data", {})
    if event.get("topic") == names.TOPIC_DICTATE_STATE:
        tell(SessionNews(data["session"], data["state"], data.get("reason")))
