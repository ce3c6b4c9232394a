"""Recordings that still grow: the recorder's own WAV files, read by position.

Owns: reading what is there now. The recorder writes 16 kHz mono PCM behind a header of 44 bytes and changes nothing
that it has written, so a position is a place in the file. Leaves to others: what is said in them (`listening`), and
files of any other kind (`blocks`).
"""

import os
from typing import Final

import numpy as np

from whisperd.frames import FailureKind
from whisperd.worker.audio import Samples
from whisperd.worker.failures import WorkError
from whisperd.worker.files import open_file, shown

_HEADER: Final = 44
_SAMPLE: Final = 2
_FULL_SCALE: Final = 32_768.0


def read_recording(path: bytes, start: int, end: int | None) -> Samples:
    """The samples `[start, end)`; `end` None: as many as there are by now.

    Raises WorkError, INPUT_CHANGED when there are fewer than `end`.
    """
    descriptor = open_file(path)
    try:
        if os.pread(descriptor, 12, 0)[8:] != b"WAVE":
            raise WorkError(FailureKind.BAD_INPUT, f"{shown(path)} is no recording of whisperd's")
        stored = max(0, os.fstat(descriptor).st_size - _HEADER) // _SAMPLE
        last = stored if end is None else end
        if last > stored:
            raise WorkError(FailureKind.INPUT_CHANGED, f"{shown(path)} is shorter than it was")
        data = os.pread(descriptor, max(0, last - start) * _SAMPLE, _HEADER + start * _SAMPLE)
    finally:
        os.close(descriptor)
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)
