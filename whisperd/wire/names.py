"""What client and daemon must agree on before a byte is sent: methods, codes, limits, topics, places.

Owns: constants and the two path rules, importing nothing but `os` (typing alone costs the client milliseconds), because
the client starts with it. Leaves to others: the types of parameters and results (the other modules here).
"""

import os

PROTOCOL_VERSION = 1
JSONRPC = "2.0"

# -- error codes: the standard's, then our own from its server range --------------------------------------------------

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_FOUND = -32001
REFUSED = -32002

# -- exit statuses of whisperctl --------------------------------------------------------------------------------------

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NO_DAEMON = 3
EXIT_NOT_FOUND = 4
EXIT_REFUSED = 5
EXIT_INTERRUPTED = 130

# -- limits -----------------------------------------------------------------------------------------------------------

MAX_REQUEST = 1 << 20
"""Bytes of one line."""
MAX_DEPTH = 64
"""Nested arrays and objects in a request."""
MAX_DIGITS = 64
"""Characters of one number: more than any integer or double that means something here."""
MAX_BATCH = 32
"""Requests in one JSON-RPC batch array."""
MAX_CONNECTIONS = 64
MAX_IN_FLIGHT = 32
"""Requests being answered at once on one connection."""
MAX_FILES = 10_000
"""Files in one `job.submit`."""
MAX_PAGE = 1_000
"""Rows in one page of a list."""
DEFAULT_PAGE = 100
FIRST_LINE_TIMEOUT = 10.0
LINE_TIMEOUT = 30.0
"""Seconds from a line's first byte to its end."""

# -- methods ----------------------------------------------------------------------------------------------------------

INITIALIZE = "initialize"
RPC_DISCOVER = "rpc.discover"
DAEMON_PING = "daemon.ping"
DAEMON_STATUS = "daemon.status"
DAEMON_HEALTH = "daemon.health"
DAEMON_STATS = "daemon.stats"
DAEMON_METRICS = "daemon.metrics"
DAEMON_DOCTOR = "daemon.doctor"
DAEMON_SHUTDOWN = "daemon.shutdown"
JOB_SUBMIT = "job.submit"
JOB_LIST = "job.list"
JOB_SHOW = "job.show"
JOB_TEXT = "job.text"
JOB_WAIT = "job.wait"
JOB_PAUSE = "job.pause"
JOB_RESUME = "job.resume"
JOB_CANCEL = "job.cancel"
JOB_RETRY = "job.retry"
JOB_DELETE = "job.delete"
JOB_MOVE = "job.move"
QUEUE_PAUSE = "queue.pause"
QUEUE_RESUME = "queue.resume"
QUEUE_CLEAR = "queue.clear"
HISTORY_LIST = "history.list"
HISTORY_SEARCH = "history.search"
HISTORY_SHOW = "history.show"
HISTORY_EDIT = "history.edit"
HISTORY_DELETE = "history.delete"
HISTORY_EXPORT = "history.export"
DICTATE_START = "dictate.start"
DICTATE_STOP = "dictate.stop"
DICTATE_TOGGLE = "dictate.toggle"
DICTATE_CANCEL = "dictate.cancel"
DICTATE_STATUS = "dictate.status"
DICTATE_AGAIN = "dictate.again"
DICTATE_DEVICES = "dictate.devices"
WATCH_LIST = "watch.list"
WATCH_ADD = "watch.add"
WATCH_SET = "watch.set"
WATCH_REMOVE = "watch.remove"
WATCH_RESCAN = "watch.rescan"
BATCH_CREATE = "batch.create"
BATCH_LIST = "batch.list"
BATCH_SHOW = "batch.show"
BATCH_ADD = "batch.add"
BATCH_REMOVE = "batch.remove"
BATCH_SET = "batch.set"
BATCH_START = "batch.start"
BATCH_PAUSE = "batch.pause"
BATCH_RESUME = "batch.resume"
BATCH_CANCEL = "batch.cancel"
BATCH_RETRY = "batch.retry"
BATCH_DELETE = "batch.delete"
MODEL_LIST = "model.list"
MODEL_PULL = "model.pull"
MODEL_LOAD = "model.load"
MODEL_UNLOAD = "model.unload"
MODEL_REMOVE = "model.remove"
MODEL_BENCH = "model.bench"
CONFIG_SHOW = "config.show"
CONFIG_CHECK = "config.check"
CONFIG_RELOAD = "config.reload"
EVENTS_SUBSCRIBE = "events.subscribe"
EVENTS_UNSUBSCRIBE = "events.unsubscribe"

# -- notifications from the daemon: the method of each is `event`, except the loss of some ----------------------------

EVENT = "event"
EVENTS_LOST = "events.lost"

TOPIC_JOB_STATE = "job.state"
TOPIC_JOB_PROGRESS = "job.progress"
TOPIC_JOB_SEGMENT = "job.segment"
TOPIC_BATCH_STATE = "batch.state"
TOPIC_BATCH_PROGRESS = "batch.progress"
TOPIC_QUEUE_STATE = "queue.state"
TOPIC_WORKER_STATE = "worker.state"
TOPIC_HEALTH_STATE = "health.state"
TOPIC_DAEMON_STATE = "daemon.state"
TOPIC_CONFIG_STATE = "config.state"
TOPIC_DICTATE_STATE = "dictate.state"
TOPIC_DICTATE_LEVEL = "dictate.level"
TOPIC_DICTATE_PARTIAL = "dictate.partial"
TOPIC_WATCH_FOUND = "watch.found"
TOPIC_WATCH_STATE = "watch.state"
TOPIC_MODEL_STATE = "model.state"
TOPIC_MODEL_PROGRESS = "model.progress"
TOPICS = (
    TOPIC_JOB_STATE,
    TOPIC_JOB_PROGRESS,
    TOPIC_JOB_SEGMENT,
    TOPIC_BATCH_STATE,
    TOPIC_BATCH_PROGRESS,
    TOPIC_QUEUE_STATE,
    TOPIC_WORKER_STATE,
    TOPIC_HEALTH_STATE,
    TOPIC_DAEMON_STATE,
    TOPIC_CONFIG_STATE,
    TOPIC_DICTATE_STATE,
    TOPIC_DICTATE_LEVEL,
    TOPIC_DICTATE_PARTIAL,
    TOPIC_WATCH_FOUND,
    TOPIC_WATCH_STATE,
    TOPIC_MODEL_STATE,
    TOPIC_MODEL_PROGRESS,
)

FINAL_STATES = ("completed", "failed", "cancelled")
FINAL_BATCH_STATES = ("completed", "completed_with_errors", "cancelled")

# fmt: off
AUDIO_SUFFIXES = (
    ".wav", ".w64", ".aif", ".aiff", ".caf", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".aac", ".amr", ".wma",
    ".asf", ".avi", ".m4a", ".m4b", ".m4v", ".mp4", ".mov", ".3gp", ".3g2", ".mka", ".mkv", ".webm",
)
# fmt: on
"""The lower-case suffixes of audio files in a folder; a file that is named is taken whatever its name is."""


def state_dir() -> str:
    """Where database, models and lock live: `$XDG_STATE_HOME/whisperd`, by default `~/.local/state/whisperd`."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):  # the XDG specification: a relative path is to be ignored
        base = os.path.join(os.path.expanduser("~"), ".local", "state")  # noqa: PTH111, PTH118 (pathlib costs 5 ms)
    return base + "/whisperd"


def config_file() -> str:
    """`$XDG_CONFIG_HOME/whisperd/config.toml`, by default `~/.config/whisperd/config.toml`."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):
        base = os.path.join(os.path.expanduser("~"), ".config")  # noqa: PTH111, PTH118
    return base + "/whisperd/config.toml"


def socket_path(state: str | None = None) -> str:
    """`$WHISPERD_SOCKET`, else in `$XDG_RUNTIME_DIR`, else in `run/` of the state folder (never a shared folder)."""
    explicit = os.environ.get("WHISPERD_SOCKET", "")
    if explicit:
        return explicit
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        return runtime + "/whisperd/whisperd.sock"
    return (state or state_dir()) + "/run/whisperd.sock"
