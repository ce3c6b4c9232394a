"""What client and daemon must agree on before a byte is sent: methods, codes, limits, topics, places.

Owns: constants and the two path rules, on the standard library's cheapest modules alone, because the client imports this
in its first milliseconds. Leaves to others: the types of parameters and results (`whisperd.wire.types`).
"""

import os
from typing import Final

PROTOCOL_VERSION: Final = 1
JSONRPC: Final = "2.0"

# -- error codes: the standard's, then our own from its server range --------------------------------------------------

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
NOT_FOUND: Final = -32001
REFUSED: Final = -32002

# -- exit statuses of whisperctl --------------------------------------------------------------------------------------

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_NO_DAEMON: Final = 3
EXIT_NOT_FOUND: Final = 4
EXIT_REFUSED: Final = 5
EXIT_INTERRUPTED: Final = 130

# -- limits -----------------------------------------------------------------------------------------------------------

MAX_REQUEST: Final = 1 << 20
"""Bytes of one line."""
MAX_DEPTH: Final = 64
"""Nested arrays and objects in a request."""
MAX_DIGITS: Final = 64
"""Characters of one number: more than any integer or double that means something here."""
MAX_BATCH: Final = 32
"""Requests in one JSON-RPC batch array."""
MAX_CONNECTIONS: Final = 64
MAX_IN_FLIGHT: Final = 32
"""Requests being answered at once on one connection."""
MAX_FILES: Final = 10_000
"""Files in one `job.submit`."""
MAX_PAGE: Final = 1_000
"""Rows in one page of a list."""
DEFAULT_PAGE: Final = 100
FIRST_LINE_TIMEOUT: Final = 10.0
LINE_TIMEOUT: Final = 30.0
"""Seconds from a line's first byte to its end."""

# -- methods ----------------------------------------------------------------------------------------------------------

INITIALIZE: Final = "initialize"
RPC_DISCOVER: Final = "rpc.discover"
DAEMON_PING: Final = "daemon.ping"
DAEMON_STATUS: Final = "daemon.status"
DAEMON_DOCTOR: Final = "daemon.doctor"
DAEMON_SHUTDOWN: Final = "daemon.shutdown"
JOB_SUBMIT: Final = "job.submit"
JOB_LIST: Final = "job.list"
JOB_SHOW: Final = "job.show"
JOB_TEXT: Final = "job.text"
JOB_WAIT: Final = "job.wait"
JOB_CANCEL: Final = "job.cancel"
EVENTS_SUBSCRIBE: Final = "events.subscribe"
EVENTS_UNSUBSCRIBE: Final = "events.unsubscribe"

# -- notifications from the daemon: the method of each is `event`, except the loss of some ----------------------------

EVENT: Final = "event"
EVENTS_LOST: Final = "events.lost"

TOPIC_JOB_STATE: Final = "job.state"
TOPIC_JOB_PROGRESS: Final = "job.progress"
TOPIC_JOB_SEGMENT: Final = "job.segment"
TOPIC_QUEUE_STATE: Final = "queue.state"
TOPIC_WORKER_STATE: Final = "worker.state"
TOPIC_DAEMON_STATE: Final = "daemon.state"
TOPICS: Final = (
    TOPIC_JOB_STATE,
    TOPIC_JOB_PROGRESS,
    TOPIC_JOB_SEGMENT,
    TOPIC_QUEUE_STATE,
    TOPIC_WORKER_STATE,
    TOPIC_DAEMON_STATE,
)

FINAL_STATES: Final = ("completed", "failed", "cancelled")


def state_dir() -> str:
    """Where database, recordings, models and lock live: `$XDG_STATE_HOME/whisperd`, by default under `~/.local/state`."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):  # the XDG specification: a relative path is to be ignored
        base = os.path.join(os.path.expanduser("~"), ".local", "state")  # noqa: PTH111, PTH118 (pathlib costs 5 ms)
    return base + "/whisperd"


def socket_path(state: str | None = None) -> str:
    """`$WHISPERD_SOCKET`, else in `$XDG_RUNTIME_DIR`, else `run/` in the state folder (never a guessable folder in /tmp)."""
    explicit = os.environ.get("WHISPERD_SOCKET", "")
    if explicit:
        return explicit
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        return runtime + "/whisperd/whisperd.sock"
    return (state or state_dir()) + "/run/whisperd.sock"
