"""Frames of any format, rate and layout to samples: float32 mono at 16 kHz.

Owns: mixing, resampling, and that every sample is a number that can be computed with. All of it is the resampler's:
frames are looked into only as packed mono or packed float, since PyAV reads beyond a planar frame's planes where there
are more than eight. Leaves to others: where frames come from and which time they have (`audio`).
"""

from collections.abc import Iterator
from typing import Final

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from whisperd.frames import SAMPLE_RATE

Samples = NDArray[np.float32]

_LOUDEST: Final = 100.0
"""Largest value that is let through, 40 dB above full scale. Files of floats may hold anything, infinity included, and
what overflows in the features would be noise to the model for the whole chunk."""


class Converter:
    """Converts frames whose format, rate and layout may change at any frame."""

    def __init__(self) -> None:
        self._resampler: AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None
        self._averages = False

    def convert(self, frame: AudioFrame) -> Iterator[Samples]:
        """Raises FFmpegError or ValueError for a frame that can't be converted."""
        frame.pts = None
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape or self._resampler is None:
            yield from self.flush()
            self._shape = shape
            self._averages = _has_no_places(frame)
            if not self._averages:
                self._resampler = _to_mono()
                try:
                    yield from _arrays(self._resampler.resample(frame))
                    return
                except (av.error.FFmpegError, ValueError):
                    # A layout that the mixer has no rule for: ambisonic, binaural, places above the listener.
                    self._averages = True
            self._resampler = _to_mono()
        yield from _arrays(self._resampler.resample(_averaged(frame) if self._averages else frame))

    def flush(self) -> Iterator[Samples]:
        """What the resampler still holds; the next frame begins anew."""
        if self._resampler is not None:
            resampler, self._resampler = self._resampler, None
            yield from _arrays(resampler.resample(None))


def _to_mono() -> AudioResampler:
    return AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)


def _has_no_places(frame: AudioFrame) -> bool:
    """Whether it is not said where the frame's channels are; FFmpeg would guess."""
    return frame.layout.name.endswith(" channels") and frame.layout.nb_channels > 2


def _arrays(frames: list[AudioFrame]) -> Iterator[Samples]:
    # Flushing a resampler that had nothing to convert gives [None].
    for frame in filter(None, frames):
        samples = frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)
        if not (np.abs(samples) <= _LOUDEST).all():  # NaN is not
            samples = np.clip(np.nan_to_num(samples, nan=0.0), -_LOUDEST, _LOUDEST)
        yield samples


def _averaged(frame: AudioFrame) -> AudioFrame:
    """The mean of the frame's channels, as a frame."""
    packed = AudioResampler(format="flt", layout=frame.layout.name, rate=frame.sample_rate).resample(frame)
    parts = [part.to_ndarray().reshape(-1, frame.layout.nb_channels).mean(axis=1, dtype=np.float64) for part in packed]
    mean = np.concatenate(parts).astype(np.float32)
    mixed = AudioFrame.from_ndarray(mean.reshape(1, -1), format="flt", layout="mono")
    mixed.sample_rate = frame.sample_rate
    return mixed
