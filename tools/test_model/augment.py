"""Augmentation: what microphones and rooms do to clean speech, on numpy arrays.

Owns level, tempo, short random filters and noise, and what other speakers would do to a spectrogram. Everything is a
pure function of a seeded generator; audio is float32, mono, 16 kHz, shape (samples,).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE = 16_000


def tempo(audio: Audio, factor: float) -> Audio:
    """`audio` played `factor` times as fast: tempo and pitch change together, as with another speaker."""
    positions = np.arange(int(len(audio) / factor), dtype=np.float32) * np.float32(factor)
    return np.interp(positions, np.arange(len(audio), dtype=np.float32), audio).astype(np.float32)


def room(audio: Audio, draw: np.random.Generator) -> Audio:
    """`audio` through a short random filter: a direct sound and a decaying tail of up to 40 ms, peak kept."""
    length = int(draw.integers(16, 640))
    response = draw.standard_normal(length).astype(np.float32) * np.exp(-np.arange(length) / (length / 4)).astype(
        np.float32
    )
    response *= float(draw.uniform(0.1, 0.5)) / max(1e-6, float(np.sqrt(np.sum(response**2))))
    response[0] = 1.0
    size = 1 << (len(audio) + length - 1).bit_length()
    filtered = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(response, size), size)[: len(audio)]
    peak = float(np.abs(filtered).max(initial=0))
    return (filtered * (float(np.abs(audio).max(initial=0)) / max(1e-6, peak))).astype(np.float32)


def dulled(audio: Audio, draw: np.random.Generator) -> Audio:
    """`audio` without its high tones, as through a telephone or a cheap microphone: nothing above 3.3 to 7 kHz."""
    size = 1 << (len(audio) - 1).bit_length()
    spectrum = np.fft.rfft(audio, size)
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    # A slope of 300 Hz: a sharper edge rings.
    edge = float(np.exp(draw.uniform(np.log(3300), np.log(7000))))
    spectrum *= np.clip((edge + 300 - frequencies) / 300, 0, 1)
    if draw.random() < 0.5:
        spectrum *= np.clip((frequencies - draw.uniform(50, 250)) / 100, 0, 1)
    return np.fft.irfft(spectrum, size)[: len(audio)].astype(np.float32)


def noise(samples: int, draw: np.random.Generator) -> Audio:
    """Noise of random colour with an effective level of 1, sometimes with mains hum or slow swelling."""
    size = max(256, 1 << (samples - 1).bit_length())
    spectrum = draw.standard_normal(size // 2 + 1) + 1j * draw.standard_normal(size // 2 + 1)
    # Power falls with frequency: 0 is white, 1 pink, 2 brown.
    spectrum *= np.maximum(1, np.arange(size // 2 + 1)) ** (-float(draw.uniform(0, 2)) / 2)
    made = np.fft.irfft(spectrum, size)[:samples]
    time = np.arange(samples) / RATE
    if draw.random() < 0.3:
        hum = sum(np.sin(2 * np.pi * k * draw.choice([50, 60]) * time + draw.uniform(0, 6)) / k for k in (1, 2, 3))
        made = made / max(1e-9, float(made.std())) + float(draw.uniform(0.2, 2)) * hum
    if draw.random() < 0.3:
        made = made * (1 + 0.8 * np.sin(2 * np.pi * draw.uniform(0.1, 3) * time + draw.uniform(0, 6)))
    return (made / max(1e-9, float(np.sqrt(np.mean(made**2))))).astype(np.float32)


# Where the resonances of a speaker are moved each by its own amount, in hertz; between them, by what is between.
_RESONANCES = (0, 500, 1200, 2200, 3500, 8000)


def varied(filters: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    """A mel filter bank, shape (bands, frequencies from 0 to 8 kHz), that hears another speaker and microphone.

    Resonances are moved together by a tenth or so and each by a little more (after Jaitly and Hinton, "Vocal tract
    length perturbation improves speech recognition", 2013), the spectrum is bent by some decibels, and sometimes a few
    neighbouring bands are as good as missing (after Park et al., "SpecAugment", 2019).
    """
    bands, count = filters.shape
    frequencies = np.linspace(0, RATE / 2, count)
    shifts = draw.normal(0, 0.07) + draw.normal(0, 0.04, len(_RESONANCES))
    moved = frequencies * np.exp(np.interp(frequencies, _RESONANCES, shifts.clip(-0.2, 0.2)))
    places = np.maximum.accumulate(moved).clip(0, RATE / 2) / (RATE / 2) * (count - 1)
    below = np.minimum(places.astype(np.int64), count - 2)
    part = (places - below).astype(np.float32)
    heard = filters[:, below] * (1 - part) + filters[:, below + 1] * part
    knots = np.linspace(0, bands - 1, 6)
    decibels = np.interp(np.arange(bands), knots, draw.normal(0, 4, 6)) + draw.normal(0, 4) * np.linspace(-1, 1, bands)
    if draw.random() < 0.3:
        first = int(draw.integers(bands))
        decibels[first : first + int(draw.integers(3, 13))] -= 40
    return (heard * (10 ** (decibels / 10))[:, None]).astype(np.float32)


class NoiseBank:
    """Noises made once and cut from at random: fresh noise for every window would cost more than the window."""

    def __init__(self, seed: int, *, count: int = 24, seconds: int = 32) -> None:
        """Makes `count` noises of `seconds` each."""
        draw = np.random.default_rng(seed)
        self._noises = [noise(seconds * RATE, draw) for _ in range(count)]

    def cut(self, samples: int, draw: np.random.Generator) -> Audio:
        """A random piece of a random noise, effective level about 1, shape (samples,); `samples` at most 30 s."""
        made = self._noises[int(draw.integers(len(self._noises)))]
        start = int(draw.integers(len(made) - samples + 1))
        return made[start : start + samples]
