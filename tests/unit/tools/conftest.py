"""A voice made of tones, where fetched voices would lie: what the makers do with prompts needs no real ones."""

import gzip
import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from tools.real_data.fetch import VARIABLE
from tools.real_data.parts import PARTS, recipe

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


@pytest.fixture
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """English and French voices of six prompts each: N words sound for N × 0.4 s, `long` with a pause in its middle."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for language in ("en", "fr"):
        part = PARTS[f"voices-{language}"]
        folder = tmp_path / part.folder
        lines = [f"digits/{count}: {' '.join([f'{language}{count}'] * count)}" for count in range(1, 6)]
        for count in range(1, 6):
            write_tone(folder / f"sounds/digits/{count}.wav", [(LEAD, LEAD + 0.4 * count)], 2 * LEAD + 0.4 * count)
        lines += [f"long: {language} before, {language} after", "missing: there is no recording of this"]
        write_tone(folder / "sounds/long.wav", [(LEAD, 1.0), (2.0, 3.0)], 3.0 + LEAD)
        with gzip.open(folder / "texts.gz", "wt", encoding="utf-8") as stream:
            stream.write("\n".join(lines))
        (folder / ".recipe").write_text(recipe(part))
    return tmp_path
