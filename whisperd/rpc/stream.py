"""A client's socket: bytes in, bytes out, who is there, and whether they have gone.

Owns: the socket of one connection. Leaves to others: what the bytes mean and how long they may take (`connection`).

anyio's own Unix streams report a read that is cancelled at the moment when data arrives as an error in a callback, and
tell neither a hang-up from a half-close nor who the peer is; hence this one.
"""

import select
import socket
import struct
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.lowlevel

CHUNK: Final = 64 * 1024
"""Bytes taken or given at once."""

_CREDENTIALS: Final = struct.Struct("3i")
"""`struct ucred`: pid, uid, gid (unix(7))."""


async def accept(listener: socket.socket) -> "ClientStream":
    """The next client of a listening, non-blocking socket. Raises OSError."""
    await anyio.lowlevel.checkpoint()
    while True:
        try:
            client, _ = listener.accept()
        except BlockingIOError:
            await anyio.wait_readable(listener)
        else:
            return ClientStream(client)


class ClientStream:
    """A context manager that closes the socket. Methods raise OSError once the peer is gone."""

    def __init__(self, client: socket.socket) -> None:
        client.setblocking(False)
        self._socket = client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.close()

    def peer_uid(self) -> int:
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, uid, _ = _CREDENTIALS.unpack(credentials)
        return uid

    async def receive(self) -> bytes:
        """At most `CHUNK` bytes; none at the end of the stream."""
        await anyio.lowlevel.checkpoint()
        while True:
            try:
                return self._socket.recv(CHUNK)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)

    async def send(self, data: bytes, stall: float) -> None:
        """Returns once the kernel has taken all. Raises TimeoutError where it takes none of it for `stall` seconds."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                with anyio.fail_after(stall):
                    await anyio.wait_writable(self._socket)

    async def hang_up(self) -> None:
        """Returns when the peer has closed its socket, or is gone.

        The end of the stream does not say so (a client may only have stopped sending) and keeps the socket readable
        for ever; an epoll that asks for nothing else reports just the hang-up.
        """
        with select.epoll() as events:
            events.register(self._socket, 0)
            await anyio.wait_readable(events.fileno())
