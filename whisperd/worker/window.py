"""A chunk's window: which of its samples the model hears, and where a second of the window lies in the audio.

Owns: leaving out what is long and silent, so that a window is filled with speech, and the way back from its times to
the audio's. Pure. Positions are samples at 16 kHz, times are seconds.
"""

from itertools import accumulate, pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whisperd.frames import SAMPLE_RATE, Chunk

PADDING: Final = SAMPLE_RATE * 4 // 10
"""Samples (0.4 s) of silence kept around speech, as faster-whisper pads it: onsets and endings are quieter than
Silero's threshold. Between two chunks each gets at most half of the silence."""

LONGEST_PAUSE: Final = 2 * PADDING
"""Samples (0.8 s) of a pause that are heard: the padding of both its neighbours."""


class Span(NamedTuple):
    """From `start` to `end`, in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Window:
    """What is heard of one chunk."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self._pieces = _pieces(chunk)
        lengths = [end - start for start, end in self._pieces]
        *self._offsets, self._length = accumulate(lengths, initial=0)

    @property
    def seconds(self) -> float:
        """How long the window is."""
        return self._length / SAMPLE_RATE

    @property
    def speech(self) -> tuple[Span, ...]:
        """Where somebody speaks in the window; nowhere known in a chunk that says nothing of speech."""
        return tuple(
            Span((offset + max(start, first) - first) / SAMPLE_RATE, (offset + min(end, last) - first) / SAMPLE_RATE)
            for start, end in self.chunk.speech
            for offset, (first, last) in zip(self._offsets, self._pieces, strict=True)
            if start < last and end > first
        )

    def heard(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is heard of the chunk's samples, shape `(chunk.end - chunk.start,)`."""
        if len(self._pieces) == 1:
            return samples
        begin = self.chunk.start
        return np.concatenate([samples[start - begin : end - begin] for start, end in self._pieces])

    def in_audio(self, span: Span) -> Span:
        """The same span in seconds of the audio; one over a pause that is not heard ends before it."""
        index = sum(1 for offset in self._offsets[1:] if offset / SAMPLE_RATE <= span.start)
        first, last = self._pieces[index]
        late = (first - self._offsets[index]) / SAMPLE_RATE
        end = last / SAMPLE_RATE
        return Span(min(span.start + late, end), min(max(span.end, span.start) + late, end))


def _pieces(chunk: Chunk) -> list[tuple[int, int]]:
    pieces: list[tuple[int, int]] = []
    start = chunk.start
    for (_, spoken), (following, _) in pairwise(chunk.speech):
        if following - spoken > LONGEST_PAUSE:
            pieces.append((start, spoken + PADDING))
            start = following - PADDING
    return [*pieces, (start, chunk.end)]
