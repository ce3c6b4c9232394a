"""From chunks of samples to segments: encode together, generate together, judge and align one by one.

Owns: the decoding loop over a `SpeechModel`, the prompt, and the order of its remedies. Keeps no state between
chunks, so that a chunk's result depends on its samples, the options and the engine alone, and never on its mates, its
file or what was decoded before. Leaves to others: the rules (`ladder`, `segments`, `words`).
"""

# pyright: reportMissingTypeStubs=false

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import msgspec
import numpy as np
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from whisperd.frames import FULL_CONTEXT, SAMPLE_RATE, Chunk, ChunkResult, DecodeOptions, Segment, Word
from whisperd.worker import ladder
from whisperd.worker.audio import Samples
from whisperd.worker.ladder import Attempt
from whisperd.worker.model import Encoded, Rung, Search, SpeechModel
from whisperd.worker.segments import split_tokens
from whisperd.worker.words import timed_words

_PROMPT_TOKENS: Final = 223
"""Most tokens before the transcript: half of the decoder's 448, less the token that announces them (the reference
implementation's limit)."""

_SAMPLES_A_FRAME: Final = 160


@dataclass(frozen=True)
class _Work:
    """What is the same for all chunks of a call."""

    model: SpeechModel
    tokenizer: Tokenizer
    prompt: tuple[int, ...]
    suppressed: tuple[int, ...]
    options: DecodeOptions

    def search(self, rung: Rung) -> Search:
        return Search(self.prompt, self.suppressed, self.options.beam_size, rung)


def decode_chunks(
    model: SpeechModel, chunks: Sequence[tuple[Chunk, Samples]], options: DecodeOptions
) -> tuple[ChunkResult, ...]:
    """The results of the chunks in their order; each comes with its samples, shape `(chunk.end - chunk.start,)`.

    Neighbours of one context are encoded and generated as one batch. Raises what the model's library raises.
    """
    tokenizer = model.tokenizer(options.language, options.task)
    # -1 stands for the set of symbols that are not speech; the annotation of the library is wrong.
    suppressed = get_suppressed_tokens(tokenizer, [-1])  # pyright: ignore[reportArgumentType]
    work = _Work(model, tokenizer, prompt_tokens(tokenizer, options), tuple(suppressed or ()), options)
    results: list[ChunkResult] = []
    for context, mates in groupby(chunks, key=lambda pair: pair[0].context):
        results.extend(_decode_together(work, list(mates), context))
    return tuple(results)


def prompt_tokens(tokenizer: Tokenizer, options: DecodeOptions) -> tuple[int, ...]:
    """What stands before each chunk's transcript: hotwords and prompt as text said before, then task and language."""
    hotwords = tokenizer.encode(" " + options.hotwords.strip())[:_PROMPT_TOKENS] if options.hotwords else []
    prompt = tokenizer.encode(" " + options.prompt.strip()) if options.prompt else []
    room = _PROMPT_TOKENS - len(hotwords)
    said = [*hotwords, *prompt[max(0, len(prompt) - room) :]]
    return (*((tokenizer.sot_prev, *said) if said else ()), *tokenizer.sot_sequence)


def _decode_together(work: _Work, mates: list[tuple[Chunk, Samples]], context: int) -> list[ChunkResult]:
    encoded = work.model.encode(np.stack([work.model.features(samples, context) for _, samples in mates]))
    hypotheses = work.model.generate(encoded, work.search(ladder.PLAIN), len(mates))
    results: list[ChunkResult] = []
    for index, ((chunk, samples), hypothesis) in enumerate(zip(mates, hypotheses, strict=True)):
        first = Attempt(hypothesis, _text(work, hypothesis.tokens), len(samples) / SAMPLE_RATE)
        results.append(_decode_alone(work, chunk, samples, first, encoded, index))
    return results


def _decode_alone(
    work: _Work, chunk: Chunk, samples: Samples, first: Attempt, batch: Encoded, index: int
) -> ChunkResult:
    """A chunk's result from its first attempt, which is followed by others while it is in doubt."""
    again = work.options.fallback and _is_unsettled(work, chunk, first)
    encoded = batch.one(index) if again or work.options.words else None
    attempts = 1
    kept = first
    if encoded is not None and again:
        tried = [first]
        if chunk.context < FULL_CONTEXT:
            # Too little context is the likeliest cause; what it gave is not compared with what the whole window gives.
            encoded = work.model.encode(work.model.features(samples, FULL_CONTEXT)[np.newaxis])
            tried = [_attempt(work, encoded, ladder.PLAIN, first.duration)]
            attempts += 1
        for rung in ladder.LADDER:
            if not ladder.is_doubtful(tried[-1]):
                break
            tried.append(_attempt(work, encoded, rung, first.duration))
            attempts += 1
        kept = ladder.best(tried)
    if ladder.is_silence(kept):
        return ChunkResult(chunk, (), attempts)
    segments = _segments(work, chunk, kept)
    if encoded is not None and work.options.words and segments:
        segments = _with_words(work, chunk, segments, encoded)
    return ChunkResult(chunk, tuple(segments), attempts)


def _is_unsettled(work: _Work, chunk: Chunk, first: Attempt) -> bool:
    """Whether the first attempt is not the last: it is doubted, or the chunk's context is short of the whole window and
    other words were nearly as probable, which the rest of the window may decide otherwise."""
    if ladder.is_doubtful(first):
        return True
    if chunk.context == FULL_CONTEXT or ladder.is_silence(first):
        return False
    others = [(_text(work, other.tokens), other.logprob) for other in first.hypothesis.alternatives]
    return ladder.is_close_call(first.text, first.hypothesis.logprob, others)


def _attempt(work: _Work, encoded: Encoded, rung: Rung, duration: float) -> Attempt:
    (hypothesis,) = work.model.generate(encoded, work.search(rung), 1)
    return Attempt(hypothesis, _text(work, hypothesis.tokens), duration)


def _text(work: _Work, tokens: Sequence[int]) -> str:
    return work.tokenizer.decode(list(tokens))


def _segments(work: _Work, chunk: Chunk, kept: Attempt) -> list[Segment]:
    offset = chunk.start / SAMPLE_RATE
    avg_logprob = kept.hypothesis.avg_logprob
    segments: list[Segment] = []
    for span in split_tokens(kept.hypothesis.tokens, work.tokenizer.timestamp_begin, work.tokenizer.eot, kept.duration):
        text = work.tokenizer.decode(list(span.tokens))
        if text.strip():
            segments.append(
                Segment(
                    start=round(offset + span.start, 3),
                    end=round(offset + span.end, 3),
                    text=text,
                    confidence=round(math.exp(min(0.0, avg_logprob)), 4),
                    avg_logprob=round(avg_logprob, 4),
                    compression_ratio=round(kept.compression_ratio, 4),
                    no_speech_prob=round(kept.hypothesis.no_speech_prob, 4),
                    seek=chunk.start // _SAMPLES_A_FRAME,
                    tokens=span.tokens,
                )
            )
    return segments


def _with_words(work: _Work, chunk: Chunk, segments: list[Segment], encoded: Encoded) -> list[Segment]:
    """The segments with their words; a segment's times become those of its first and last word."""
    texts = [[token for token in segment.tokens if token < work.tokenizer.eot] for segment in segments]
    tokens = [token for text in texts for token in text]
    duration = (chunk.end - chunk.start) / SAMPLE_RATE
    alignment = work.model.align(encoded, work.tokenizer, tokens, -(-(chunk.end - chunk.start) // _SAMPLES_A_FRAME))
    offset = chunk.start / SAMPLE_RATE
    timed: list[Segment] = []
    for segment, words in zip(segments, timed_words(work.tokenizer, texts, alignment, duration), strict=True):
        own = [
            Word(round(offset + word.start, 3), round(offset + word.end, 3), word.word, round(word.probability, 4))
            for word in words
        ]
        times = (own[0].start, own[-1].end) if own else (segment.start, segment.end)
        timed.append(msgspec.structs.replace(segment, start=times[0], end=times[1], words=tuple(own)))
    return timed


def detect_language(model: SpeechModel, chunks: Sequence[tuple[Chunk, Samples]]) -> tuple[str, float]:
    """The most probable language of the chunks together, and its probability (mean over the chunks).

    An English-only model knows the answer without listening.
    """
    if not model.loaded.multilingual or not chunks:
        return "en", 1.0
    totals: dict[str, float] = {}
    for chunk, samples in chunks:
        encoded = model.encode(model.features(samples, chunk.context)[np.newaxis])
        for language, probability in model.language_probabilities(encoded)[0].items():
            totals[language] = totals.get(language, 0.0) + probability
    language = max(totals, key=lambda code: totals[code])
    return language, round(totals[language] / len(chunks), 4)
