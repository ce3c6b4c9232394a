"""Decoding with the real model: mates don't matter, options reach every chunk, times are inside their chunks."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.integration.worker.child import MODEL, PLAIN, Child, decode, plans
from tests.speech import Samples, long_speech, noise, synthesize, word_errors, write_audio
from whisperd.frames import (
    FULL_CONTEXT,
    SAMPLE_RATE,
    AudioContext,
    Chunk,
    ChunkResult,
    DecodeOptions,
    Load,
    Task,
)
from whisperd.worker import ladder
from whisperd.worker.ctranslate2_model import CTranslate2Model
from whisperd.worker.decoding import decode_chunks, prompt_tokens
from whisperd.worker.model import Encoded, Hypothesis, Search
from whisperd.worker.speech import find_speech

DATA = Path(__file__).parents[2] / "data"
WORDS = DecodeOptions(language="en", words=True)


@pytest.fixture(scope="module")
def model() -> CTranslate2Model:
    return CTranslate2Model(Load(MODEL, compute_type="int8"), threads=2)


@pytest.fixture(scope="module")
def speech() -> list[tuple[Chunk, Samples]]:
    """Six chunks of different lengths."""
    samples, _ = long_speech(60, 21)
    seconds = [0, 4, 11, 20, 25, 48, 60]
    chunks = [Chunk(a * SAMPLE_RATE, b * SAMPLE_RATE) for a, b in pairwise(seconds)]
    return [(chunk, samples[chunk.start : chunk.end]) for chunk in chunks]


@pytest.mark.parametrize("options", [PLAIN, WORDS], ids=["text", "words"])
def test_a_chunk_has_the_same_bits_alone_and_among_mates(
    model: CTranslate2Model, speech: list[tuple[Chunk, Samples]], options: DecodeOptions
) -> None:
    speech = with_stretches(speech)
    alone = [decode_chunks(model, [pair], options)[0] for pair in speech]
    for size in (2, 6):
        together = [
            result
            for first in range(0, 6, size)
            for result in decode_chunks(model, speech[first : first + size], options)
        ]
        assert together == alone
    assert all(result.segments for result in alone)


def with_stretches(speech: list[tuple[Chunk, Samples]]) -> list[tuple[Chunk, Samples]]:
    """The chunks with the stretches in which somebody speaks, so that second looks are taken where one is due."""
    return [
        (
            msgspec.structs.replace(
                chunk, speech=tuple((chunk.start + start, chunk.start + end) for start, end in find_speech(samples))
            ),
            samples,
        )
        for chunk, samples in speech
    ]


def test_the_order_of_mates_does_not_matter(model: CTranslate2Model, speech: list[tuple[Chunk, Samples]]) -> None:
    assert decode_chunks(model, speech[::-1], PLAIN) == decode_chunks(model, speech, PLAIN)[::-1]


def test_chunks_of_several_contexts_may_share_a_call(
    model: CTranslate2Model, speech: list[tuple[Chunk, Samples]]
) -> None:
    mixed = [(Chunk(c.start, c.end, 1000 if i == 1 else FULL_CONTEXT), s) for i, (c, s) in enumerate(speech[:3])]
    assert decode_chunks(model, mixed, PLAIN) == tuple(decode_chunks(model, [pair], PLAIN)[0] for pair in mixed)


def assert_well_formed(results: list[ChunkResult]) -> None:
    for result in results:
        start, end = result.chunk.start / SAMPLE_RATE, result.chunk.end / SAMPLE_RATE
        times = [time for segment in result.segments for time in (segment.start, segment.end)]
        assert times == sorted(times)
        for segment in result.segments:
            assert start - 0.001 <= segment.start <= segment.end <= end + 0.001
            assert segment.text.strip()
            assert segment.seek == result.chunk.start // 160
            assert segment.confidence == pytest.approx(math.exp(segment.avg_logprob), abs=1e-3)
            for word in segment.words or ():
                assert segment.start <= word.start <= word.end <= segment.end
                assert 0 <= word.probability <= 1


@pytest.mark.parametrize("context", AudioContext)
@pytest.mark.parametrize("options", [PLAIN, WORDS], ids=["text", "words"])
def test_the_demo_is_heard_word_for_word(worker: Child, context: AudioContext, options: DecodeOptions) -> None:
    source, _ = worker.open(DATA / "demo.flac")
    (plan,) = plans(worker, source, context)
    results = decode(worker, source, plan, options)
    segments = [segment for result in results for segment in result.segments]
    said = (DATA / "demo.txt").read_text().split()
    assert " ".join(segment.text.strip() for segment in segments).split() == said
    assert_well_formed(results)
    if options.words:
        assert [word.word.strip() for segment in segments for word in segment.words or ()] == said
    else:
        assert all(segment.words is None for segment in segments)


def test_fitted_context_is_used_and_long_speech_is_well_formed(worker: Child, tmp_path: Path) -> None:
    samples, text = long_speech(60, 4)
    source, _ = worker.open(write_audio(tmp_path / "a.flac", samples))
    for context in AudioContext:
        (plan,) = plans(worker, source, context)
        results = decode(worker, source, plan, WORDS)
        assert_well_formed(results)
        heard = " ".join(segment.text.strip() for result in results for segment in result.segments)
        assert word_errors(heard, text) < len(text.split())


def test_words_are_near_where_they_were_spoken(worker: Child, tmp_path: Path) -> None:
    sentence = "set a timer for fifteen minutes"
    said = synthesize(sentence, "en-us+f4", 145)
    samples = np.concatenate([np.zeros(3 * SAMPLE_RATE, np.float32), said, np.zeros(SAMPLE_RATE, np.float32)])
    source, _ = worker.open(write_audio(tmp_path / "a.wav", samples))
    (plan,) = plans(worker, source)
    (result,) = decode(worker, source, plan, WORDS)
    words = [word for segment in result.segments for word in segment.words or ()]
    assert [word.word.strip() for word in words] == sentence.split()
    assert words[0].start == pytest.approx(3, abs=0.7)
    assert words[-1].end == pytest.approx(3 + len(said) / SAMPLE_RATE, abs=0.7)


def test_words_on_both_sides_of_a_long_pause_are_near_where_they_were_spoken(worker: Child, tmp_path: Path) -> None:
    sentence = "set a timer for fifteen minutes"
    said = synthesize(sentence, "en-us+f4", 145)
    silence = np.zeros(6 * SAMPLE_RATE, np.float32)
    source, _ = worker.open(write_audio(tmp_path / "a.wav", np.concatenate([said, silence, said])))
    (plan,) = plans(worker, source)
    (chunk,) = plan.chunks
    assert len(chunk.speech) >= 2
    (result,) = decode(worker, source, plan, WORDS)
    words = [word for segment in result.segments for word in segment.words or ()]
    assert [word.word.strip() for word in words] == sentence.split() * 2
    again = len(said) / SAMPLE_RATE + 6
    first, second = words[: len(words) // 2], words[len(words) // 2 :]
    assert first[-1].end == pytest.approx(again - 6, abs=0.5)
    assert second[0].start == pytest.approx(again, abs=0.5)
    assert next(segment.start for segment in result.segments if segment.start > again - 3) == second[0].start
    assert_well_formed([result])


def test_a_minute_of_noise_and_of_silence_have_no_words(worker: Child, tmp_path: Path) -> None:
    for name, samples in (("noise", noise(60)), ("silence", np.zeros(60 * SAMPLE_RATE, np.float32))):
        source, _ = worker.open(write_audio(tmp_path / f"{name}.wav", samples))
        for plan in plans(worker, source):
            assert [result.segments for result in decode(worker, source, plan)] == [()] * len(plan.chunks)


def test_prompt_and_hotwords_reach_every_chunk(speech: list[tuple[Chunk, Samples]]) -> None:
    seen: list[Sequence[int]] = []

    class Recording(CTranslate2Model):
        def generate(self, encoded: Encoded, prompts: Sequence[Sequence[int]], search: Search) -> list[Hypothesis]:
            seen.extend(prompts)
            return super().generate(encoded, prompts, search)

    recording = Recording(Load(MODEL, compute_type="int8"), threads=2)
    options = DecodeOptions("en", prompt="send the letter", hotwords="alice bob", fallback=False)
    decode_chunks(recording, speech[:3], options)
    tokenizer = recording.tokenizer("en", Task.TRANSCRIBE)
    assert len(seen) == 3
    for prompt in seen:
        assert prompt[0] == tokenizer.sot_prev
        assert tokenizer.decode(list(prompt)) == " alice bob send the letter"
        assert list(prompt[-2:]) == [tokenizer.sot, tokenizer.no_timestamps]


def test_long_prompts_and_hotwords_leave_room_for_the_transcript(
    model: CTranslate2Model, speech: list[tuple[Chunk, Samples]]
) -> None:
    long = "remember the purple mountains " * 100
    tokenizer = model.tokenizer("en", Task.TRANSCRIBE)
    for options in (
        DecodeOptions("en", prompt=long),
        DecodeOptions("en", hotwords=long),
        DecodeOptions("en", prompt=long, hotwords=long),
    ):
        assert len(prompt_tokens(tokenizer, options)) <= 226
        decode_chunks(model, speech[:1], options)


def test_a_doubtful_chunk_climbs_the_ladder_alone_and_deterministically(
    model: CTranslate2Model, speech: list[tuple[Chunk, Samples]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "AVG_LOGPROB", -0.02)
    speech = speech[:3]
    first = decode_chunks(model, speech, PLAIN)
    assert any(result.attempts > 1 for result in first)
    # The window, its two halves, and the rungs.
    assert all(result.attempts <= 3 + len(ladder.LADDER) for result in first)
    assert decode_chunks(model, speech, PLAIN) == first
    assert tuple(decode_chunks(model, [pair], PLAIN)[0] for pair in speech) == first
    without = decode_chunks(model, speech, DecodeOptions("en", fallback=False))
    assert [result.attempts for result in without] == [1] * len(speech)


def test_a_doubtful_fitted_chunk_is_decoded_again_in_full(
    model: CTranslate2Model, speech: list[tuple[Chunk, Samples]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk, samples = speech[1]
    fitted = (Chunk(chunk.start, chunk.end, 1000), samples)
    (in_full,) = decode_chunks(model, [(chunk, samples)], WORDS)
    # Nothing short is good enough, everything in full is.
    monkeypatch.setattr(ladder, "is_doubtful", lambda attempt: attempt is first_attempt(attempt))
    seen: list[object] = []

    def first_attempt(attempt: object) -> object:
        seen.append(attempt)
        return seen[0]

    (result,) = decode_chunks(model, [fitted], WORDS)
    assert result.attempts == 2
    assert result.segments == in_full.segments


def test_a_close_call_in_fitted_context_is_settled_in_full(
    model: CTranslate2Model, speech: list[tuple[Chunk, Samples]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk, samples = speech[1]
    fitted = (Chunk(chunk.start, chunk.end, 1000), samples)
    (in_full,) = decode_chunks(model, [(chunk, samples)], WORDS)
    seen: list[list[tuple[str, float]]] = []

    def close(text: str, logprob: float, others: Iterable[tuple[str, float]]) -> bool:
        seen.append([(text, logprob), *others])
        return True

    monkeypatch.setattr(ladder, "is_close_call", close)
    (result,) = decode_chunks(model, [fitted], WORDS)
    assert (result.attempts, result.segments) == (2, in_full.segments)
    ((best, *others),) = seen
    assert len(others) == WORDS.beam_size - 1
    assert all(logprob < 0 for _, logprob in (best, *others))
    (without,) = decode_chunks(model, [fitted], DecodeOptions("en", fallback=False))
    assert without.attempts == 1
    (in_full_again,) = decode_chunks(model, [(chunk, samples)], WORDS)
    assert in_full_again == in_full


def test_a_few_samples_can_be_decoded(model: CTranslate2Model) -> None:
    for length in (3, 100, 400):
        (result,) = decode_chunks(model, [(Chunk(0, length, 600), np.zeros(length, np.float32))], WORDS)
        assert result.attempts >= 1
