"""A real server on a real socket with handlers that tests can see into, and a client that reads lines."""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import anyio
import anyio.lowlevel
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.harness import PATIENCE
from whisperd.errors import NotFoundError
from whisperd.events import Event, EventBus, Filter
from whisperd.rpc.dispatch import Dispatcher
from whisperd.rpc.limits import RpcLimits
from whisperd.rpc.server import serve
from whisperd.rpc.socket import open_listener
from whisperd.wire import names
from whisperd.wire.daemon import InitializeParams, PingResult
from whisperd.wire.job import JobIdsParams, JobListParams, JobParams, JobsResult, JobTextParams, JobWaitParams
from whisperd.wire.types import Empty

QUICK = RpcLimits(stop_grace=0.1)

SECRET = "what somebody said"


class Daemon:
    """The parts behind the socket, as small as they can be: a log of events, and methods that wait, fail or answer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stop = anyio.Event()
        self.bus = EventBus(0)
        self.log: list[Event] = []
        self.waiting = 0
        self.cancelled = 0
        self.release = anyio.Event()
        self.pings = 0
        self.pages = 0
        self.unreadable_after: int | None = None

    def commit(self, data: dict[str, Any] | None = None, job: int = 1) -> None:
        seq = len(self.log) + 1
        self.log.append(Event(names.TOPIC_JOB_STATE, time.time(), data or {"state": "running"}, seq=seq, job=job))
        self.bus.publish(self.log[-1])

    async def replay(self, since: int, wanted: Filter, limit: int) -> list[Event]:
        await anyio.lowlevel.checkpoint()
        if self.unreadable_after is not None and since >= self.unreadable_after:
            raise OSError(5, "Input/output error")
        return [event for event in self.log[since:] if wanted.wants(event)][:limit]

    def dispatcher(self) -> Dispatcher:
        return Dispatcher(
            {
                names.DAEMON_PING: self._ping,
                names.JOB_WAIT: self._wait,
                names.JOB_SHOW: self._show,
                names.JOB_TEXT: self._text,
                names.JOB_CANCEL: self._cancel,
                names.JOB_LIST: self._list,
                names.INITIALIZE: self._initialize,
            }
        )

    async def _ping(self, _: Empty) -> PingResult:
        self.pings += 1
        return PingResult()

    async def _wait(self, _: JobWaitParams) -> JobsResult:
        self.waiting += 1
        try:
            await self.release.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1
        return JobsResult([])

    async def _show(self, params: JobParams) -> Any:
        raise NotFoundError(f"there is no job {params.id}", hint="see `whisperctl job list`")

    async def _text(self, _: JobTextParams) -> Any:
        async def fail() -> None:
            raise RuntimeError(SECRET)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)

    async def _list(self, _: JobListParams) -> Any:
        self.pages += 1
        await anyio.lowlevel.checkpoint()
        return {"jobs": ["x" * 1000] * 1000}

    async def _cancel(self, _: JobIdsParams) -> Any:
        async def fail() -> None:
            raise NotFoundError("there is no such job")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)

    async def _initialize(self, params: InitializeParams) -> Any:
        return {"client": params.client[:1000] * 1000}

    async def until_waiting(self, count: int) -> None:
        with anyio.fail_after(PATIENCE):
            while self.waiting != count:
                await anyio.wait_all_tasks_blocked()


class Client:
    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self._lines = BufferedByteReceiveStream(stream)
        self._next_id = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stream.aclose()

    async def send(self, *lines: bytes) -> None:
        with anyio.fail_after(PATIENCE):
            for line in lines:
                await self.stream.send(line + b"\n")

    async def read(self) -> Any:
        with anyio.fail_after(PATIENCE):
            return json.loads(await self._lines.receive_until(b"\n", 1 << 26))

    async def at_end(self) -> bool:
        """Whether the daemon closed the connection and nothing more came."""
        with anyio.fail_after(PATIENCE):
            try:
                return not await self._lines.receive(1)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return True

    async def call(self, method: str, **params: Any) -> Any:
        self._next_id += 1
        await self.send(request(method, self._next_id, **params))
        answer = await self.read()
        assert answer["id"] == self._next_id
        return answer

    async def ping(self) -> None:
        assert (await self.call("daemon.ping"))["result"] == {"pong": True}


def request(method: str, call_id: Any = None, **params: Any) -> bytes:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(message if call_id is None else {**message, "id": call_id}).encode()


@contextlib.asynccontextmanager
async def serving(folder: Path, limits: RpcLimits = QUICK) -> AsyncIterator[Daemon]:
    daemon = Daemon(folder / "s")

    async def run(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        await serve(
            listener,
            daemon.dispatcher(),
            daemon.bus,
            daemon.replay,
            stop=daemon.stop,
            limits=limits,
            task_status=task_status,
        )

    with open_listener(daemon.path) as listener:
        async with anyio.create_task_group() as tasks:
            await tasks.start(run)
            yield daemon
            daemon.stop.set()


async def connect(daemon: Daemon) -> Client:
    return Client(await anyio.connect_unix(daemon.path))
