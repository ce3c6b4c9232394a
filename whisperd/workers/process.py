"""One worker process from its start to its reaping.

Owns: one call at a time with its deadline, SIGSTOP, SIGCONT and SIGKILL. Leaves to others: the exec and the connection
(`whisperd.workers.child`), when to start a worker and what to call (`whisperd.workers.lane`), and the child's inside
(`whisperd.worker`).

A call that ends in any way but with its reply (deadline, cancellation, a broken stream) leaves the conversation in an
unknown state, so the process is killed: there is nothing in it to lose. A deadline counts running time only: while the
process is stopped its clock stands still, and nothing is written to it.
"""

import contextlib
import logging
import math
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import anyio
from anyio.abc import Process, UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from whisperd import frames
from whisperd.errors import WorkerError
from whisperd.framing import FrameError, encode
from whisperd.workers.child import GONE, child_command, describe_exit, receive_body, start

_log = logging.getLogger(__name__)

START_DEADLINE = 30.0
"""Seconds from exec to `Ready`: an interpreter and msgspec, on a disk that is asleep."""


EXIT_GRACE = 1.0
"""Seconds that a process which has closed its connection is given to end, so that its exit status can be told."""

REAP_DEADLINE = 10.0
"""Seconds to wait for the end of a killed process: only the kernel, waiting for a device, can hold it longer."""


class WorkerDiedError(WorkerError):
    """The process ended in the middle of a call, or before it was ready. `status` is as `Popen.returncode` has it."""

    kind = "worker_died"

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class CallTimeoutError(WorkerError):
    """A call took longer than its deadline; the process was killed."""

    kind = "timeout"


class WorkerProcess:
    """A running child. Made by `spawn`; `kill` and `reap` end it."""

    def __init__(self, process: Process, stream: UNIXSocketStream) -> None:
        self._process = process
        self._handle = _handle_of(process.pid)
        self._stream = stream
        self._reader = BufferedByteReceiveStream(stream)
        self._continued = anyio.Event()
        self._continued.set()
        self._ready = False
        self._scope: anyio.CancelScope | None = None
        self._remaining = math.inf

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def stopped(self) -> bool:
        return not self._continued.is_set()

    @classmethod
    async def spawn(cls, arguments: Sequence[str]) -> "WorkerProcess":
        """Start `python -m whisperd.worker`; it takes calls once `ready` has returned. Raises OSError."""
        return await start(lambda fd: worker_command(fd, arguments), cls)

    async def ready(self) -> None:
        """Wait until the process takes calls. Raises WorkerDiedError, CallTimeoutError; then it is killed."""
        await self._converse(b"", "start", START_DEADLINE)
        self._ready = True
        if self.stopped:
            self._signal(signal.SIGSTOP)

    async def call(self, call: frames.Call, *, deadline: float) -> frames.Reply:
        """Send a call and wait at most `deadline` seconds of running time for its reply.

        Raises WorkerDiedError, CallTimeoutError; on these and on cancellation the process is killed.
        """
        return await self._converse(encode(call), type(call).__name__, deadline)

    async def _converse(self, frame: bytes, name: str, deadline: float) -> frames.Reply:
        try:
            with anyio.CancelScope(deadline=anyio.current_time() + deadline) as scope:
                self._scope = scope
                if self.stopped and self._ready:
                    self._freeze(scope)
                if frame:
                    await self._send(frame)
                return await self._receive()
        except FrameError as error:
            self.kill()
            message = f"worker {self.pid} answered {name} with nonsense ({error}) and was replaced"
            raise WorkerDiedError(message, None) from None
        except GONE:
            raise await self._death(name) from None
        except BaseException:
            self.kill()
            raise
        finally:
            self._scope = None
        self.kill()
        raise CallTimeoutError(f"worker {self.pid} did not answer {name} within {deadline:.0f} s and was replaced")

    async def _send(self, frame: bytes) -> None:
        while self.stopped:
            await self._continued.wait()
        await self._stream.send(frame)

    async def _death(self, name: str) -> WorkerDiedError:
        """The process has ended, or closed its connection, which it also does a moment before it has ended."""
        try:
            with anyio.move_on_after(EXIT_GRACE):
                await self._process.wait()
        finally:
            status = self._process.returncode
            self.kill()
        await self.reap()
        return WorkerDiedError(f"worker {self.pid} {describe_exit(status)} during {name}", status)

    async def _receive(self) -> frames.Reply:
        return frames.decode_reply(await receive_body(self._reader))

    def stop(self) -> None:
        """SIGSTOP the process and its call's clock. Does nothing when it is stopped or dead.

        One that is not ready yet is stopped once it is: before it has arranged to die with this process, which it does
        first of all, a stop could last for ever.
        """
        if self.stopped or not self.alive or (self._ready and not self._signal(signal.SIGSTOP)):
            return
        self._continued = anyio.Event()
        if self._scope is not None and self._ready:
            self._freeze(self._scope)

    def resume(self) -> None:
        """SIGCONT the process and its call's clock. Does nothing when it is not stopped."""
        if not self.stopped:
            return
        self._signal(signal.SIGCONT)
        if self._scope is not None and self._ready:
            self._scope.deadline = anyio.current_time() + self._remaining
        self._continued.set()

    def _freeze(self, scope: anyio.CancelScope) -> None:
        self._remaining = scope.deadline - anyio.current_time()
        scope.deadline = math.inf

    def kill(self) -> None:
        """SIGKILL, which a stopped process obeys too. Does nothing when it is dead."""
        self._signal(signal.SIGKILL)
        self._continued.set()

    def _signal(self, number: signal.Signals) -> bool:
        # Not `Process.send_signal`: it may collect the exit status of a process that has just ended, which asyncio
        # then looks for in vain.
        if not self.alive or self._handle is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)
            return True
        return False

    async def reap(self) -> None:
        """Wait for the end of a killed process and close its socket."""
        with anyio.move_on_after(REAP_DEADLINE, shield=True) as scope:
            await self._process.wait()
        if scope.cancelled_caught:
            _log.error("worker %d was killed and does not end; it is left to the kernel", self.pid)
        elif self._handle is not None:
            os.close(self._handle)
            self._handle = None
        with anyio.CancelScope(shield=True):
            await self._stream.aclose()

    async def wait(self) -> int:
        """Wait for the process to end by itself; its exit status."""
        return await self._process.wait()


def worker_command(fd: int, arguments: Sequence[str]) -> list[str]:
    """The command line of a worker that talks on `fd` and dies with this process."""
    return [*child_command("whisperd.worker", fd), *arguments]


def _handle_of(pid: int) -> int | None:
    """A file descriptor that means this child and never another process that gets its number; None when it is gone."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def resident_memory(pid: int) -> int | None:
    """Bytes of the process's resident set; None when it is gone."""
    try:
        statm = Path(f"/proc/{pid}/statm").read_text(encoding="ascii")
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
