"""Blocks of about ten minutes: the one buffer through which all of a file's audio goes, whatever its length.

Owns: the open reader at its position, the last block's samples, and the decision whether they can serve a call or the
file must be decoded again from its beginning; and for how many files at once that is remembered. Forgetting all of it
changes no answer, only its speed.
"""

import os
from dataclasses import dataclass
from typing import Final

import numpy as np

from whisperd.frames import SAMPLE_RATE, Damage, FailureKind, FileIdentity, Source
from whisperd.worker.audio import AudioReader, Samples
from whisperd.worker.failures import WorkError
from whisperd.worker.files import open_unchanged, shown

BLOCK_SAMPLES: Final = 600 * SAMPLE_RATE
"""Samples of one block: 10 min, 38 MB. Longer ones save nothing; shorter ones cut more speech at their borders."""


@dataclass(frozen=True)
class Block:
    """Samples `[start, end)` of the audio; `last` when the audio ends with them. Valid until the next block is read."""

    start: int
    end: int
    samples: Samples
    last: bool


class Blocks:
    """Reads blocks of one file at a time."""

    def __init__(self, block_samples: int = BLOCK_SAMPLES) -> None:
        self._buffer: Samples = np.empty(block_samples, np.float32)
        self._start = 0
        self._end = 0
        self._path: bytes | None = None
        self._identity: FileIdentity | None = None
        self._reader: AudioReader | None = None

    def from_start(self, source: Source, start: int) -> Block:
        """The block that begins at sample `start`: a full one, or what is left. Raises WorkError."""
        reader = self._reader_of(source)
        if not (self._start <= start <= self._end == reader.position):
            reader = self._reopened(source, start)
        kept = self._end - start
        self._buffer[:kept] = self._buffer[start - self._start : self._end - self._start]
        self._start = start
        self._end = start + kept + reader.read(self._buffer[kept:])
        self._refuse_nothing(source, reader)
        return Block(start, self._end, self._buffer[: self._end - start], reader.at_end())

    def between(self, source: Source, start: int, end: int) -> Block:
        """The samples `[start, end)` of a block that was planned before. Raises WorkError INPUT_CHANGED without
        them."""
        reader = self._reader_of(source)
        if not (self._start <= start <= end <= self._end):
            reader = self._reopened(source, start)
            self._end = start + reader.read(self._buffer[: end - start])
        if self._end < end:
            raise WorkError(
                FailureKind.INPUT_CHANGED,
                f"{shown(source.path)} is shorter than when its transcription was planned",
                "submit it again",
            )
        return Block(start, end, self._buffer[start - self._start : end - self._start], last=False)

    def damage(self, start: int, end: int | None) -> Damage:
        """What was lost in `[start, end)` of the file that was read last; `end` None: up to the end of its audio."""
        return Damage() if self._reader is None else self._reader.damage(start, end)

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._start = self._end = 0

    def _reader_of(self, source: Source) -> AudioReader:
        """The open reader when it reads this very content; otherwise one at the file's beginning."""
        accepted = self._identity if source.path == self._path else None
        descriptor, identity = open_unchanged(source, accepted)
        try:
            if self._reader is None or accepted is None or not identity.same_content(accepted):
                self.close()
                self._reader = AudioReader(descriptor, source.path)
            self._path, self._identity = source.path, identity
            return self._reader
        finally:
            os.close(descriptor)

    def _reopened(self, source: Source, start: int) -> AudioReader:
        """A reader at sample `start`, and an empty buffer there. The file is decoded from its beginning, never
        seeked."""
        self.close()
        reader = self._reader_of(source)
        reader.skip(start)
        self._start = self._end = start
        return reader

    def _refuse_nothing(self, source: Source, reader: AudioReader) -> None:
        if reader.position == 0:
            raise WorkError(
                FailureKind.BAD_INPUT,
                f"{shown(source.path)} holds no audio that can be decoded",
                "it is damaged or incomplete; record or copy it again",
            )


class OpenFiles:
    """The files in progress, each with its own block; those that were not read for longest are let go first."""

    def __init__(self, block_samples: int = BLOCK_SAMPLES) -> None:
        self._block_samples = block_samples
        self._limit = 1
        self._open: dict[bytes, Blocks] = {}

    def keep(self, count: int) -> None:
        """Keep at most so many files at hand from now on."""
        self._limit = count
        self._let_go(count)

    def of(self, source: Source) -> Blocks:
        """The blocks of the source's file."""
        blocks = self._open.pop(source.path, None)
        if blocks is None:
            self._let_go(self._limit - 1)
            blocks = Blocks(self._block_samples)
        self._open[source.path] = blocks
        return blocks

    def _let_go(self, count: int) -> None:
        while len(self._open) > max(0, count):
            self._open.pop(next(iter(self._open))).close()
