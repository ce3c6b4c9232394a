"""What one client may cost the daemon.

Owns: the numbers that the server and its connections are given; those that a client must know come from
`whisperd.wire.names`. Times are seconds.
"""

import msgspec

from whisperd import events
from whisperd.wire import names


class RpcLimits(msgspec.Struct, frozen=True):
    """`write_timeout` is for the reader that takes no answer, `event_timeout` for the one that takes no event: that may
    be a paused program, and costs no more than one line. `unread_answers` are the bytes of answers that wait to be
    taken, of all clients, `unread_by_one` of one message, and `large_at_once` the long ones that are made side by side:
    between them everybody else is served. `stop_grace` is for requests still running at a stop."""

    max_connections: int = names.MAX_CONNECTIONS
    max_in_flight: int = names.MAX_IN_FLIGHT
    max_subscriptions: int = 32
    unread_answers: int = 24 << 20
    unread_by_one: int = 8 << 20
    large_at_once: int = 2
    first_line_timeout: float = names.FIRST_LINE_TIMEOUT
    line_timeout: float = names.LINE_TIMEOUT
    write_timeout: float = 30.0
    event_timeout: float = 600.0
    stop_grace: float = 1.0
    event_capacity: int = events.CAPACITY
    replay_page: int = events.REPLAY_PAGE
