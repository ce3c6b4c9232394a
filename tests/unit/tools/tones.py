"""Recordings of tones, as a telephone would bring them."""

import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np

RATE = 8_000
LEAD = 0.2
"""Seconds of silence before and after the sound in each file."""


def write_tone(path: Path, sounding: Iterable[tuple[float, float]], seconds: float) -> None:
    """A telephone recording that sounds in these stretches."""
    samples = np.zeros(round(seconds * RATE))
    for start, end in sounding:
        times = np.arange(round(start * RATE), round(end * RATE)) / RATE
        samples[round(start * RATE) : round(end * RATE)] = 8000 * np.sin(2 * np.pi * 440 * times)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(RATE)
        opened.writeframes(samples.astype(np.int16).tobytes())
