"""Where an utterance ends, while it is being spoken. Pure.

Owns: the rule by which stretches of speech become utterances that can be decoded before the recording has ended.
What is decoded once is never decoded again, so an utterance must be over: followed by a pause, or a window long.
Positions are samples at 16 kHz. Leaves to others: finding speech (`speech`), making windows (`packing`).
"""

from collections.abc import Sequence
from typing import Final

from whisperd.frames import SAMPLE_RATE, AudioContext, Heard
from whisperd.worker import packing
from whisperd.worker.packing import LONGEST, PADDING, Stretch

PAUSE: Final = SAMPLE_RATE * 6 // 10
"""Samples (0.6 s) of silence that end an utterance: longer than hesitations within a sentence usually are, shorter than
the breath between two; and room for the padding of both neighbours."""

_ENOUGH: Final = LONGEST - 2 * PADDING
"""Samples of speech with short pauses in it that are not waited on any longer: the window is full."""


def utterances(speech: Sequence[Stretch], start: int, end: int, audio_context: AudioContext, *, ended: bool) -> Heard:
    """What can be decoded of the samples `[start, end)` that were heard; `speech` is counted from `start`.

    A stretch is over when a pause follows it, and so are all before it. When the recording has not ended, what
    follows waits; so that no onset is missed, the silence before it is heard again.
    """
    stretches = [Stretch(start + s.start, start + s.end) for s in speech]
    count = len(stretches) if ended else _over(stretches, end)
    done, waiting = stretches[:count], stretches[count:]
    if ended:
        border = end
    elif waiting:
        previous = done[-1].end if done else start
        border = max(previous, waiting[0].start - PADDING)
    else:
        border = max(start, done[-1].end + PADDING if done else start, end - PAUSE)
    chunks = packing.pack(done, start, border, audio_context)
    return Heard(tuple(chunks), border, bool(waiting), end)


def _over(stretches: Sequence[Stretch], end: int) -> int:
    """How many stretches from the first on are over."""
    for index in range(len(stretches) - 1, -1, -1):
        following = stretches[index + 1].start if index + 1 < len(stretches) else end
        if following - stretches[index].end >= PAUSE or stretches[index].end - stretches[0].start > _ENOUGH:
            return index + 1 if following > stretches[index].end else index
    return 0
