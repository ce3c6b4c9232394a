"""One window until its text is settled: attempts, remedies for those in doubt, second looks at speech without words.

Owns: the order of these, each a new decoding of the same samples or of a part of them. Keeps no state between windows.
Leaves to others: the rules (`ladder`, `audit`, `words`), the first decoding of windows together, and segments
(`decoding`). Times are seconds from the window's beginning.
"""

# pyright: reportMissingTypeStubs=false

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from faster_whisper.tokenizer import Tokenizer

from whisperd.frames import FULL_CONTEXT, SAMPLE_RATE, AudioContext, DecodeOptions
from whisperd.worker import audit, ladder
from whisperd.worker.audio import Samples
from whisperd.worker.ladder import Attempt
from whisperd.worker.model import Encoded, Hypothesis, Rung, Search, SpeechModel
from whisperd.worker.packing import context_for
from whisperd.worker.speech import quietest
from whisperd.worker.window import Span
from whisperd.worker.words import TimedWord, timed_words

_SAMPLES_A_FRAME: Final = 160

_SHORTEST_PART: Final = 3.0
"""Seconds of a window from which it may be divided: less has too little in it to be told by."""

_SECOND_LOOKS: Final = 2
"""Times that speech without words is decoded alone: a model ends the second time early, too."""


@dataclass(frozen=True)
class Heard:
    """What is to be settled: samples of shape `(samples,)`, where in them somebody speaks, and how many mel frames of
    context they are given."""

    samples: Samples
    speech: tuple[Span, ...]
    context: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE

    def between(self, start: float, end: float) -> "Heard":
        """A part of it by itself, with context in full or fitted as the whole has it."""
        samples = self.samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        speech = tuple(
            Span(max(span.start, start) - start, min(span.end, end) - start)
            for span in self.speech
            if span.start < end and span.end > start
        )
        kind = AudioContext.FULL if self.context == FULL_CONTEXT else AudioContext.FIT
        return Heard(samples, speech, context_for(len(samples), kind))


@dataclass(frozen=True)
class Settled:
    """The words of a window, their language, the hypothesis that they come from, speech that has none, and how many
    decodings it took."""

    words: tuple[TimedWord, ...]
    language: str
    hypothesis: Hypothesis
    unheard: tuple[Span, ...]
    attempts: int


class Settling:
    """Settles windows one by one, all in one language. Raises what the model's library raises."""

    def __init__(
        self,
        model: SpeechModel,
        tokenizer: Tokenizer,
        prompt: tuple[int, ...],
        suppressed: tuple[int, ...],
        options: DecodeOptions,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.prompt = prompt
        self._suppressed = suppressed
        self._options = options
        self._attempts = 0

    def search(self, rung: Rung, *, alternatives: bool) -> Search:
        """How windows of this language are decoded."""
        return Search(self._suppressed, self._options.beam_size, rung, alternatives)

    def settle(self, heard: Heard, encoded: Encoded, hypothesis: Hypothesis) -> Settled:
        """The words of a window from its first decoding, `encoded` being the window alone."""
        self._attempts = 1
        first = self._attempt(heard, encoded, hypothesis)
        if not self._options.fallback:
            return self._settled(() if ladder.is_silence(first) else first.words, hypothesis, ())
        kept = self._sound(heard, encoded, first)
        words: Sequence[TimedWord] = () if ladder.is_silence(kept) else audit.spoken(kept.words)
        words = self._with_second_looks(heard, words)
        return self._settled(words, kept.hypothesis, audit.uncovered(words, heard.speech))

    def _settled(self, words: Sequence[TimedWord], hypothesis: Hypothesis, unheard: Sequence[Span]) -> Settled:
        return Settled(tuple(words), self._options.language, hypothesis, tuple(unheard), self._attempts)

    # -- remedies -----------------------------------------------------------------------------------------------------

    def _sound(self, heard: Heard, encoded: Encoded, first: Attempt) -> Attempt:
        """The attempt, or the best of those that follow while it is in doubt."""
        if heard.context < FULL_CONTEXT and (ladder.is_doubtful(first) or self._is_close_call(first)):
            # Too little context is the likeliest cause; what it gave is not compared with what the whole window gives.
            heard = replace(heard, context=FULL_CONTEXT)
            encoded = self._encode(heard)
            first = self._decode(heard, encoded, ladder.PLAIN)
        if not ladder.is_doubtful(first) and not ladder.leaves_out(first):
            return first
        tried = [first]
        if (parts := self._in_parts(heard)) is not None:
            if ladder.agree(first, parts):
                return first
            tried.append(parts)
        for rung in ladder.LADDER:
            if not ladder.is_doubtful(tried[-1]):
                break
            tried.append(self._decode(heard, encoded, rung))
        kept = ladder.best(tried)
        if ladder.is_broken(kept):
            return replace(kept, words=ladder.without_loop(kept.words))
        return kept

    def _is_close_call(self, first: Attempt) -> bool:
        if ladder.is_silence(first):
            return False
        others = [(self._text(other.tokens), other.logprob) for other in first.hypothesis.alternatives]
        return ladder.is_close_call(first.text, first.hypothesis.logprob, others)

    def _in_parts(self, heard: Heard) -> Attempt | None:
        """Both halves decoded alone, divided where it is quietest around the middle; None where there is too little."""
        if heard.seconds < _SHORTEST_PART:
            return None
        third = len(heard.samples) // 3
        border = quietest(heard.samples, third, 2 * third) / SAMPLE_RATE
        left, right = (
            self._decode(part, self._encode(part), ladder.PLAIN)
            for part in (heard.between(0, border), heard.between(border, heard.seconds))
        )
        return ladder.joined(left, right, border)

    # -- second looks -------------------------------------------------------------------------------------------------

    def _with_second_looks(self, heard: Heard, words: Sequence[TimedWord]) -> Sequence[TimedWord]:
        """The words with those found in speech that has none: what lies between two words is decoded together, and what
        that leaves out once more."""
        for _ in range(_SECOND_LOOKS):
            before = words
            for gap in audit.gaps(words, heard.speech):
                if found := self._second_look(heard, gap):
                    words = audit.with_found(words, found, gap)
            if words == before:
                break
        return words

    def _second_look(self, heard: Heard, gap: Span) -> list[TimedWord]:
        """The words found in speech that has none, decoded alone with the silence around it."""
        start, end = audit.surroundings(gap, heard.speech, heard.seconds)
        part = heard.between(start, end)
        attempt = self._decode(part, self._encode(part), ladder.PLAIN)
        if not ladder.is_believable(attempt):
            return []
        return [word.later(start) for word in audit.spoken(attempt.words)]

    # -- decoding -----------------------------------------------------------------------------------------------------

    def _encode(self, heard: Heard) -> Encoded:
        return self._model.encode(self._model.features(heard.samples, heard.context)[np.newaxis])

    def _decode(self, heard: Heard, encoded: Encoded, rung: Rung) -> Attempt:
        self._attempts += 1
        (hypothesis,) = self._model.generate(encoded, [self.prompt], self.search(rung, alternatives=False))
        return self._attempt(heard, encoded, hypothesis)

    def _attempt(self, heard: Heard, encoded: Encoded, hypothesis: Hypothesis) -> Attempt:
        tokens = [token for token in hypothesis.tokens if token < self._tokenizer.eot]
        words: tuple[TimedWord, ...] = ()
        if tokens:
            frames = -(-len(heard.samples) // _SAMPLES_A_FRAME)
            alignment = self._model.align(encoded, self._tokenizer, tokens, frames)
            words = timed_words(self._tokenizer, tokens, alignment, heard.speech, heard.seconds)
        covered = audit.coverage(words, heard.speech)
        return Attempt(hypothesis, self._text(tokens), heard.seconds, words, covered)

    def _text(self, tokens: Sequence[int]) -> str:
        return self._tokenizer.decode([token for token in tokens if token < self._tokenizer.eot])
