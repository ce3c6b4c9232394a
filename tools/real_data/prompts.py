"""Prompts: what each voice says, and the sound of it.

Owns: reading a voice's list of texts, leaving out what is no speech or not what is spoken, and the samples of a prompt
with the times at which it is audible. Samples are float32 mono at 16 kHz, shape `(samples,)`; times are seconds.
"""

import gzip
import re
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tests.speech import SAMPLE_RATE, Samples, resample
from tools.real_data.fetch import voice_folder

LEFT_OUT = ("letters/", "silence/", "spy-", "beep", "confbridge-join", "confbridge-leave:", "tt-monkeys")
"""Beginnings of the lines of prompts that are left out: single letters and symbols, silences, abbreviations that are
written otherwise than they are spoken, beeps and animals, which some lists describe without brackets."""

OTHERWISE_SPOKEN = {
    "es": ("followme/options", "vm-invalid-password", "vm-mismatch", "vm-record-prepend"),
    "fr": ("vm-mismatch",),
}
"""By language, prompts whose recording says more or less than their text: found by letters a second out of the voice's
range and by what a model heard."""

MISSPELT = {
    "fr": {"Aurevoir": "Au revoir", "vérouill": "verrouill", "verouill": "verrouill"},
    "it": {
        "Perpiacere": "Per piacere",
        "Si prega di riprovare la chiamata più tardi": "Per piacere, riprova ancora la tua chiamata più tardi",
    },
    "ru": {"Что бы": "Чтобы", "что бы": "чтобы"},
}
"""By language, what the lists spell wrong often or word otherwise than it is spoken, and what is written instead."""

_LINE = re.compile(r"^(?P<name>[\w./-]+):(?P<text>.*)$")
_NOTE_AT_END = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*\.?\s*$")
_BRACKET = re.compile(r"[()\[\]<>]")
_SECOND_NAME = re.compile(r"\b[a-z]+-[\w-]+:\s")
"""The name of another prompt, whose line was joined to this one."""
_LOST_LETTER = re.compile(r"\w \? \w")
"""A letter with an accent that was lost on the way into the list."""

_FRAME = SAMPLE_RATE // 100
"""Samples of a frame (10 ms) whose energy is looked at."""
_FAINTEST = 10 ** (-32 / 20)
"""A frame this much softer (in amplitude) than the loud ones is silence: breaths and line noise of these recordings lie
40 dB and more below, the softest consonants at the beginning of a word 25 to 30 dB."""
_PAUSE = 30
"""Frames without sound that separate two stretches of speech: shorter ones are stops inside words."""
_MARGIN = 5
"""Frames left around what is audible, so that no onset is cut."""


@dataclass(frozen=True)
class Prompt:
    """What is said in one recording of a voice. `name` is unique within a language."""

    name: str
    language: str
    text: str
    path: Path


@dataclass(frozen=True)
class Clip:
    """A prompt's samples without the silence around it, and its stretches of audible speech `(start, end)`."""

    samples: Samples
    stretches: tuple[tuple[float, float], ...]


def texts(lines: Iterable[str]) -> dict[str, str]:
    """The texts by name of a list of prompts, without those that are no speech or may not be what is spoken.

    Left out are: comments, descriptions in brackets ("[ascending tones]"), what begins as in LEFT_OUT, names that come
    twice with different texts, texts with a bracket in their middle (nobody knows whether it is spoken), with
    letters lost, or of two prompts on one line. A note at a text's end is taken off.
    """
    found: dict[str, str] = {}
    twice: set[str] = set()
    for line in lines:
        parsed = _parsed(line)
        if parsed is None:
            continue
        name, text = parsed
        if found.setdefault(name, text) != text:
            twice.add(name)
    return {name: text for name, text in found.items() if name not in twice}


def _parsed(line: str) -> tuple[str, str] | None:
    match = _LINE.match(line.lstrip("\ufeff").strip())
    if match is None or match.string.startswith(LEFT_OUT):
        return None
    name = match["name"]
    text = match["text"].strip().removeprefix(f"{name}:")
    text = " ".join(_NOTE_AT_END.sub("", text).split())
    if any(pattern.search(text) for pattern in (_BRACKET, _SECOND_NAME, _LOST_LETTER)):
        return None
    if not any(map(str.isalnum, text)):
        return None
    return name, text


def prompts(language: str) -> tuple[Prompt, ...]:
    """All prompts of a language's voice, by name. Raises FetchError when the voice is not there."""
    folder = voice_folder(language)
    with gzip.open(folder / "texts.gz", "rt", encoding="utf-8-sig") as stream:
        said = texts(stream)
    left_out = OTHERWISE_SPOKEN.get(language, ())
    made = (
        Prompt(name, language, _corrected(text, language), folder / "sounds" / f"{name}.wav")
        for name, text in sorted(said.items())
        if name not in left_out
    )
    return tuple(prompt for prompt in made if prompt.path.is_file())


def _corrected(text: str, language: str) -> str:
    for wrong, right in MISSPELT.get(language, {}).items():
        text = text.replace(wrong, right)
    return text


@cache
def clip(prompt: Prompt) -> Clip:
    """The samples of a prompt, read-only, peak as recorded."""
    with wave.open(str(prompt.path)) as opened:
        rate, data = opened.getframerate(), opened.readframes(opened.getnframes())
    return trimmed(resample(np.frombuffer(data, np.int16), rate, SAMPLE_RATE))


def trimmed(samples: Samples) -> Clip:
    """The samples without the silence around them, and where they are audible. Raises ValueError for silence."""
    stretches = audible(samples)
    if not stretches:
        raise ValueError("there is no sound in it")
    start = max(0, stretches[0][0] - _MARGIN * _FRAME)
    kept = samples[start : stretches[-1][1] + _MARGIN * _FRAME].copy()
    kept.flags.writeable = False
    return Clip(kept, tuple(((first - start) / SAMPLE_RATE, (last - start) / SAMPLE_RATE) for first, last in stretches))


def audible(samples: Samples) -> list[tuple[int, int]]:
    """The stretches of sound, in samples, that silences of 0.3 s and more separate: `[start, end)`."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    if not len(frames):
        return []
    loudness = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    loud = np.flatnonzero(loudness > max(_FAINTEST * np.percentile(loudness, 95), 1e-5))
    if not len(loud):
        return []
    gaps = np.flatnonzero(np.diff(loud) > _PAUSE)
    firsts = [loud[0], *loud[gaps + 1]]
    lasts = [*loud[gaps], loud[-1]]
    return [(int(first) * _FRAME, (int(last) + 1) * _FRAME) for first, last in zip(firsts, lasts, strict=True)]
