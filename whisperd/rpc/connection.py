"""One client: its lines in, its answers and notifications out.

Owns: the limits on what a client may cost (how long a line takes, how much runs at once, how long it may refuse to
read), and the end of all that it started once it is gone. Leaves to others: what messages mean (`dispatch`,
`subscriptions`).

Nothing is buffered for a client beyond the kernel's socket buffer: who has something to send waits until it is taken,
and a client that takes nothing for `write_timeout` (of events: `event_timeout`) is dropped.
"""

import contextlib
from collections.abc import AsyncGenerator, Callable

import anyio
from anyio.abc import TaskGroup

from whisperd.api import caller
from whisperd.errors import InvalidRequestError, ShuttingDownError, TooManyRequestsError, WhisperdError
from whisperd.events import EventBus, Replay
from whisperd.rpc.budget import Allowance, Budget
from whisperd.rpc.dispatch import Dispatcher, refuse, refuse_all
from whisperd.rpc.limits import RpcLimits
from whisperd.rpc.lines import Line, LineSplitter, Overlong
from whisperd.rpc.stream import ClientStream
from whisperd.rpc.subscriptions import Opened, Subscriptions
from whisperd.wire import codec, names
from whisperd.wire.codec import Message, Rejected, Request


class Connection:
    def __init__(
        self,
        stream: ClientStream,
        dispatcher: Dispatcher,
        bus: EventBus,
        replay: Replay,
        limits: RpcLimits,
        budget: Budget,
    ) -> None:
        self._stream = stream
        self._dispatcher = dispatcher
        self._limits = limits
        self._allowance = Allowance(budget)
        self._subscriptions = Subscriptions(bus, replay, self._send_event, limits)
        self._caller = caller.Caller()
        self._splitter = LineSplitter(names.MAX_REQUEST)
        self._sending = anyio.Lock()
        self._receiving = anyio.CancelScope()
        self._whole = anyio.CancelScope()
        self._running: set[anyio.CancelScope] = set()
        self._in_flight = 0
        self._changed = anyio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Until the client has gone and nothing runs for it, it is dropped, or `stop` has taken its course."""
        with self._whole, self._stream:
            await self._run()

    async def _run(self) -> None:
        caller.current.set(self._caller)
        async with anyio.create_task_group() as tasks:
            try:
                await self._read(tasks)
                await self._outlive_half_close()
                await self._finish()
            finally:
                self._caller.end()
                self._subscriptions.close()
                tasks.cancel_scope.cancel()

    def stop(self) -> None:
        """Read no more; let what runs end within `stop_grace`, and answer the rest that the daemon is stopping."""
        self._stopping = True
        self._whole.deadline = anyio.current_time() + 2 * self._limits.stop_grace
        self._receiving.cancel()
        self._changed.set()

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _read(self, tasks: TaskGroup) -> None:
        async with contextlib.aclosing(self._lines()) as lines:
            async for line in lines:
                await self._take(line, tasks)

    async def _take(self, line: Line, tasks: TaskGroup) -> None:
        try:
            if isinstance(line, Overlong):
                raise codec.too_long()
            message = codec.parse(line)
        except WhisperdError as error:
            await self._send(refuse(None, error))
            return
        admitted = self._admit(message)
        if admitted is None:
            await self._send_if_any(refuse_all(message, self._too_many()))
            return
        count = len(admitted) if isinstance(admitted, list) else 1
        self._in_flight += count
        tasks.start_soon(self._answer, admitted, count, tasks)

    async def _lines(self) -> AsyncGenerator[Line, None]:
        """Lines until the stream ends, or one takes too long: that is answered, and ends the connection."""
        deadline = anyio.current_time() + self._limits.first_line_timeout
        while not self._stopping:
            data = None
            with anyio.move_on_at(deadline) as self._receiving:
                try:
                    data = await self._stream.receive()
                except OSError:
                    self._drop()
                    return
            if self._stopping:
                return
            if data is None:
                await self._send(refuse(None, _too_slow()))
                self._drop()
                return
            if not data:
                break
            was_inside = self._splitter.inside
            for line in self._splitter.feed(data):
                yield line
            if not self._splitter.inside:
                deadline = float("inf")
            elif not was_inside or b"\n" in data:
                deadline = anyio.current_time() + self._limits.line_timeout
        for line in self._splitter.end():
            yield line

    def _admit(self, message: Message) -> Message | None:
        """As much of the message as may run now; the rest is answered as too many. None where nothing may."""
        room = self._limits.max_in_flight - self._in_flight
        if room <= 0:
            return None
        if not isinstance(message, list) or len(message) <= room:
            return message
        refused = [
            Rejected(call.id, self._too_many())
            for call in message[room:]
            if isinstance(call, Request) and not isinstance(call.id, codec.UnsetType)
        ]
        return [*message[:room], *refused]

    def _too_many(self) -> TooManyRequestsError:
        return TooManyRequestsError(
            f"more than {self._limits.max_in_flight} requests at once on one connection",
            hint="wait for answers, then go on",
        )

    # -- answering ----------------------------------------------------------------------------------------------------

    async def _answer(self, message: Message, count: int, tasks: TaskGroup) -> None:
        opened: list[Opened] = []
        answer: bytes | None = None
        scope = anyio.CancelScope()
        self._running.add(scope)
        try:
            async with self._allowance.share() as share:
                with scope:
                    answer = await self._dispatcher.answer(message, self._subscriptions.handlers(opened), share)
                if scope.cancelled_caught:
                    answer = refuse_all(message, _stopping())
                await self._send_if_any(answer)
        finally:
            self._running.discard(scope)
            self._in_flight -= count
            self._changed.set()
        for subscription in opened:
            tasks.start_soon(self._deliver, subscription)

    async def _deliver(self, opened: Opened) -> None:
        await self._subscriptions.deliver(opened)
        self._changed.set()

    async def _send_if_any(self, line: bytes | None) -> None:
        if line is not None:
            await self._send(line)

    async def _send_event(self, line: bytes) -> None:
        await self._send(line, self._limits.event_timeout)

    async def _send(self, line: bytes, patience: float | None = None) -> None:
        """Returns once the kernel has taken the line. A client that is gone or reads nothing is dropped."""
        async with self._sending:
            try:
                await self._stream.send(line + b"\n", patience or self._limits.write_timeout)
            except (TimeoutError, OSError):
                self._drop()

    # -- ending -------------------------------------------------------------------------------------------------------

    async def _outlive_half_close(self) -> None:
        """A client that only stopped sending (`echo … | socat`) still gets its answers; one that is gone ends them."""
        async with anyio.create_task_group() as waiting:
            waiting.start_soon(self._drop_on_hang_up)
            await self._until(lambda: self._stopping or (self._in_flight == 0 and not self._subscriptions))
            waiting.cancel_scope.cancel()

    async def _drop_on_hang_up(self) -> None:
        await self._stream.hang_up()
        self._drop()

    async def _finish(self) -> None:
        with anyio.move_on_after(self._limits.stop_grace):
            await self._until(lambda: self._in_flight == 0)
        for scope in list(self._running):
            scope.cancel()
        await self._until(lambda: self._in_flight == 0)

    def _drop(self) -> None:
        self._whole.cancel()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed = anyio.Event()
            await self._changed.wait()


def _too_slow() -> InvalidRequestError:
    return InvalidRequestError("no complete line in time", hint="a request is one JSON text and a newline")


def _stopping() -> ShuttingDownError:
    return ShuttingDownError("the daemon is stopping", hint="ask again once it runs again")
