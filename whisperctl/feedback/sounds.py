"""Short sounds, made here and played by whichever player the desktop has.

Owns: their tones, and finding a player. Leaves to others: when they are played (`whisperctl.feedback`).
"""

import array
import io
import math
import subprocess
import wave
from shutil import which
from typing import Literal

Sound = Literal["ready", "done", "nothing", "problem"]

RATE = 44_100
_TONES: dict[Sound, tuple[tuple[float, float], ...]] = {
    "ready": ((660.0, 0.05), (880.0, 0.07)),
    "done": ((880.0, 0.05), (660.0, 0.07)),
    "nothing": ((330.0, 0.08),),
    "problem": ((330.0, 0.1), (220.0, 0.16)),
}
"""Frequency in Hz and length in seconds of each tone: rising opens, falling closes, low is bad news."""
_LOUDNESS = 0.2
_FADE = 0.008
"""Seconds in which a tone comes and goes; without it clicks are heard."""
_PLAYERS = (("pw-play", "-"), ("paplay",), ("aplay", "-q"))
"""Each plays a WAV from standard input: PipeWire's, PulseAudio's, ALSA's."""
_LIMIT = 5.0


class Sounds:
    """Plays one sound at a time; a machine without a player stays silent."""

    def __init__(self) -> None:
        self._player = player()

    def play(self, sound: Sound) -> None:
        """Play it to its end. A player that fails is nothing to bother anybody with."""
        if self._player is None:
            return
        try:
            subprocess.run(
                self._player,
                input=wav(sound),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LIMIT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            self._player = None


def player() -> "tuple[str, ...] | None":
    """The command of the player that is used; None where there is none."""
    return next((command for command in _PLAYERS if which(command[0])), None)


def wav(sound: Sound) -> bytes:
    """A WAV file: 16 bit, mono, `RATE` Hz."""
    samples = array.array("h")
    for frequency, length in _TONES[sound]:
        count = round(length * RATE)
        for n in range(count):
            envelope = min(1.0, n / (_FADE * RATE), (count - n) / (_FADE * RATE))
            samples.append(round(32767 * _LOUDNESS * envelope * math.sin(2 * math.pi * frequency * n / RATE)))
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(samples.tobytes())
    return file.getvalue()
