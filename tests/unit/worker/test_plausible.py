"""What a sound file can be, by its header."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.worker.plausible import LONGEST, MOST_CHANNELS, RATES, believed, frame_samples, refusal

HOUR = 3600.0


@pytest.mark.parametrize(
    ("size", "rate", "channels", "seconds"),
    [
        (44, 8_000, 1, 0.0),
        (5_000, 4_000, 1, 3.0),
        (10 << 30, 192_000, 8, 2 * HOUR),
        (20 << 20, 768_000, 1, 13.0),
        (300 << 30, 48_000, 2, 0.5 * HOUR),  # film
        (80 << 20, 48_000, 64, None),
        (1_000, 16_000, 1, 900 * HOUR),  # a length that nothing bears out: not believed, but no reason to refuse
        (30 << 30, 16_000, 1, 160 * HOUR),
        (1_000, 0, 0, None),  # nothing is known before decoding
    ],
)
def test_what_people_record_is_read(size: int, rate: int, channels: int, seconds: float | None) -> None:
    assert refusal(size, rate, channels, seconds) is None


@pytest.mark.parametrize(
    ("size", "rate", "channels", "seconds", "words"),
    [
        (2 << 40, 16_000, 1, None, "is 2.2 TB long"),
        (1_000, 1, 1, 500.0, "it has 1 samples a second"),
        (1_000, -1, 1, 500.0, "it has -1 samples a second"),
        (1_000, 1_500_000_000, 1, 1.0, "it has 1,500,000,000 samples a second"),
        (1_000, 16_000, 65, 1.0, "it has 65 channels"),
        (30 << 30, 16_000, 1, 300 * HOUR, "holds 300 hours of sound or more"),
        (900 << 30, 16_000, 1, 3.0, "can't be 3 s of sound"),
    ],
)
def test_what_nobody_records_is_refused(size: int, rate: int, channels: int, seconds: float | None, words: str) -> None:
    refused = refusal(size, rate, channels, seconds)
    assert refused is not None
    what, hint = refused
    assert words in what
    assert hint


def test_a_length_is_believed_where_it_can_be_one() -> None:
    for wrong in (None, -1.0, math.nan, math.inf, -math.inf, LONGEST + 1):
        assert believed(wrong) is None
    assert [believed(length) for length in (0.0, 2.5, LONGEST)] == [0.0, 2.5, LONGEST]


@given(st.integers(0, 1 << 31), st.integers(0, 1 << 16))
def test_what_is_decoded_at_once_is_bounded_and_leaves_room_for_every_flac(rate: int, channels: int) -> None:
    samples = frame_samples(rate, channels)
    assert samples >= 65_535
    if rate in RATES and 1 <= channels <= MOST_CHANNELS:
        assert samples * channels <= 1 << 24
