"""A process of the daemon's that is spoken to in frames on a socketpair, as worker and recorder are.

Owns: its start, the frames that come from it, and how its end is told. Leaves to others: the messages and their
deadlines (`whisperd.workers.process`, `whisperd.workers.recorder`), and the child's inside.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import anyio
from anyio.abc import Process, UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from whisperd.framing import PREFIX_SIZE, frame_length

C = TypeVar("C")

GONE: Final = (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)
"""What sending to a child and receiving from it raise when its end of the connection is closed."""


def child_command(module: str, fd: int) -> list[str]:
    """The command line of `python -m MODULE` that talks on `fd` and dies with this process."""
    return [sys.executable, "-m", module, "--fd", str(fd), "--parent", str(os.getpid())]


async def start(command: Callable[[int], Sequence[str]], made: Callable[[Process, UNIXSocketStream], C]) -> C:
    """Start a child in its own process group, its standard output the log: what is `made` of it and the connection.

    `command` tells the command line by the descriptor on which the child talks. Raises OSError.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = await anyio.open_process(
                command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=2,
                stderr=None,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
    try:
        return made(process, await UNIXSocketStream.from_socket(ours))
    except BaseException:
        ours.close()
        process.kill()
        raise


async def receive_body(reader: BufferedByteReceiveStream) -> bytes:
    """The next frame without its prefix. Raises FrameError, and one of GONE at the end of the stream."""
    return await reader.receive_exactly(frame_length(await reader.receive_exactly(PREFIX_SIZE)))


def describe_exit(status: int | None) -> str:
    """An exit status in words, as a clause that follows the process's name."""
    if status is None:
        return "lost its connection"
    if status >= 0:
        return f"exited with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was killed by {name}"
