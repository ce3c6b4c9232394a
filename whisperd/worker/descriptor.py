"""A file's bytes as FFmpeg reads them, through its descriptor.

Owns: reading by position, a limit to how much is read, and remembering what the system refused. FFmpeg takes errors of
its own for errors of the system (a file that ends too early is an "Input/output error" in some containers) and errors
of the system for the end of the file; here each is what it is. Leaves to others: what the bytes mean (`container`).
"""

import errno
import os
from typing import Final

_COST_OF_A_SEEK: Final = 4_096
"""Bytes that could be read in its time: FFmpeg asks for the file's size before every part of a WAV."""


class FileBytes:
    """The file object that PyAV asks for; `close` it. It has a descriptor of its own."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = os.dup(descriptor)
        self._position = 0
        self._error: OSError | None = None
        self.allowance: int | None = None
        """Bytes that may still be read (None: any number), each seek counting as a few; then the file seems to end."""

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def at(self, offset: int, count: int) -> bytes:
        """The bytes there, without moving. Raises OSError."""
        return os.pread(self.descriptor, count, offset)

    def check(self) -> None:
        """Raises the OSError that a read has met, which the reader of the bytes took for the end of the file."""
        if self._error is not None:
            raise self._error

    @property
    def exhausted(self) -> bool:
        return self.allowance == 0

    def read(self, count: int) -> bytes:
        if self.allowance is not None:
            count = min(count, self.allowance)
            self._spend(count)
        try:
            data = os.pread(self.descriptor, count, self._position)
        except OSError as error:
            self._error = error
            return b""
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int) -> int:
        """The new position, or what FFmpeg takes for an error."""
        self._spend(_COST_OF_A_SEEK)
        if whence == os.SEEK_CUR:
            offset += self._position
        elif whence == os.SEEK_END:
            offset += self.size
        if offset < 0:
            return -errno.EINVAL
        self._position = offset
        return offset

    def _spend(self, count: int) -> None:
        if self.allowance is not None:
            self.allowance = max(0, self.allowance - count)

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        os.close(self.descriptor)
