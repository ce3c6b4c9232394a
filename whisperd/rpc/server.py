"""All clients: accepting them, and letting them go when the daemon stops.

Owns: how many there may be. Leaves to others: the socket (`socket`) and each client (`connection`).
"""

import contextlib
import errno
import logging
import os
import socket
from typing import Final

import anyio
from anyio.abc import TaskGroup, TaskStatus

from whisperd.errors import RefusedError, TooManyConnectionsError, WhisperdError
from whisperd.events import EventBus, Replay
from whisperd.rpc.budget import Budget
from whisperd.rpc.connection import Connection
from whisperd.rpc.dispatch import Dispatcher, refuse, trace
from whisperd.rpc.limits import RpcLimits
from whisperd.rpc.stream import ClientStream, accept

_log = logging.getLogger(__name__)

_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_RESOURCES_PAUSE: Final = 0.5
"""Seconds: nothing tells when a descriptor is free again, while the waiting client keeps the socket readable."""


async def serve(
    listener: socket.socket,
    dispatcher: Dispatcher,
    bus: EventBus,
    replay: Replay,
    *,
    stop: anyio.Event,
    limits: RpcLimits = RpcLimits(),  # noqa: B008 (frozen)
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve clients until `stop` is set; then accept no more, and return when each had `stop_grace` to end.

    Being cancelled ends all at once. The listener is closed.
    """
    server = _Server(dispatcher, bus, replay, limits)
    async with anyio.create_task_group() as tasks:
        async with anyio.create_task_group() as accepting:
            accepting.start_soon(server.accept, listener, tasks)
            task_status.started()
            await stop.wait()
            accepting.cancel_scope.cancel()
        listener.close()
        server.stop()


class _Server:
    def __init__(self, dispatcher: Dispatcher, bus: EventBus, replay: Replay, limits: RpcLimits) -> None:
        self._dispatcher = dispatcher
        self._bus = bus
        self._replay = replay
        self._limits = limits
        self._budget = Budget(limits.unread_answers, limits.unread_by_one, limits.large_at_once)
        self._connections: set[Connection] = set()

    async def accept(self, listener: socket.socket, tasks: TaskGroup) -> None:
        while True:
            stream = await _next(listener)
            if stream is None:
                continue
            if stream.peer_uid() != os.geteuid():
                await _turn_away(stream, RefusedError("this daemon belongs to another user"))
            elif len(self._connections) >= self._limits.max_connections:
                await _turn_away(stream, _too_many_connections(len(self._connections)))
            else:
                connection = Connection(stream, self._dispatcher, self._bus, self._replay, self._limits, self._budget)
                self._connections.add(connection)
                tasks.start_soon(self._run, connection)

    def stop(self) -> None:
        for connection in self._connections:
            connection.stop()

    async def _run(self, connection: Connection) -> None:
        try:
            await connection.run()
        except Exception as error:  # a defect met by one client must not end the others
            _log.error("a connection ended by an internal error: %s", trace(error))
        finally:
            self._connections.discard(connection)


async def _next(listener: socket.socket) -> ClientStream | None:
    """The next client; None where it gave up meanwhile, or the daemon has no descriptor for it now."""
    try:
        return await accept(listener)
    except ConnectionAbortedError:
        return None
    except OSError as error:
        if error.errno not in _OUT_OF_RESOURCES:
            raise
        _log.warning("can't accept a client: %s", error.strerror)
        await anyio.sleep(_RESOURCES_PAUSE)
        return None


async def _turn_away(stream: ClientStream, error: WhisperdError) -> None:
    """One line, which an empty socket buffer takes at once, and the end."""
    with stream, contextlib.suppress(OSError):
        await stream.send(refuse(None, error) + b"\n", stall=0.0)


def _too_many_connections(count: int) -> TooManyConnectionsError:
    return TooManyConnectionsError(
        f"too many connections: {count} are open", hint="close one; `whisperctl` needs one a running command"
    )
