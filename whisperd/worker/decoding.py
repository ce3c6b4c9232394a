"""From chunks of samples to segments: encode together, generate together, settle one by one.

Owns: the decoding loop over a `SpeechModel`, the prompt, and the language of each chunk. Keeps no state between
chunks, so that a chunk's result depends on its samples, the options and the engine alone, and never on its mates, its
file or what was decoded before. Leaves to others: when a text is good enough (`settling`), segments' borders
(`segments`).

Text is decoded without timestamps. A model that writes them ends a window early now and then, after the last one that
it wrote, and leaves out sentences between two; times come from an alignment of the text instead.
"""

# pyright: reportMissingTypeStubs=false

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from typing import Final

import msgspec
import numpy as np
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from whisperd.frames import FULL_CONTEXT, Chunk, ChunkResult, DecodeOptions, Segment, Word
from whisperd.worker import ladder
from whisperd.worker.audio import Samples
from whisperd.worker.model import Encoded, SpeechModel
from whisperd.worker.segments import joined, split_words
from whisperd.worker.settling import Heard, Settled, Settling
from whisperd.worker.window import Span, Window
from whisperd.worker.words import TimedWord

_PROMPT_TOKENS: Final = 223
"""Most tokens before the transcript: half of the decoder's 448, less the token that announces them (the reference
implementation's limit)."""

_EVIDENCE: Final = 0.5
"""Share of the probability of all languages allowed from which a chunk is taken to be in another than its file's."""

_SAMPLES_A_FRAME: Final = 160


def decode_chunks(
    model: SpeechModel, chunks: Sequence[tuple[Chunk, Samples]], options: DecodeOptions
) -> tuple[ChunkResult, ...]:
    """The results of the chunks in their order; each comes with its samples, shape `(chunk.end - chunk.start,)`.

    Neighbours of one context are encoded and generated as one batch. Raises what the model's library raises.
    """
    results: list[ChunkResult] = []
    for context, group in groupby(chunks, key=lambda pair: pair[0].context):
        windows = [(Window(chunk), samples) for chunk, samples in group]
        heard = [Heard(window.heard(samples), window.speech, context) for window, samples in windows]
        settled = _decode_side_by_side(model, heard, options)
        results.extend(_result(window, one, options) for (window, _), one in zip(windows, settled, strict=True))
    return tuple(results)


def _decode_side_by_side(model: SpeechModel, group: list[Heard], options: DecodeOptions) -> list[Settled]:
    """The group dealt out among as many threads as the model serves at once."""
    streams = min(model.streams, len(group))
    if streams < 2:
        return _decode_group(model, group, options)
    with ThreadPoolExecutor(streams) as pool:
        calls = [pool.submit(_decode_group, model, group[first::streams], options) for first in range(streams)]
        parts = [call.result() for call in calls]
    return [parts[index % streams][index // streams] for index in range(len(group))]


def _decode_group(model: SpeechModel, group: list[Heard], options: DecodeOptions) -> list[Settled]:
    encoded = model.encode(np.stack([model.features(heard.samples, heard.context) for heard in group]))
    languages = _languages(model, encoded, len(group), options)
    settlings = {
        language: _settling(model, msgspec.structs.replace(options, language=language)) for language in set(languages)
    }
    search = settlings[languages[0]].search(
        ladder.PLAIN, alternatives=options.fallback and group[0].context < FULL_CONTEXT
    )
    hypotheses = model.generate(encoded, [settlings[language].prompt for language in languages], search)
    return [
        settlings[language].settle(heard, encoded.one(index), hypothesis)
        for index, (language, heard, hypothesis) in enumerate(zip(languages, group, hypotheses, strict=True))
    ]


def _settling(model: SpeechModel, options: DecodeOptions) -> Settling:
    tokenizer = model.tokenizer(options.language, options.task)
    # -1 stands for the set of symbols that are not speech; the annotation of the library is wrong.
    suppressed = get_suppressed_tokens(tokenizer, [-1])  # pyright: ignore[reportArgumentType]
    return Settling(model, tokenizer, prompt_tokens(tokenizer, options), tuple(suppressed or ()), options)


def _languages(model: SpeechModel, encoded: Encoded, count: int, options: DecodeOptions) -> list[str]:
    """Each chunk's language: where it may have its own the likeliest, if that is likelier than all others together,
    else the file's."""
    if not options.languages or not model.loaded.multilingual:
        return [options.language] * count
    return [
        next((code for code, share in _shares(told, options.languages).items() if share > _EVIDENCE), options.language)
        for told in model.language_probabilities(encoded)
    ]


def prompt_tokens(tokenizer: Tokenizer, options: DecodeOptions) -> tuple[int, ...]:
    """What stands before each chunk's transcript: hotwords and prompt as text said before, then language, task, and
    that no timestamps are wanted."""
    hotwords = tokenizer.encode(" " + options.hotwords.strip())[:_PROMPT_TOKENS] if options.hotwords else []
    prompt = tokenizer.encode(" " + options.prompt.strip()) if options.prompt else []
    room = _PROMPT_TOKENS - len(hotwords)
    said = [*hotwords, *prompt[max(0, len(prompt) - room) :]]
    return (*((tokenizer.sot_prev, *said) if said else ()), *tokenizer.sot_sequence, tokenizer.no_timestamps)


def _result(window: Window, settled: Settled, options: DecodeOptions) -> ChunkResult:
    words = [_in_audio(window, word) for word in settled.words]
    return ChunkResult(
        window.chunk,
        tuple(_segment(window.chunk, part, settled, options) for part in split_words(words)),
        settled.attempts,
        tuple((round(span.start, 3), round(span.end, 3)) for span in map(window.in_audio, settled.unheard)),
        settled.language if options.languages else None,
    )


def _in_audio(window: Window, word: TimedWord) -> TimedWord:
    start, end = window.in_audio(Span(word.start, word.end))
    return replace(word, start=start, end=end)


def _segment(chunk: Chunk, words: list[TimedWord], settled: Settled, options: DecodeOptions) -> Segment:
    text, avg_logprob = joined(words), settled.hypothesis.avg_logprob
    own = tuple(Word(round(word.start, 3), round(word.end, 3), word.text, round(word.probability, 4)) for word in words)
    return Segment(
        start=own[0].start,
        end=own[-1].end,
        text=text,
        confidence=round(math.exp(min(0.0, avg_logprob)), 4),
        avg_logprob=round(avg_logprob, 4),
        compression_ratio=round(ladder.compression_ratio(text), 4),
        no_speech_prob=round(settled.hypothesis.no_speech_prob, 4),
        seek=chunk.start // _SAMPLES_A_FRAME,
        tokens=tuple(token for word in words for token in word.tokens),
        words=own if options.words else None,
    )


def detect_language(
    model: SpeechModel, chunks: Sequence[tuple[Chunk, Samples]], allowed: Sequence[str] = ()
) -> tuple[str, float]:
    """The most probable language of the chunks together, among those allowed (all without any), and its probability.

    That is the mean over the chunks of what each says of the languages allowed, in proportion: they are known to be all
    there are, so that what a model leaves to others is no doubt between them. An English-only model knows the answer
    without listening. Languages that the model does not know are passed over; where it knows none of them, the first
    is the answer, with probability 0.
    """
    if not model.loaded.multilingual or not chunks:
        return "en", 1.0
    totals: dict[str, float] = dict.fromkeys(allowed[:1], 0.0)
    for chunk, samples in chunks:
        heard = Window(chunk).heard(samples)
        encoded = model.encode(model.features(heard, chunk.context)[np.newaxis])
        for language, share in _shares(model.language_probabilities(encoded)[0], allowed).items():
            totals[language] = totals.get(language, 0.0) + share
    language = max(totals, key=lambda code: totals[code])
    return language, round(totals[language] / len(chunks), 4)


def _shares(probabilities: Mapping[str, float], allowed: Sequence[str]) -> dict[str, float]:
    """The probability of each language allowed in proportion to all that are; of all, where none are named."""
    if not allowed:
        return dict(probabilities)
    possible = {code: probabilities[code] for code in allowed if code in probabilities}
    whole = sum(possible.values())
    return {code: probability / whole if whole else 0.0 for code, probability in possible.items()}
