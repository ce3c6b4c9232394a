"""Windows: what the network is shown, made on the fly from a corpus.

Owns the mix: one sentence or many with pauses between them, encoder contexts from 3 to 30 s, segment timestamps or
none, previous text, and windows without speech; and what the helper is asked, position by position. Batch n of a seed
depends on nothing but how far the training is, so it can be stopped and continued. `augment` changes the sound,
`network` gives the tokens' ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray
from torch import Tensor

from tools.test_model.augment import NoiseBank, dulled, room, tempo, varied
from tools.test_model.features import HOP
from tools.test_model.network import UNKNOWN, Tokens
from tools.test_model.speech import Corpora, Utterance
from tools.test_model.targets import IGNORED, NOWHERE, Sequence, Spoken, phone_class, positions, sequence
from tools.test_model.text import vocabulary
from tools.test_model.voices import RATE

LONGEST = 3000
# Context in frames (from, to) and the share of batches; every batch holds about the same amount of encoder work.
CONTEXTS = ((300, 800), (800, 1600), (1600, 2998), (3000, 3000))
SHARES_EARLY = (0.62, 0.2, 0.06, 0.12)
SHARES_LATE = (0.20, 0.15, 0.22, 0.43)

# Windows that are heard as of another speaker.
VARIED_SHARE = 0.7


@dataclass(frozen=True)
class Batch:
    """One training step's windows.

    `audio` (batch, samples) float32 with `lengths` in samples; `filters` (batch, 80, 201) are the mel filter banks to
    hear it through; `frames` is the encoder's context; `inputs` and `labels` (batch, tokens) are padded, labels with
    `IGNORED`; `spans` (batch, tokens, 2) are the positions each label is heard at; `texts` is what was said;
    `phones` and `words` (batch, frames / 2) are the classes of every position of 20 ms.
    """

    audio: Tensor
    lengths: Tensor
    filters: Tensor
    frames: int
    inputs: Tensor
    labels: Tensor
    spans: Tensor
    texts: list[str]
    phones: Tensor
    words: Tensor


@dataclass(frozen=True)
class Windows:
    """Makes batches from `corpus`. `work` is the number of frames a batch of short windows holds."""

    corpus: Corpora
    tokens: Tokens
    noises: NoiseBank
    seed: int
    work: int = 16_000

    @cached_property
    def phone_classes(self) -> dict[str, int]:
        """Phonemes of all synthesizers; silence is 0."""
        names = {phone_class(utterance, name) for utterance in self.corpus.utterances for _, name in utterance.phones}
        return {"": 0, **{name: index + 1 for index, name in enumerate(sorted(names - {""}))}}

    @cached_property
    def word_classes(self) -> dict[str, int]:
        """Words; silence is 0 and "?" is not to be learned."""
        return {"": 0, "?": UNKNOWN, **{word: index + 1 for index, word in enumerate(vocabulary())}}

    @cached_property
    def _mel(self) -> NDArray[np.float32]:
        return FeatureExtractor().mel_filters.astype(np.float32)

    def batch(self, number: int, progress: float) -> Batch:
        """Batch `number`; `progress` 0-1 moves from short, clean windows to the full mix."""
        draw = np.random.default_rng((self.seed, number))
        shares = np.array(SHARES_EARLY) * (1 - progress) + np.array(SHARES_LATE) * progress
        first, last = CONTEXTS[int(draw.choice(len(CONTEXTS), p=shares / shares.sum()))]
        frames = int(draw.integers(first, last + 1)) // 2 * 2
        # Attention costs more in long windows: the longest hold about two thirds of the audio.
        count = max(2, round(self.work / (frames * (1 + frames / 6000))))
        made = [self._window(frames, draw, progress) for _ in range(count)]
        length = max(len(audio) for audio, _ in made)
        audio = np.zeros((count, length), np.float32)
        for row, (samples, _) in zip(audio, made, strict=True):
            row[: len(samples)] = samples
        sequences = [self._sequence(spoken, draw) for _, spoken in made]
        longest = max(len(sequence.inputs) for sequence in sequences)
        marks = [
            positions(len(samples), spoken, frames // 2, self.phone_classes, self.word_classes)
            for samples, spoken in made
        ]
        end = self.tokens.id("<|endoftext|>")
        return Batch(
            torch.from_numpy(audio),
            torch.tensor([len(samples) for samples, _ in made]),
            torch.from_numpy(np.stack([self._filters(draw) for _ in made])),
            frames,
            torch.tensor([one.inputs + [end] * (longest - len(one.inputs)) for one in sequences]),
            torch.tensor([one.labels + [IGNORED] * (longest - len(one.labels)) for one in sequences]),
            torch.tensor([one.spans + [NOWHERE] * (longest - len(one.spans)) for one in sequences]),
            [" ".join(part.text for part in spoken if part.end is not None) for _, spoken in made],
            torch.from_numpy(np.stack([phones for phones, _ in marks])),
            torch.from_numpy(np.stack([words for _, words in marks])),
        )

    def _filters(self, draw: np.random.Generator) -> NDArray[np.float32]:
        return varied(self._mel, draw) if draw.random() < VARIED_SHARE else self._mel

    def _window(
        self, frames: int, draw: np.random.Generator, progress: float
    ) -> tuple[NDArray[np.float32], list[Spoken]]:
        limit = frames * HOP
        if draw.random() < 0.03:
            samples = int(draw.integers(limit // 4, limit + 1))
            level = 10 ** float(draw.uniform(-4, -0.7)) * float(draw.random() > 0.15)
            return self.noises.cut(samples, draw) * np.float32(level), []
        # Most windows are full but for a margin; the others hold one sentence or two in a context that is too long.
        room_left = limit - int(RATE * draw.uniform(0, 1.5))
        if draw.random() < 0.2 + 0.25 * progress:
            room_left = int(room_left * draw.uniform(0.2, 0.9))
        pieces, spoken = self._sentences(room_left, limit, draw)
        audio = np.concatenate(pieces)[:limit]
        if draw.random() < 0.12:
            audio = room(audio, draw)
        if draw.random() < 0.15:
            audio = dulled(audio, draw)
        if draw.random() < 0.6:
            speech = max(1e-4, float(np.sqrt(np.mean(audio**2))))
            audio = audio + self.noises.cut(len(audio), draw) * np.float32(speech * 10 ** (-draw.uniform(15, 50) / 20))
        return (audio * np.float32(10 ** draw.uniform(-1.3, 0.15))).clip(-1, 1), spoken

    def _sentences(
        self, room_left: int, limit: int, draw: np.random.Generator
    ) -> tuple[list[NDArray[np.float32]], list[Spoken]]:
        """Sentences with pauses until `room_left` samples are full; the first is always there."""
        lead = int(RATE * (draw.uniform(0, 0.5) if draw.random() < 0.85 else draw.uniform(0.5, 1.0)))
        pieces, spoken, position = [np.zeros(lead, np.float32)], list[Spoken](), lead
        voice: Utterance | None = None
        misses = 0
        while misses < 6:
            utterance = self._pick(draw, voice)
            factor = float(draw.uniform(0.87, 1.15)) if draw.random() < 0.7 else 1.0
            length = int(utterance.length / factor)
            if spoken and position + length > room_left:
                misses += 1
                # As Whisper was taught: of a sentence the window cuts off only the beginning is announced.
                if (
                    limit == LONGEST * HOP
                    and position < limit - RATE
                    and position + length > limit
                    and draw.random() < 0.1
                ):
                    pieces.append(tempo(self.corpus.audio(utterance), factor))
                    spoken.append(Spoken(position / RATE, None, utterance, factor))
                    break
                continue
            if not spoken and position + length > limit and misses < 5:
                misses += 1
                continue
            audio = self.corpus.audio(utterance)
            audio = tempo(audio, factor) if factor != 1.0 else audio
            pieces.append(audio * np.float32(10 ** draw.uniform(-0.2, 0.2)))
            spoken.append(Spoken(position / RATE, min(limit, position + len(audio)) / RATE, utterance, factor))
            voice = utterance if draw.random() < 0.5 else None
            kind = draw.random()
            pause = (
                draw.uniform(0.15, 0.8) if kind < 0.6 else draw.uniform(0.8, 2) if kind < 0.9 else draw.uniform(2, 5)
            )
            position += len(audio)
            gap = int(min(max(0, limit - position), RATE * pause))
            pieces.append(np.zeros(gap, np.float32))
            position += gap
        return pieces, spoken

    def _pick(self, draw: np.random.Generator, near: Utterance | None) -> Utterance:
        """A random utterance; with `near` the first of that voice among a few tries."""
        utterances = self.corpus.utterances
        picked = utterances[int(draw.integers(len(utterances)))]
        for _ in range(100 if near else 0):
            if near and picked.voice == near.voice:
                break
            picked = utterances[int(draw.integers(len(utterances)))]
        return picked

    def _sequence(self, spoken: list[Spoken], draw: np.random.Generator) -> Sequence:
        # A sentence that is cut off can only be announced by its time.
        timed = draw.random() < 0.6 or any(part.end is None for part in spoken)
        before = [self._pick(draw, None).text for _ in range(int(draw.integers(1, 6)))] if draw.random() < 0.3 else []
        return sequence(self.tokens, spoken, timed=timed, before=" ".join(before))
