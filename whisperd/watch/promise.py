"""How large a file says that it is going to be: what the header of its container promises.

Owns: that figure for the containers that state it in bytes near their beginning (WAV and its larger kinds, AIFF, AU,
CAF, Wave64, MP4 and its kin). Leaves to others: what follows for the file (`finished`), and whether it is audio at all,
which the worker finds out. Pure: reads through a function, a few bytes at a time.
"""

import struct
from collections.abc import Callable
from typing import Final

Read = Callable[[int, int], bytes]
"""At most so many bytes (second) from an offset (first) on; fewer where the file ends."""

_MOST_BOXES: Final = 64
"""Boxes of an MP4 that are looked at: a whole file has a handful at its top, a fragmented one as many as it likes."""

SLACK: Final = 64
"""Bytes by which writers are wrong about their headers and paddings: no promise of more."""

_UNKNOWN: Final = 0x7FFF_0000
"""From here on, a length of 32 bits is that of a writer that could not go back to fill it in; sox and arecord write
numbers a little below and above 2 GiB. So is 0."""

_LARGEST: Final = 1 << 42
"""Bytes above which a length is damage, or unknown, rather than a promise (4 TB)."""

_WAVE64: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_MP4_BOXES: Final = frozenset({
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"meta", b"mfra", b"sidx",
    b"ssix", b"emsg", b"prft", b"pdin", b"udta",
})  # fmt: skip
"""What lies at the top of an MP4; another type there is damage, and so is its length."""


def promised_size(read: Read) -> int | None:
    """The size in bytes that the file has when it is complete; None where it does not say, or not in these ways."""
    head = read(0, 36)
    magic, kind = head[:4], head[8:12]
    if magic == b"RIFF" and kind == b"WAVE":
        return _with(8, _number("<I", head, 4))
    if magic in (b"RF64", b"BW64") and kind == b"WAVE" and head[12:16] == b"ds64":
        return _with(8, _number("<Q", head, 20))
    if magic == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return _with(8, _number(">I", head, 4))
    if magic == b".snd":
        return _with(_number(">I", head, 4) or 0, _number(">I", head, 8))
    if head[:16] == _WAVE64:
        return _number("<Q", head, 16)
    if magic == b"caff":
        return _chunked(read)
    if head[4:8] in _MP4_BOXES:
        return _boxed(read)
    return None


def _number(layout: str, data: bytes, at: int) -> int | None:
    """None where the data ends before it, or it stands for an unknown length."""
    if len(data) < at + struct.calcsize(layout):
        return None
    (number,) = struct.unpack_from(layout, data, at)
    return number if 0 < number < (_UNKNOWN if struct.calcsize(layout) == 4 else _LARGEST) else None


def _with(header: int, length: int | None) -> int | None:
    return None if length is None else header + length


def _chunked(read: Read) -> int | None:
    """The end of a CAF's audio: chunks of a four-letter type and a length of 64 bits, after eight bytes of header."""
    at = 8
    for _ in range(_MOST_BOXES):
        header = read(at, 12)
        length = _number(">Q", header, 4)
        if length is None:
            return None
        at += 12 + length
        if header[:4] == b"data":
            return at
        if at > _LARGEST:
            return None
    return None


def _boxed(read: Read) -> int | None:
    """The end of the last box of an MP4 that can be reached: a length of 32 bits and a type, or 1 and one of 64."""
    at = 0
    for _ in range(_MOST_BOXES):
        header = read(at, 16)
        if len(header) < 8:
            return at  # the last box ends here, or beyond the file
        if header[4:8] not in _MP4_BOXES:
            return None
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = _number(">Q", header, 8) or 0
        if length < 8 or at > _LARGEST:
            return None  # it reaches to the end of the file, wherever that is, or is damaged
        at += length
    return None
