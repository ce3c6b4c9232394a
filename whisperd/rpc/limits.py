"""What one client may cost the daemon.

Owns: the numbers that the server and its connections are given; those that a client must know come from
`whisperd.wire.names`. Times are seconds.
"""

import msgspec

from whisperd import events
from whisperd.wire import names


class RpcLimits(msgspec.Struct, frozen=True):
    """`write_timeout` is for the reader that takes no answer, `event_timeout` for the one that takes no event: that may
    be a paused program, and costs no more than one line. `stop_grace` is for requests still running at a stop."""

    max_connections: int = names.MAX_CONNECTIONS
    max_in_flight: int = names.MAX_IN_FLIGHT
    max_subscriptions: int = 32
    first_line_timeout: float = names.FIRST_LINE_TIMEOUT
    line_timeout: float = names.LINE_TIMEOUT
    write_timeout: float = 30.0
    event_timeout: float = 600.0
    stop_grace: float = 1.0
    event_capacity: int = events.CAPACITY
    replay_page: int = events.REPLAY_PAGE
