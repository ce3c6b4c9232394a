"""Why a command ended without doing its work, each with the exit status it stands for.

Owns: the classes. Leaves to others: printing them and exiting (`whisperctl.cli`).
A message says what happened to what; `hint` says what to do about it.
"""

from whisperd.wire import names

_STATUS_OF_CODE = {
    names.NOT_FOUND: names.EXIT_NOT_FOUND,
    names.REFUSED: names.EXIT_REFUSED,
    names.INVALID_PARAMS: names.EXIT_USAGE,
}


class CommandError(Exception):
    """Base of all, and work that failed."""

    status = names.EXIT_FAILED

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CommandError):
    """The command line asks for something that makes no sense."""

    status = names.EXIT_USAGE


class NoDaemonError(CommandError):
    """No daemon can be reached."""

    status = names.EXIT_NO_DAEMON


class UnsafeSocketError(CommandError):
    """Somebody else could be, or is, behind the socket: nothing was sent to it."""

    status = names.EXIT_NO_DAEMON


class DisconnectedError(CommandError):
    """The daemon went away, or stopped answering, in the middle of a conversation."""

    status = names.EXIT_NO_DAEMON


class RequestFailedError(CommandError):
    """The daemon answered with an error. `code` and `kind` are the wire's."""

    def __init__(self, code: int, kind: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.code = code
        self.kind = kind
        self.status = _STATUS_OF_CODE.get(code, names.EXIT_FAILED)
