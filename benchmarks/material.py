"""What is transcribed in benchmarks: speech whose words and times are known, silence, noise, and very long files.

Owns: making it; every talk is a pure function of its length and seed. Audio is float32 mono at 16 kHz, shape
`(samples,)`.
"""

import random
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.speech import SAMPLE_RATE, VOICES, Samples, sentence, silence, synthesize


@dataclass(frozen=True)
class Spoken:
    """A sentence, and the samples `[start, end)` in which it is spoken."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Talk:
    """Long-form speech and what is said in it."""

    samples: Samples
    sentences: tuple[Spoken, ...]

    @property
    def text(self) -> str:
        return " ".join(spoken.text for spoken in self.sentences)

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def talk(seconds: float, seed: int) -> Talk:
    """At least `seconds` of conversation: voices change, pauses are mostly short, one in twenty is long."""
    draw = random.Random(seed)
    parts: list[Samples] = [silence(0.5)]
    sentences: list[Spoken] = []
    position = len(parts[0])
    voice, speed = VOICES[0], 150
    while position < seconds * SAMPLE_RATE:
        if not sentences or draw.random() < 0.3:
            voice, speed = draw.choice(VOICES), draw.randint(135, 180)
        text = sentence(draw)
        speech = synthesize(text, voice, speed)
        pause = silence(draw.uniform(0.2, 1.2) * (10 if draw.random() < 0.05 else 1))
        sentences.append(Spoken(position, position + len(speech), text))
        parts += [speech, pause]
        position += len(speech) + len(pause)
    return Talk(np.concatenate(parts), tuple(sentences))


def dictation(seconds: float, seed: int) -> Samples:
    """About `seconds` of speech: sentences without long pauses, cut off by silence rather than in a word."""
    draw = random.Random(seed)
    parts: list[Samples] = [silence(0.2)]
    while sum(map(len, parts)) < (seconds - 1) * SAMPLE_RATE:
        parts += [synthesize(sentence(draw), draw.choice(VOICES), 160), silence(0.2)]
    return np.concatenate(parts)


def write_repeated(path: Path, samples: Samples, seconds: float) -> Path:
    """A FLAC of at least `seconds`: `samples` again and again. Packets are encoded once and repeated."""
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono", options={"compression_level": "0"})
        whole = (samples * 32767).astype(np.int16).reshape(1, -1)
        position = 0
        while position < seconds * SAMPLE_RATE:
            for start in range(0, whole.shape[1], SAMPLE_RATE):
                piece = np.ascontiguousarray(whole[:, start : start + SAMPLE_RATE])
                frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
                frame.sample_rate = SAMPLE_RATE
                frame.pts, frame.time_base = position, Fraction(1, SAMPLE_RATE)
                container.mux(stream.encode(frame))
                position += piece.shape[1]
        container.mux(stream.encode(None))
    return path
