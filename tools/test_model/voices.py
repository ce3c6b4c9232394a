"""Voices: one sentence spoken by espeak-ng (its library), flite or Festival (their programs).

Owns the first two and what all tell about time: which phoneme begins when and, except from flite, which word. Those
marks teach the encoder directly, frame by frame. `speech` chooses voices and keeps what was spoken.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import wave
from dataclasses import dataclass
from functools import cache
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.test_model.festival import festival

RATE = 16_000
Samples = NDArray[np.float32]
# When (in samples) and what begins.
Mark = tuple[int, str]

# From espeak-ng's speak_lib.h.
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8 = 2, 1, 1
_RATE, _PITCH = 1, 3
_WORD, _PHONEME = 1, 7


@dataclass(frozen=True)
class Voice:
    """One way of speaking.

    espeak-ng has `speed` (words a minute) and `pitch` (0-99); flite and Festival `stretch` (of times), `hertz` (mean
    pitch, 0 is the voice's own) and `tract`, by which all resonances rise, as in a vocal tract that is so much shorter.
    """

    engine: str
    name: str
    speed: int = 160
    pitch: int = 50
    stretch: float = 1.0
    hertz: int = 0
    tract: float = 1.0


@dataclass(frozen=True)
class Speech:
    """`samples`: float32 in [-1, 1], mono, 16 kHz, shape (samples,), trimmed; `phones` and `words` in order of time."""

    samples: Samples
    phones: list[Mark]
    words: list[Mark]


class _Identity(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    ]


class _Espeak:
    """The library, once a process: it keeps its state in globals."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS))
        self._pieces: list[NDArray[np.int16]] = []
        self._events: list[tuple[int, int, int, str]] = []
        signature = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        self._callback = signature(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        if samples and count:
            self._pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type:
            event = events[index]
            name = bytes(event.id.string).decode() if event.type == _PHONEME else ""
            self._events.append((event.type, event.text_position, event.sample, name))
            index += 1
        return 0

    def speak(self, text: str, voice: Voice) -> tuple[Samples, list[Mark], list[Mark]]:
        """Samples at `self.rate` with marks. Raises ValueError for an unknown voice."""
        self._pieces, self._events = [], []
        if self._library.espeak_SetVoiceByName(voice.name.encode()):
            raise ValueError(f"no such voice: {voice.name}")
        self._library.espeak_SetParameter(_RATE, voice.speed, 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None)
        samples = np.concatenate(self._pieces).astype(np.float32) / 32768
        phones = [
            (sample, name if name.strip("_:|") else "") for kind, _, sample, name in self._events if kind == _PHONEME
        ]
        begins = [(match.start() + 1, match[0]) for match in re.finditer(r"\S+", text)]
        heard = {position: sample for kind, position, sample, _ in self._events if kind == _WORD}
        words = list[Mark]()
        for index, (position, word) in enumerate(begins):
            if position in heard:
                # A word that swallowed its neighbour ("there are" is one event) is not to be learned as a word.
                alone = index + 1 == len(begins) or begins[index + 1][0] in heard
                words.append((heard[position], word if alone else "?"))
        return samples, phones, words


@cache
def _espeak() -> _Espeak:
    return _Espeak()


def _flite(text: str, voice: Voice) -> tuple[Samples, int, list[Mark]]:
    with NamedTemporaryFile(suffix=".wav") as file:
        # Played `tract` times as fast, the sound is as long and as high as was asked for, with other resonances.
        settings = ["--setf", f"duration_stretch={voice.stretch * voice.tract:.3f}"]
        if voice.hertz:
            settings += ["--setf", f"int_f0_target_mean={voice.hertz / voice.tract:.1f}"]
        command = ["flite", "-voice", voice.name, *settings, "-psdur", "-t", text]
        said = subprocess.run([*command, "-o", file.name], capture_output=True, check=True, text=True).stdout
        with wave.open(file.name) as sound:
            rate = sound.getframerate()
            samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16).astype(np.float32) / 32768
    segments = re.findall(r"(\w+):([\d.]+)", said)
    starts = [0.0, *(float(end) for _, end in segments[:-1])]
    phones = [
        (int(start * rate), "" if name == "pau" else name) for start, (name, _) in zip(starts, segments, strict=True)
    ]
    return samples, round(rate * voice.tract), phones


def resampled(samples: Samples, rate: int) -> Samples:
    """`samples` at `rate` as 16 kHz, through the Fourier transform (exact, and fast for one sentence)."""
    if rate == RATE or not len(samples):
        return samples
    # Padded to whole half seconds, so that both lengths are whole numbers of samples and fast to transform.
    padded = np.pad(samples, (0, -len(samples) % (rate // 2)))
    length = len(padded) * RATE // rate
    spectrum = np.fft.rfft(padded)
    bins = length // 2 + 1
    fitted = spectrum[:bins] if len(spectrum) >= bins else np.pad(spectrum, (0, bins - len(spectrum)))
    return (np.fft.irfft(fitted, length) * (length / len(padded))).astype(np.float32)[: len(samples) * RATE // rate]


def extent(samples: Samples, *, threshold: float = 0.02, margin: int = 320) -> tuple[int, int]:
    """Where speech begins and ends: where `samples` pass `threshold` of the peak, with `margin` samples around it."""
    loud = np.flatnonzero(np.abs(samples) > threshold * max(1e-4, float(np.abs(samples).max(initial=0))))
    if not len(loud):
        return 0, 0
    return max(0, int(loud[0]) - margin), min(len(samples), int(loud[-1]) + margin)


def speak(text: str, voice: Voice) -> Speech:
    """`text` in `voice`.

    Raises ValueError for a voice unknown to espeak-ng, CalledProcessError and RuntimeError where flite and Festival
    fail, FileNotFoundError where they are not installed.
    """
    if voice.engine == "espeak":
        samples, phones, words = _espeak().speak(text, voice)
        rate = _espeak().rate
    elif voice.engine == "festival":
        # As with flite: played faster, with times and pitch that make up for it.
        samples, rate, phones, words = festival().speak(
            text, voice.name, stretch=voice.stretch * voice.tract, hertz=voice.hertz / voice.tract
        )
        rate = round(rate * voice.tract)
    else:
        samples, rate, phones = _flite(text, voice)
        words = list[Mark]()
    samples = resampled(samples, rate)
    start, end = extent(samples)

    def moved(marks: list[Mark]) -> list[Mark]:
        return [(max(0, sample * RATE // rate - start), name) for sample, name in marks]

    return Speech(samples[start:end], moved(phones), moved(words))
