"""A WAV that is valid at every moment of its making: 16 kHz, mono, 16 bit.

Owns: the file's header, and appending to it. Until it is closed the header says that the length is unknown
(0xFFFFFFFF, as streaming writers have it), so that readers take it from the file's size: after a crash the recording
ends where the file does. Leaves to others: what is recorded (`recording`).
"""

import os
import struct
from typing import Final

from whisperd.frames import SAMPLE_RATE

HEADER: Final = 44
"""Bytes before the first sample."""

_UNKNOWN: Final = 0xFFFF_FFFF


def header(data_bytes: int = _UNKNOWN) -> bytes:
    """The 44 bytes of a canonical PCM header (RIFF specification, 1991) for that much data."""
    riff = _UNKNOWN if data_bytes == _UNKNOWN else data_bytes + HEADER - 8
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16, b"data", data_bytes),
    )


class GrowingWav:
    """A new file in `folder`, which must exist. Raises OSError."""

    def __init__(self, folder: str, stem: str) -> None:
        self.path, self._descriptor = _create(folder, stem)
        self.samples = 0
        try:
            self._append(header())
        except OSError:
            self.discard()
            raise

    def write(self, samples: bytes) -> None:
        """Append 16 bit samples, which are in the file (though not yet on the disk) on return."""
        self._append(samples)
        self.samples += len(samples) // 2

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def state_length(self) -> None:
        """Nothing more will be written: say so in the header."""
        os.pwrite(self._descriptor, header(2 * self.samples), 0)

    def close(self) -> None:
        """Have all of it on the disk."""
        try:
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)

    def discard(self) -> None:
        """Remove the file, into which nothing was recorded."""
        os.close(self._descriptor)
        os.unlink(self.path)  # noqa: PTH108 (starts without pathlib)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


def _create(folder: str, stem: str) -> tuple[str, int]:
    number = 1
    while True:
        path = os.path.join(folder, f"{stem}.wav" if number == 1 else f"{stem}-{number}.wav")  # noqa: PTH118
        try:
            return path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            number += 1
