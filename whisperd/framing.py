"""How messages between the daemon and its children travel: length-prefixed MessagePack.

Owns: the frame. Leaves to others: the messages (`whisperd.frames`, `whisperd.recorder.messages`) and the sockets. It
imports the standard library and msgspec only, since children import it.
"""

import socket
import struct
from typing import Final, TypeVar

import msgspec
from msgspec.msgpack import Decoder, Encoder

MAX_FRAME: Final = 64 * 1024 * 1024
"""Bytes of the largest frame either side accepts; a larger length prefix means a broken peer."""

_PREFIX: Final = struct.Struct(">I")

PREFIX_SIZE: Final = _PREFIX.size

_encoder: Final = Encoder()

M = TypeVar("M")


class FrameError(Exception):
    """The peer sent something that is no frame of ours."""


def encode(message: msgspec.Struct) -> bytes:
    """The message as one frame: four bytes of big-endian length, then MessagePack."""
    body = _encoder.encode(message)
    return _PREFIX.pack(len(body)) + body


def frame_length(prefix: bytes) -> int:
    """Bytes that follow a prefix of `PREFIX_SIZE` bytes. Raises FrameError above MAX_FRAME."""
    (length,) = _PREFIX.unpack(prefix)
    if length > MAX_FRAME:
        raise FrameError(f"a frame of {length} bytes was announced; at most {MAX_FRAME} are allowed")
    return length


def decode(decoder: "Decoder[M]", body: bytes, wanted: str) -> M:
    """The message that is `wanted`, such as `a call`. Raises FrameError for anything else."""
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise FrameError(f"not {wanted}: {error}") from error


def receive_body(connection: socket.socket) -> bytes | None:
    """Block until the next frame has arrived: what follows its prefix; None at the end of the stream."""
    prefix = _receive_exactly(connection, PREFIX_SIZE)
    return None if prefix is None else _receive_exactly(connection, frame_length(prefix))


def _receive_exactly(connection: socket.socket, count: int) -> bytes | None:
    parts: list[bytes] = []
    while count > 0:
        part = connection.recv(min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
