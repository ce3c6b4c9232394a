"""The worker's loop: one call in, one reply out, until the daemon closes its end.

Owns: framing on the socket, the one place where an exception becomes a `Failed`, and when a worker without calls
gives memory back. Imports nothing heavy: the libraries are imported after `Ready` is sent, and one that is missing
fails calls, not the process.
"""

import os
import select
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Final

from whisperd.frames import Call, Ready, Reply, receive_call
from whisperd.framing import encode
from whisperd.worker.allocator import return_freed_blocks
from whisperd.worker.failures import WorkError, failure_of

Answer = Callable[[Call], Reply]

_OFFLINE: Final = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # onnxruntime reports to its maker from its import on, and keeps a device id in the user's cache; the name of the
    # way out differs between versions.
    "ORT_DISABLE_TELEMETRY": "1",
    "ORT_TELEMETRY_DISABLED": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Nothing is downloaded or sent from here: a library that wants to must fail at once. Set before any is imported."""

_RESTING: Final = 10.0
"""Seconds without a call after which memory is given back: longer than the pauses within a dictation, since the next
call has to fetch it again: 46,000 page faults with a model of `small`'s cost."""


def serve(connection: socket.socket) -> None:
    """Answer calls until end of file. Raises FrameError when the daemon speaks nonsense, OSError when it is gone."""
    connection.sendall(encode(Ready(os.getpid())))
    answer = _load_handlers()
    while (call := _next_call(connection)) is not None:
        connection.sendall(encode(reply_to(answer, call)))


def _next_call(connection: socket.socket) -> Call | None:
    waiting = select.poll()  # not select(): the daemon's number of the socket may be above its 1,023
    waiting.register(connection, select.POLLIN)
    if not waiting.poll(_RESTING * 1000):
        return_freed_blocks()
    return receive_call(connection)


def reply_to(answer: Answer, call: Call) -> Reply:
    """The answer, or the failure it ended in."""
    try:
        return answer(call)
    except Exception as error:
        if not isinstance(error, WorkError):
            # Where it came from, for the log. The exception's text goes to the daemon only: it may quote what was said.
            frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
            print(
                f"{type(error).__name__} while answering {type(call).__name__}\n{''.join(frames)}",
                file=sys.stderr,
                flush=True,
            )
        return failure_of(error)


def _load_handlers() -> Answer:
    os.environ.update(_OFFLINE)
    try:
        from whisperd.worker.handlers import Handlers
    except (ImportError, OSError) as error:
        failure = failure_of(ImportError(str(error)))
        return lambda _: failure
    return Handlers().answer
