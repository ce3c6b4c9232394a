"""Recordings made of prompts and sounds, each with its truth: what was said, when, on which channel, in what language.

Owns the makers, all pure functions of their arguments and a seed. Samples are float32 at 16 kHz, shape `(samples,)` or
`(samples, channels)`; times are seconds from the beginning.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tests.speech import SAMPLE_RATE, Samples, resample
from tools.real_data.prompts import Clip, Prompt, clip, prompts, trimmed
from tools.real_data.sounds import SOUNDS, at_level

SHORT_PAUSES = (0.2, 1.5)
LONG_PAUSES = (0.2, 6.0)
GAINS = (-6.0, 6.0)
"""Decibels by which a prompt may be softer or louder than it was recorded."""
LOUDEST = 0.98
"""No sample is louder: recordings are scaled down rather than clipped."""


@dataclass(frozen=True)
class Placed:
    """A prompt in a recording. `start` and `end` are of what can be heard of it; `stretches` are its parts, which
    pauses of 0.3 s and more separate."""

    text: str
    start: float
    end: float
    stretches: tuple[tuple[float, float], ...]
    language: str
    channel: int = 0

    def later(self, seconds: float) -> "Placed":
        stretches = tuple((start + seconds, end + seconds) for start, end in self.stretches)
        return replace(self, start=self.start + seconds, end=self.end + seconds, stretches=stretches)


@dataclass(frozen=True, eq=False)
class Recording:
    """Samples and their truth. `language` is that of the first prompt where there are several; prompts in order."""

    samples: Samples
    language: str
    prompts: tuple[Placed, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE

    @property
    def speech_seconds(self) -> float:
        """Seconds in which something is said."""
        return sum(end - start for placed in self.prompts for start, end in placed.stretches)

    @property
    def mono(self) -> Samples:
        """The mean of the channels, shape `(samples,)`."""
        return self.samples if self.samples.ndim == 1 else self.samples.mean(axis=1, dtype=np.float32)


def clips(language: str, count: int, seed: int, least_words: int = 1) -> tuple[Recording, ...]:
    """`count` recordings of one prompt of at least so many words each, with 0.2 to 0.6 s of silence on both sides."""
    draw = np.random.default_rng(seed)
    long_enough = [prompt for prompt in prompts(language) if len(prompt.text.split()) >= least_words]
    chosen = _shuffled(long_enough, draw)[:count]
    return tuple(_placed([(prompt, clip(prompt), 0)], draw, (0.2, 0.6), 1) for prompt in chosen)


def long(languages: Sequence[str], seconds: float, seed: int, pauses: tuple[float, float] = SHORT_PAUSES) -> Recording:
    """Prompts with pauses between them, at least `seconds` long; several languages take turns, prompt by prompt.

    No prompt comes twice before all have come.
    """
    draw = np.random.default_rng(seed)
    sources = [_endless(prompts(language), draw) for language in languages]
    parts: list[tuple[Prompt, Clip, int]] = []
    length = 0.0
    while length < seconds:
        prompt = next(sources[len(parts) % len(sources)])
        parts.append((prompt, clip(prompt), 0))
        length += len(parts[-1][1].samples) / SAMPLE_RATE + sum(pauses) / 2
    return _placed(parts, draw, pauses, 1)


def said(language: str, names: Sequence[str], seed: int, pauses: tuple[float, float] = (0.1, 0.4)) -> Recording:
    """The prompts of these names in this order, as often as they are named. Raises KeyError for a name there is not."""
    there = {prompt.name: prompt for prompt in prompts(language)}
    parts = [(there[name], clip(there[name]), 0) for name in names]
    return _placed(parts, np.random.default_rng(seed), pauses, 1)


def two_voices(
    language: str, seconds: float, seed: int, pauses: tuple[float, float] = SHORT_PAUSES, channels: int = 2
) -> Recording:
    """As `long`, by two voices in turn, each on its own channel unless `channels` is 1.

    There is one voice a language; the other one is the same played slower and lower (`lowered`).
    """
    draw = np.random.default_rng(seed)
    source = _endless(prompts(language), draw)
    parts: list[tuple[Prompt, Clip, int]] = []
    length = 0.0
    while length < seconds:
        prompt, voice = next(source), len(parts) % 2
        parts.append((prompt, lowered(clip(prompt)) if voice else clip(prompt), voice % channels))
        length += len(parts[-1][1].samples) / SAMPLE_RATE + sum(pauses) / 2
    return _placed(parts, draw, pauses, channels)


def nothing_said(sound: str, seconds: float, seed: int, language: str = "en") -> Recording:
    """A sound of `sounds.SOUNDS` and no speech."""
    return Recording(SOUNDS[sound](seconds, seed), language, ())


def with_noise(recording: Recording, sound: str, decibels: float, seed: int) -> Recording:
    """With a sound of `sounds.SOUNDS` on every channel; speech is `decibels` louder (mean power while speaking)."""
    spoken = [
        recording.mono[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        for placed in recording.prompts
        for start, end in placed.stretches
    ]
    level = float(np.sqrt(np.mean(np.square(np.concatenate(spoken), dtype=np.float64)))) * 10 ** (-decibels / 20)
    added = at_level(SOUNDS[sound](recording.seconds, seed), level)[: len(recording.samples)]
    noisy = recording.samples + (added if recording.samples.ndim == 1 else added[:, np.newaxis])
    return replace(recording, samples=_unclipped(noisy))


def joined(*parts: Recording | Samples) -> Recording:
    """Recordings of as many channels, and mono samples without speech, one after the other.

    Raises ValueError when there is no recording among them.
    """
    first = next((part for part in parts if isinstance(part, Recording)), None)
    if first is None:
        raise ValueError("there is no recording to join")
    samples: list[Samples] = []
    placed: list[Placed] = []
    length = 0
    for part in parts:
        if isinstance(part, Recording):
            placed += [one.later(length / SAMPLE_RATE) for one in part.prompts]
            samples.append(part.samples)
        else:
            samples.append(np.broadcast_to(part.reshape(-1, *[1] * (first.samples.ndim - 1)), _shape(part, first)))
        length += len(samples[-1])
    return Recording(np.concatenate(samples), first.language, tuple(placed))


def lowered(spoken: Clip, factor: float = 0.84) -> Clip:
    """The same speech at `factor` of its speed and pitch: 0.84 (three semitones) makes another person's voice of it."""
    sixteen_bits = (np.clip(spoken.samples, -1, 1) * 32767).astype(np.int16)
    return trimmed(resample(sixteen_bits, round(SAMPLE_RATE * factor), SAMPLE_RATE))


# -- putting together -------------------------------------------------------------------------------------------------


def _placed(
    parts: Sequence[tuple[Prompt, Clip, int]], draw: np.random.Generator, pauses: tuple[float, float], channels: int
) -> Recording:
    """The parts (prompt, its clip, its channel) one after the other with random gains, pauses around each of them."""
    pieces = [np.zeros((round(draw.uniform(*pauses) * SAMPLE_RATE), channels), np.float32)]
    placed: list[Placed] = []
    length = len(pieces[0])
    for prompt, spoken, channel in parts:
        piece = np.zeros((len(spoken.samples) + round(draw.uniform(*pauses) * SAMPLE_RATE), channels), np.float32)
        piece[: len(spoken.samples), channel] = spoken.samples * np.float32(10 ** (draw.uniform(*GAINS) / 20))
        start, end = spoken.stretches[0][0], spoken.stretches[-1][1]
        placed.append(
            Placed(prompt.text, start, end, spoken.stretches, prompt.language, channel).later(length / SAMPLE_RATE)
        )
        pieces.append(piece)
        length += len(piece)
    samples = _unclipped(np.concatenate(pieces))
    return Recording(samples[:, 0] if channels == 1 else samples, placed[0].language, tuple(placed))


def _shape(part: Samples, like: Recording) -> tuple[int, ...]:
    return (len(part), *like.samples.shape[1:])


def _unclipped(samples: Samples) -> Samples:
    loudest = float(np.abs(samples).max())
    return samples if loudest <= LOUDEST else samples * np.float32(LOUDEST / loudest)


def _shuffled(of: Sequence[Prompt], draw: np.random.Generator) -> list[Prompt]:
    return [of[index] for index in draw.permutation(len(of))]


def _endless(of: Sequence[Prompt], draw: np.random.Generator) -> Iterator[Prompt]:
    while True:
        yield from _shuffled(of, draw)
