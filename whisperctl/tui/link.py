"""The live view's one connection to the daemon, made anew whenever it was lost.

Owns: connecting, requests with their answers, handing on events. Leaves to others: checking the socket and reading
answers (`whisperctl.client`), and what is asked (`whisperctl.tui.inquiry`). Runs in the view's own event loop.
"""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable

from whisperctl.client import CALL_TIMEOUT, MAX_ANSWER, connect, encoded, result_of
from whisperctl.errors import CommandError, DisconnectedError, RequestFailedError
from whisperctl.follow import FIRST_PAUSE, LONGEST_PAUSE
from whisperctl.shapes import Json, Params
from whisperctl.tui.inputs import Connected, Disconnected, EventsLost, Happened, Input
from whisperd.wire import names

TOPICS = [topic for topic in names.TOPICS if topic != names.TOPIC_JOB_SEGMENT]
"""All but segments: those of the job that is followed are asked for, from its beginning on."""
_AT_ONCE = 16
"""Requests in flight at most, half of what the daemon allows on a connection."""


class Link:
    """`take` is given every event, and told when the daemon is gone and when it answers again."""

    def __init__(self, path: str, take: Callable[[Input], None]) -> None:
        self._path = path
        self._take = take
        self._writer: asyncio.StreamWriter | None = None
        self._awaited: dict[int, asyncio.Future[Json]] = {}
        self._last_id = 0
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._pause = FIRST_PAUSE
        self._renewal: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        while True:
            try:
                await self._converse()
            except CommandError as error:
                self._take(Disconnected(error.message, error.hint, time.monotonic()))
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def close(self) -> None:
        """End the connection; `run` is to be cancelled."""
        if self._writer is not None:
            self._writer.close()

    async def call(self, method: str, params: Params | None = None) -> Json:
        """The method's result. Raises `RequestFailedError` with the daemon's error, or `DisconnectedError`."""
        async with self._slots:
            writer = self._writer
            if writer is None:
                raise DisconnectedError("whisperd is gone", "this view goes on when it is back")
            self._last_id += 1
            number = self._last_id
            request: Params = {"jsonrpc": names.JSONRPC, "id": number, "method": method, "params": params or {}}
            answer = self._awaited[number] = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(CALL_TIMEOUT):
                    with contextlib.suppress(OSError):  # why it can't be written is told by who reads
                        writer.write(encoded(request))
                        await writer.drain()
                    return result_of(await answer)
            except TimeoutError:
                raise DisconnectedError(f"whisperd did not answer {method} within {CALL_TIMEOUT:g} s") from None
            finally:
                del self._awaited[number]

    async def _converse(self) -> None:
        """One connection, from its beginning to its end; both are told."""
        connection = await asyncio.to_thread(connect, self._path)
        reader, writer = await asyncio.open_unix_connection(
            sock=socket.socket(fileno=connection.detach()), limit=MAX_ANSWER
        )
        self._writer = writer
        reading = asyncio.create_task(self._read(reader))
        try:
            await self.call(names.EVENTS_SUBSCRIBE, {"topics": TOPICS})
            self._take(Connected())
            self._pause = FIRST_PAUSE
            await reading
        finally:
            self._writer = None
            writer.close()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Take messages until the end, which is a `DisconnectedError` here and for all who wait for an answer."""
        try:
            while line := await self._line(reader):
                message = _message(line)
                if "method" in message:
                    self._notified(message["method"], message.get("params") or {})
                elif (answer := self._awaited.get(message.get("id", 0))) is not None and not answer.done():
                    answer.set_result(message)
            raise DisconnectedError("whisperd closed the connection", "it may be restarting")
        except DisconnectedError as error:
            for answer in self._awaited.values():
                if not answer.done():
                    answer.set_exception(error)
            raise

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readline()
        except (OSError, ValueError):  # reset, or a line beyond the limit
            return b""

    def _notified(self, method: str, params: Params) -> None:
        if method == names.EVENT:
            happened = Happened(params.get("topic", ""), params.get("data", {}), params.get("job"), params.get("batch"))
            self._take(happened)
        elif method == names.EVENTS_LOST:
            self._renewal = asyncio.create_task(self._subscribe_anew())  # who reads can't wait for an answer

    async def _subscribe_anew(self) -> None:
        with contextlib.suppress(DisconnectedError, RequestFailedError):
            await self.call(names.EVENTS_SUBSCRIBE, {"topics": TOPICS})
            self._take(EventsLost())


def _message(line: bytes) -> Json:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise DisconnectedError("what answers at the socket does not speak whisperd's protocol")
    return message  # pyright: ignore[reportUnknownVariableType]
