"""The one tree of errors that a person or a client can meet.

Owns: the classes, each with its JSON-RPC code, its `kind` and whether trying again may help. Leaves to others: turning
them into wire errors (`whisperd.rpc.dispatch` does it, in one place) and a job's own failures (`FailureKind` in
`whisperd.frames`; a job that failed is a state, not an exception).

A message says what happened to what; `hint` says what to do about it.
"""

from typing import ClassVar

from whisperd.puller.messages import PullFailure
from whisperd.wire import names


class WhisperdError(Exception):
    """Base of all; never raised itself."""

    code: ClassVar[int] = names.INTERNAL_ERROR
    kind: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


# -- the protocol -----------------------------------------------------------------------------------------------------


class ParseError(WhisperdError):
    """The text is not JSON as we accept it."""

    code = names.PARSE_ERROR
    kind = "parse_error"


class InvalidRequestError(WhisperdError):
    """JSON, but not a JSON-RPC 2.0 request; or one over a limit."""

    code = names.INVALID_REQUEST
    kind = "invalid_request"


class MethodNotFoundError(WhisperdError):
    code = names.METHOD_NOT_FOUND
    kind = "method_not_found"


class InvalidParamsError(WhisperdError):
    code = names.INVALID_PARAMS
    kind = "invalid_params"


class InternalError(WhisperdError):
    """A defect of ours; the details are in the log, under the id that the message names."""


# -- what was asked can't be done -------------------------------------------------------------------------------------


class NotFoundError(WhisperdError):
    """No such job, model, folder …"""

    code = names.NOT_FOUND
    kind = "not_found"


class ModelNotFoundError(NotFoundError):
    """`model` is the name that was looked for, where there was one."""

    kind = "model_not_found"

    def __init__(self, message: str, *, hint: str | None = None, model: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.model = model


class ModelUnableError(ModelNotFoundError):
    """The model that was named, or any there is, can't do what is asked of it."""

    code = names.INVALID_PARAMS
    kind = "model_unable"


class RefusedError(WhisperdError):
    """Possible in principle, not now or not in this state."""

    code = names.REFUSED
    kind = "refused"


class IllegalTransitionError(RefusedError):
    """The job's state does not allow the command; nothing was changed."""

    kind = "illegal_transition"


class QueueFullError(RefusedError):
    kind = "queue_full"
    retryable = True


class DiskFullError(RefusedError):
    kind = "disk_full"
    retryable = True


class ShuttingDownError(RefusedError):
    kind = "shutting_down"
    retryable = True


class TooManyRequestsError(RefusedError):
    """More requests in flight on one connection than the limit."""

    kind = "too_many_requests"
    retryable = True


class TooManyConnectionsError(RefusedError):
    """More connections than the limit; the new one is closed."""

    kind = "too_many_connections"
    retryable = True


class OutputError(WhisperdError):
    """A transcript could not be written to a file; it is safe in the database."""

    kind = "output"
    retryable = True


class PullError(WhisperdError):
    """A model could not be downloaded; `failure` says why."""

    kind = "pull"
    retryable = True

    def __init__(self, message: str, failure: PullFailure, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.failure = failure


# -- the daemon can't start or go on ----------------------------------------------------------------------------------


class ConfigError(WhisperdError):
    """A configuration file or flag is wrong; the message names file, line and key path."""

    kind = "config"


class AlreadyRunningError(WhisperdError):
    """Another daemon holds the lock of this state folder."""

    kind = "already_running"


class UnsafePathError(WhisperdError):
    """A folder or socket that must be ours is not: wrong owner, wrong type, or open to others."""

    kind = "unsafe_path"


class DatabaseError(WhisperdError):
    """The database can't be opened, read or written."""

    kind = "database"


class DatabaseCorruptError(DatabaseError):
    """The file is damaged; `whisperd.store.recovery` moves it aside and rebuilds it."""

    kind = "database_corrupt"


class DatabaseDisplacedError(DatabaseCorruptError):
    """The file was deleted, replaced or changed by another program; what it held is put back from the open one."""

    kind = "database_displaced"
    retryable = True


class DatabaseBusyError(DatabaseError):
    """Another program holds the database's lock."""

    kind = "database_busy"
    retryable = True


# -- children ---------------------------------------------------------------------------------------------------------


class WorkerError(WhisperdError):
    """A worker process could not be started or talked to."""

    kind = "worker"
    retryable = True


class MicrophoneError(WhisperdError):
    """There is no microphone, it can't be opened, or its process is gone."""

    code = names.REFUSED
    kind = "microphone"
    retryable = True
