"""Sounds that are not speech: silence, noises, a telephone line's hum and hiss, tones, something like music.

Owns their synthesis, a pure function of length and seed. Samples are float32 mono at 16 kHz, shape `(samples,)`; the
level is the root mean square.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.speech import SAMPLE_RATE, Samples, noise, silence

LEVEL = 0.03
"""Root mean square of a sound unless told: 30 dB below full scale, about as loud as speech from a telephone."""

TELEPHONE_BAND = (300.0, 3400.0)
"""Hz that a telephone line carries (ITU-T G.712)."""
MAINS = 50.0
"""Hz of the mains, whose overtones hum on a line."""

_MINOR_SECOND = 2 ** (1 / 12)
_CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
"""Semitones above the key: the most common four chords of popular music (I, vi, IV, V)."""

Sound = Callable[[float, int], Samples]
"""`seconds, seed` → samples."""


def still(seconds: float, _seed: int = 0) -> Samples:
    """Digital silence."""
    return silence(seconds)


def white(seconds: float, seed: int = 0, level: float = LEVEL) -> Samples:
    return noise(seconds, seed, level)


def pink(seconds: float, seed: int = 0, level: float = LEVEL) -> Samples:
    """Noise whose power falls by 3 dB an octave."""
    return _shaped(seconds, seed, level, lambda frequencies: 1 / np.sqrt(np.maximum(frequencies, 20.0)))


def telephone(seconds: float, seed: int = 0, level: float = LEVEL) -> Samples:
    """Hum of the mains with its overtones and hiss, within a telephone line's band."""
    low, high = TELEPHONE_BAND
    hiss = _shaped(seconds, seed, 1.0, lambda hertz: ((hertz > low) & (hertz < high)).astype(float))
    period = np.arange(round(SAMPLE_RATE / MAINS)) / SAMPLE_RATE
    draw = np.random.default_rng(seed)
    hum = np.zeros(len(period))
    for hertz in np.arange(MAINS, 1000, MAINS):
        hum += np.sin(2 * np.pi * hertz * period + draw.uniform(0, 2 * np.pi)) * MAINS / hertz
    return at_level(hiss + np.resize(hum, len(hiss)), level)


def tones(seconds: float, seed: int = 0, level: float = LEVEL) -> Samples:
    """Beeps as a telephone makes them: one or two frequencies for 0.1 to 1 s, silence of as long between."""
    draw = np.random.default_rng(seed)
    made = np.zeros(round(seconds * SAMPLE_RATE))
    place = 0
    while place < len(made):
        length = round(draw.uniform(0.1, 1.0) * SAMPLE_RATE)
        times = np.arange(min(length, len(made) - place)) / SAMPLE_RATE
        for hertz in draw.uniform(350, 1700, draw.integers(1, 3)):
            made[place : place + len(times)] += np.sin(2 * np.pi * hertz * times)
        place += length + round(draw.uniform(0.1, 1.0) * SAMPLE_RATE)
    return at_level(made, level)


def music(seconds: float, seed: int = 0, level: float = LEVEL) -> Samples:
    """Plucked chords over a bass with a beat on every quarter, in a key and a tempo that the seed decides."""
    draw = np.random.default_rng(seed)
    made = np.zeros(round(seconds * SAMPLE_RATE))
    beat = 60 / draw.uniform(80, 140)
    key = 220 * _MINOR_SECOND ** int(draw.integers(0, 12))
    for number in range(int(seconds / beat) + 1):
        chord = _CHORDS[number // 4 % len(_CHORDS)]
        for semitones in chord:
            delay = draw.uniform(0, 0.02) + draw.choice([0.0, beat / 2])
            _add(made, number * beat + delay, _plucked(key * _MINOR_SECOND**semitones, 2 * beat, draw))
        _add(made, number * beat, 1.5 * _plucked(key / 2 * _MINOR_SECOND ** chord[0], beat, draw))
        _add(made, number * beat, 0.5 * _beat(draw, snare=number % 2 == 1))
    return at_level(made, level)


def at_level(samples: NDArray[np.float64] | Samples, level: float) -> Samples:
    """The samples scaled to a root mean square of `level`; silence stays silence."""
    now = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    return (samples * (level / now if now else 0.0)).astype(np.float32)


def _shaped(
    seconds: float, seed: int, level: float, gain: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Samples:
    # Whole seconds: a transform of a length with large prime factors takes many times longer.
    count = math.ceil(seconds) * SAMPLE_RATE
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    made = np.fft.irfft(spectrum * gain(np.fft.rfftfreq(count, 1 / SAMPLE_RATE)), count)
    return at_level(made[: round(seconds * SAMPLE_RATE)], level)


def _plucked(hertz: float, seconds: float, draw: np.random.Generator) -> NDArray[np.float64]:
    """A string's tone: overtones that fall and decay the faster the higher they are."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    partials = np.arange(1, 8)
    partials = partials[partials * hertz < SAMPLE_RATE / 2]
    tone = sum(
        np.sin(2 * np.pi * hertz * n * times + draw.uniform(0, 2 * np.pi)) * np.exp(-3 * n * times) / n
        for n in partials
    )
    return np.minimum(times / 0.005, 1) * tone


def _beat(draw: np.random.Generator, *, snare: bool) -> NDArray[np.float64]:
    times = np.arange(round(0.15 * SAMPLE_RATE)) / SAMPLE_RATE
    if snare:
        return draw.normal(size=len(times)) * np.exp(-30 * times)
    return np.sin(2 * np.pi * (50 * times + 2 * (1 - np.exp(-30 * times)))) * np.exp(-20 * times) * 2


def _add(made: NDArray[np.float64], seconds: float, part: NDArray[np.float64]) -> None:
    start = round(seconds * SAMPLE_RATE)
    room = max(0, len(made) - start)
    made[start : start + len(part)] += part[:room]


SOUNDS: dict[str, Sound] = {
    "silence": still,
    "white": white,
    "pink": pink,
    "telephone": telephone,
    "tones": tones,
    "music": music,
}
"""By name, as the sets name them."""
