"""From any rate and channel count to 16 kHz mono."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whisperd.recorder.resample import Resampler

RATES = (8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000)


def tone(frequency: float, rate: int, channels: int = 1, seconds: float = 0.5) -> bytes:
    wave = 20_000 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)
    return np.repeat(np.rint(wave).astype("<i2"), channels).tobytes()


def converted(frames: bytes, rate: int, channels: int, cuts: "list[int] | None" = None) -> np.ndarray:
    resampler = Resampler(rate, channels)
    borders = [0, *sorted(cuts or []), len(frames) // (2 * channels)]
    parts = [resampler.convert(frames[2 * channels * a : 2 * channels * b]) for a, b in pairwise(borders)]
    return np.frombuffer(b"".join([*parts, resampler.flush()]), "<i2").astype(float)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_tone_stays_the_same_tone(rate: int, channels: int) -> None:
    made = converted(tone(1_000, rate, channels), rate, channels)
    wanted = 20_000 * np.sin(2 * np.pi * 1_000 * np.arange(len(made)) / 16_000)
    assert len(made) == pytest.approx(8_000, abs=2)
    assert np.abs(made - wanted)[100:-100].max() < 40


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_what_16_khz_cannot_hold_is_not_folded_into_it(rate: int) -> None:
    assert np.abs(converted(tone(11_000, rate), rate, 1)[200:-200]).max() < 20


def test_channels_are_averaged() -> None:
    frames = np.array([[1000, 3000]] * 1600, "<i2").tobytes()
    assert set(converted(frames, 16_000, 2)) == {2000.0}


@settings(max_examples=25)
@given(st.sampled_from(RATES), st.lists(st.integers(0, 4_000), max_size=6))
def test_the_pieces_it_comes_in_do_not_matter(rate: int, cuts: list[int]) -> None:
    frames = tone(440, rate, 1, 4_000 / rate)
    assert np.array_equal(converted(frames, rate, 1), converted(frames, rate, 1, cuts))
