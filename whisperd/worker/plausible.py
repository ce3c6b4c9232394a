"""What sound files can be: bounds that no recording of speech comes near, beyond which a header is damage or malice.

Owns: those bounds, the sentences that refuse what lies beyond them, and how much of a stream may be decoded at once.
Without them a small file may occupy a worker for hours (a second of sound at 1 Hz becomes 16,000 samples from each one)
or take its memory. Pure. Leaves to others: reading the values (`container`), and heeding them (`audio`).
"""

import math
from typing import Final

RATES: Final = range(2_000, 1_000_001)
"""Samples a second. Below 2 kHz nothing of speech but its melody is left; the fastest converters reach 768 kHz."""

MOST_CHANNELS: Final = 64
"""As many as a recording studio's interface has; FFmpeg's own mixer takes no more."""

LONGEST: Final = 7 * 24 * 3600.0
"""Seconds. A worker needs an hour to find out that a week holds no speech."""

LARGEST: Final = 1 << 40
"""Bytes. A week of eight channels of 16 bits at 96 kHz; to read it for its digest takes an hour on a fast disk."""

_MOST_BYTES_A_SECOND: Final = 4 << 30
"""More than uncompressed film in 4K with all its sound."""

_SMALL: Final = 1 << 30
"""Bytes of a file that is read whole in seconds, whatever it holds beside the sound."""

_LEAST_BYTES_A_SECOND: Final = 50
"""Less than any speech takes (the lowest codecs need 75); a length for which a file has not even these is an error."""

_LONGEST_FRAME: Final = 600.0
_MOST_VALUES: Final = 1 << 24
_LONGEST_BLOCK: Final = 1 << 16
"""What is decoded at once: seconds and values (samples of all channels; 128 MB of doubles) at most, but in any case
the 65,536 samples that FLAC allows in a frame. Other codecs have 4,608 at most; PCM comes as its writer cut it."""

_AGAIN: Final = "record or copy it again, or convert it with a program that can mend its header"


def refusal(size: int, rate: int, channels: int, seconds: float | None) -> tuple[str, str] | None:
    """Why a file of `size` bytes that promises such sound is not read, and a hint; None where it may be as it says.

    A rate and a number of channels of 0 are not known yet; decoding tells them.
    """
    if size > LARGEST:
        return f"is {size / 1e12:.1f} TB long, more than any recording is", "cut it into parts"
    if rate and rate not in RATES:
        return f"is damaged: by its header it has {rate:,} samples a second", _AGAIN
    if channels > MOST_CHANNELS:
        return f"is damaged: by its header it has {channels:,} channels", _AGAIN
    if seconds is None:
        return None
    if seconds > LONGEST and size >= seconds * _LEAST_BYTES_A_SECOND:
        return too_long(seconds)
    if size > _SMALL and size > max(seconds, 1.0) * _MOST_BYTES_A_SECOND:
        return f"is damaged: {size / 1e9:,.0f} GB can't be {seconds:,.0f} s of sound, as its header says", _AGAIN
    return None


def too_long(seconds: float) -> tuple[str, str]:
    """The refusal of a file that holds so much sound."""
    return (
        f"holds {seconds / 3600:,.0f} hours of sound or more; {LONGEST / 3600:,.0f} hours are the most that is read",
        "cut it into parts",
    )


def believed(seconds: float | None) -> float | None:
    """A length that a file states, or None where it can't be one."""
    return seconds if seconds is not None and math.isfinite(seconds) and 0 <= seconds <= LONGEST else None


def frame_samples(rate: int, channels: int) -> int:
    """How many samples of each channel may be decoded at once."""
    return max(_LONGEST_BLOCK, min(round(_LONGEST_FRAME * rate), _MOST_VALUES // max(1, channels)))
