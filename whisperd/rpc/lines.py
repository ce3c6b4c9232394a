"""Bytes as they arrive to lines, without I/O.

Owns: where a line begins and ends, and that an over-long one costs no more memory than a long one. Leaves to others:
what a line means (`whisperd.wire.codec`) and how long one may take (`connection`).
"""

import enum
from typing import Final


class Overlong(enum.Enum):
    """Stands for a line over the limit, whose bytes are thrown away."""

    LINE = "line"


Line = bytes | Overlong


class LineSplitter:
    """Lines end with a newline; blank ones are skipped; an over-long one is reported when it passes the limit."""

    def __init__(self, limit: int) -> None:
        """`limit` is in bytes, the newline not counted."""
        self._limit: Final = limit
        self._begun = bytearray()
        self._discarding = False

    @property
    def inside(self) -> bool:
        """Whether a line has begun and not ended."""
        return self._discarding or bool(self._begun)

    def feed(self, data: bytes) -> list[Line]:
        lines: list[Line] = []
        *ends, begin = data.split(b"\n")
        for part in ends:
            self._grow(part, lines)
            self._end(lines)
        self._grow(begin, lines)
        return lines

    def end(self) -> list[Line]:
        """What is left at the end of the stream: a last line without a newline."""
        lines: list[Line] = []
        self._end(lines)
        return lines

    def _grow(self, part: bytes, lines: list[Line]) -> None:
        if self._discarding:
            return
        self._begun += part
        if len(self._begun) > self._limit:
            self._begun.clear()
            self._discarding = True
            lines.append(Overlong.LINE)

    def _end(self, lines: list[Line]) -> None:
        if not self._discarding and not self._begun.isspace() and self._begun:
            lines.append(bytes(self._begun))
        self._begun.clear()
        self._discarding = False
