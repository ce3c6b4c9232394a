"""From a device's rate and channels to 16 kHz mono.

Owns: a polyphase low-pass filter (Kaiser window; Crochiere and Rabiner, Multirate Digital Signal Processing, 1983) that
takes a stream in pieces of any size and gives the same samples as for the whole. Imported only where a device can't
give 16 kHz mono itself, since NumPy costs a tenth of a second.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whisperd.frames import SAMPLE_RATE

_LOBES: Final = 16
"""Zero crossings of the filter on either side, at the lower of the two rates: a transition band of about a tenth of
the bandwidth."""

_BETA: Final = 8.0
"""Kaiser's shape: 80 dB of stop-band attenuation, below what 16 bits of a microphone hold."""

_CUTOFF: Final = 0.945
"""Of the lower Nyquist frequency: the middle of the transition band, so that nothing is folded back."""


class Resampler:
    """Interleaved 16 bit frames at `rate` to 16 bit mono at 16 kHz; channels are averaged.

    Output sample n is the input at time n / 16,000: the filter's delay is taken out, `flush` gives the last ones.
    """

    def __init__(self, rate: int, channels: int) -> None:
        common = math.gcd(rate, SAMPLE_RATE)
        self._up, self._down = SAMPLE_RATE // common, rate // common
        self._channels = channels
        self._half = math.ceil(_LOBES * max(1.0, rate / SAMPLE_RATE))
        self._phases = _filter(self._up, self._half, min(1.0, SAMPLE_RATE / rate) * _CUTOFF)
        # The first sample is the middle of the first window.
        self._held = np.zeros(self._half, np.float32)
        self._first = -self._half
        self._next = 0

    def convert(self, frames: bytes) -> bytes:
        """What can be told now; the end of it waits for what follows."""
        if self._up == self._down:
            return _as_pcm(self._mono(frames))
        self._held = np.concatenate([self._held, self._mono(frames)])
        return self._produce()

    def flush(self) -> bytes:
        """The last samples; the end of the input is followed by silence."""
        if self._up == self._down:
            return b""
        self._held = np.concatenate([self._held, np.zeros(self._half, np.float32)])
        return self._produce()

    def _mono(self, frames: bytes) -> NDArray[np.float32]:
        samples = np.frombuffer(frames, np.int16).astype(np.float32)
        return samples.reshape(-1, self._channels).mean(axis=1, dtype=np.float32)

    def _produce(self) -> bytes:
        """Every output sample whose window is held: base - half + 1 … base + half, in input samples."""
        last_base = self._first + len(self._held) - 1 - self._half
        count = max(0, ((last_base + 1) * self._up - 1) // self._down + 1 - self._next)
        if count == 0:
            return b""
        positions = (self._next + np.arange(count)) * self._down
        bases, phases = positions // self._up, positions % self._up
        windows = np.lib.stride_tricks.sliding_window_view(self._held, 2 * self._half)
        made = np.einsum("ij,ij->i", windows[bases - self._half + 1 - self._first], self._phases[phases])
        self._next += count
        keep = self._next * self._down // self._up - self._half + 1 - self._first
        self._held, self._first = self._held[keep:], self._first + keep
        return _as_pcm(made)


def _filter(up: int, half: int, cutoff: float) -> NDArray[np.float32]:
    """Weights of the input samples base - half + 1 … base + half for each fraction of a sample, shape `(up, 2·half)`;
    each row adds up to one, so that a constant stays what it is."""
    offsets = np.arange(-half + 1, half + 1)[np.newaxis, :] - (np.arange(up) / up)[:, np.newaxis]
    window = np.i0(_BETA * np.sqrt(np.maximum(0.0, 1 - np.square(offsets / half)))) / np.i0(_BETA)
    weights = cutoff * np.sinc(cutoff * offsets) * window
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _as_pcm(samples: NDArray[np.float32]) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()
