"""Where speech is: Silero's probabilities, made into stretches of speech.

Owns: running the voice activity model (the one that faster-whisper ships) in little memory, and the rule that turns its
probabilities into stretches. Leaves to others: making windows of them (`packing`).
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingTypeArgument=false

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from faster_whisper.vad import get_vad_model

from whisperd.frames import SAMPLE_RATE
from whisperd.worker.audio import Samples
from whisperd.worker.packing import Stretch

WINDOW: Final = 512
"""Samples of one step of Silero's model (32 ms)."""

_CONTEXT: Final = 64
"""Samples before each step that the model is shown with it."""

_STEPS_AT_ONCE: Final = 1_000
"""Steps of one run of the model (32 s). faster-whisper's 10,000 need 200 MB more for the same probabilities."""

SPEECH: Final = 0.5
"""Probability from which a step begins speech: Silero's default, which is right for most recordings."""

SILENCE: Final = 0.35
"""Probability below which speech may end: Silero's hysteresis of 0.15 under the threshold."""

SHORTEST_SILENCE: Final = 5
"""Steps of silence (160 ms) that end a stretch: a place to cut. faster-whisper's batched pipeline uses the same."""

_ENERGY_STEP: Final = 320
"""Samples (20 ms) by which the quietest place is looked for."""

_ENERGY_SPAN: Final = 5
"""Steps (100 ms) over which energy is averaged there, so that a zero crossing is not taken for a pause."""


def find_speech(samples: Samples) -> list[Stretch]:
    """Stretches of speech in `samples`, in order and apart, as positions within them."""
    return stretches(speech_probabilities(samples), len(samples))


def speech_probabilities(samples: Samples) -> Sequence[float]:
    """The probability of speech in each 32 ms; the last step is filled with silence."""
    session: Any = get_vad_model().session
    hidden = np.zeros((1, 1, 128), np.float32)
    cell = np.zeros((1, 1, 128), np.float32)
    probabilities: list[float] = []
    for first in range(0, len(samples), WINDOW * _STEPS_AT_ONCE):
        part = samples[max(0, first - _CONTEXT) : first + WINDOW * _STEPS_AT_ONCE]
        before = 0 if first else _CONTEXT
        part = np.pad(part, (before, -(len(part) + before - _CONTEXT) % WINDOW))
        steps = np.lib.stride_tricks.sliding_window_view(part, WINDOW + _CONTEXT)[::WINDOW]
        output, hidden, cell = session.run(None, {"input": np.ascontiguousarray(steps), "h": hidden, "c": cell})
        probabilities.extend(output.reshape(-1).tolist())
    return probabilities


def stretches(probabilities: Sequence[float], length: int) -> list[Stretch]:
    """Silero's rule with hysteresis: speech begins at SPEECH; silence begins below SILENCE and lasts while below
    SPEECH.

    A silence shorter than SHORTEST_SILENCE does not end a stretch. `length` is the number of samples, for the last end.
    """
    found: list[Stretch] = []
    start: int | None = None
    silent_from: int | None = None
    for step, probability in enumerate(probabilities):
        if probability >= SPEECH:
            silent_from = None
            start = step if start is None else start
        elif start is not None and (silent_from is not None or probability < SILENCE):
            silent_from = step if silent_from is None else silent_from
            if step + 1 - silent_from >= SHORTEST_SILENCE:
                found.append(Stretch(start * WINDOW, silent_from * WINDOW))
                start = silent_from = None
    if start is not None:
        found.append(Stretch(start * WINDOW, length))
    return found


def quietest(samples: Samples, start: int, end: int) -> int:
    """The position in `[start, end)` around which 100 ms carry the least energy; the first of equals."""
    steps = max(1, (end - start) // _ENERGY_STEP)
    part = samples[start : start + steps * _ENERGY_STEP].astype(np.float64)
    if len(part) < _ENERGY_STEP * _ENERGY_SPAN:
        return (start + end) // 2
    energy = np.square(part).reshape(steps, _ENERGY_STEP).sum(axis=1)
    spans = np.convolve(energy, np.ones(_ENERGY_SPAN), "valid")
    return start + int(np.argmin(spans)) * _ENERGY_STEP + _ENERGY_STEP * _ENERGY_SPAN // 2


assert SAMPLE_RATE == 16_000, "Silero's window and context are for 16 kHz"
