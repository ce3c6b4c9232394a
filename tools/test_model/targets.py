"""Targets: what the network is to make of a window in which certain sentences are said.

Owns the decoder's token sequence with the place each token is heard at, and the phoneme and word at every position of
the encoder. Pure functions of the sentences and their marks. `windows` decides what is said when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.test_model.features import HOP
from tools.test_model.network import UNKNOWN, Tokens
from tools.test_model.speech import Utterance
from tools.test_model.voices import RATE

IGNORED = -100
POSITION = 2 * HOP
"""Samples between two positions of the encoder's output (20 ms)."""
SLACK = 3
"""Positions around a word or a boundary where it may be listened for: phonemes reach into their neighbours."""
NOWHERE = (0, 0)


@dataclass(frozen=True)
class Spoken:
    """One sentence in a window, in seconds; `end` is None when the window cuts it off, `tempo` its speed of playing."""

    start: float
    end: float | None
    utterance: Utterance
    tempo: float

    @property
    def text(self) -> str:
        """What is said."""
        return self.utterance.text


@dataclass(frozen=True)
class Sequence:
    """The decoder's inputs and labels, and for every label the positions [from, to) it is heard at, or NOWHERE."""

    inputs: list[int]
    labels: list[int]
    spans: list[tuple[int, int]]


def phone_class(utterance: Utterance, name: str) -> str:
    """The class of a phoneme: espeak-ng has names of its own, flite and Festival those of the CMU lexicon."""
    return name and ("espeak:" if utterance.voice.startswith("espeak:") else "cmu:") + name


def positions(
    samples: int, spoken: list[Spoken], count: int, phone_classes: Mapping[str, int], word_classes: Mapping[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Phoneme and word at each of `count` positions: 0 around the sentences, UNKNOWN beyond the window's audio."""
    times = np.arange(count) * POSITION
    phones, words = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for part in spoken:
        start = round(part.start * RATE)
        own = np.flatnonzero((times >= start) & (times < start + part.utterance.length / part.tempo))
        within = (times[own] - start) * part.tempo
        begins = np.array([sample for sample, _ in part.utterance.phones])
        names = np.array([phone_classes[phone_class(part.utterance, name)] for _, name in part.utterance.phones])
        phones[own] = names[np.maximum(0, np.searchsorted(begins, within, "right") - 1)]
        words[own] = UNKNOWN
        if part.utterance.words:
            begins = np.array([sample for sample, _ in part.utterance.words])
            names = np.array([word_classes[name] for _, name in part.utterance.words])
            words[own] = names[np.maximum(0, np.searchsorted(begins, within, "right") - 1)]
    phones[times >= samples], words[times >= samples] = UNKNOWN, UNKNOWN
    return phones, words


def word_spans(part: Spoken) -> list[tuple[int, int]]:
    """Where each word of a sentence is heard, in positions of the window.

    Words that the synthesizer timed together share a span; all words do where it timed none.
    """
    words, marks = part.text.split(), part.utterance.words or [(0, "?")]
    bounds = [*(sample for sample, _ in marks), part.utterance.length]
    spans, mark = list[tuple[int, int]](), 0
    for index, word in enumerate(words):
        if index and mark + 1 < len(marks) and (marks[mark + 1][1] == word or marks[mark][1] != "?"):
            mark += 1
        start, end = (round(part.start * RATE + bounds[mark + step] / part.tempo) // POSITION for step in (0, 1))
        spans.append((max(0, start - SLACK), end + SLACK))
    return spans


def sequence(tokens: Tokens, spoken: list[Spoken], *, timed: bool, before: str) -> Sequence:
    """What the decoder is to write: with segment timestamps if `timed`, after the text `before` if there is any."""
    prefix = [tokens.id("<|startofprev|>"), *tokens.text(before)[-80:]] if before else []
    body = [] if timed else [tokens.id("<|notimestamps|>")]
    spans = [NOWHERE] * len(body)

    def boundary(seconds: float) -> None:
        position = round(seconds * RATE) // POSITION
        body.append(tokens.time(seconds))
        spans.append((max(0, position - SLACK), position + SLACK))

    for part in spoken:
        if timed:
            boundary(part.start)
        if part.end is not None:
            for word, span in zip(part.text.split(), word_spans(part), strict=True):
                pieces = tokens.text(word)
                body += pieces
                spans += [span] * len(pieces)
            if timed:
                boundary(part.end)
    if timed and not spoken:
        body, spans = [tokens.time(0)], [NOWHERE]
    inputs = [*prefix, tokens.id("<|startoftranscript|>"), *body]
    labels = [*[IGNORED] * len(prefix), *body, tokens.id("<|endoftext|>")]
    if not spoken:
        # Decoding reads the probability of "no captions" where the first token is predicted, whatever follows it.
        labels[len(prefix)] = tokens.id("<|nocaptions|>")
    return Sequence(inputs, labels, [*[NOWHERE] * len(prefix), *spans, NOWHERE])
