"""Packing: every stretch of speech in exactly one window, few windows, cuts in pauses."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.frames import FULL_CONTEXT, SAMPLE_RATE, AudioContext, Chunk
from whisperd.worker.packing import (
    LONGEST,
    LONGEST_SPAN,
    OVERLAP,
    PADDING,
    Stretch,
    context_for,
    next_block,
    pack,
    split_long,
)
from whisperd.worker.window import Window


def seconds(value: float) -> int:
    return round(value * SAMPLE_RATE)


@st.composite
def speech_in_a_block(draw: st.DrawFn) -> tuple[list[Stretch], int, int]:
    """Stretches of speech in order and apart, some longer than a window, in a block that begins anywhere."""
    begin = position = draw(st.integers(0, 10**9))
    stretches: list[Stretch] = []
    for silence, length in draw(
        st.lists(st.tuples(st.integers(1, seconds(20)), st.integers(1, seconds(70))), max_size=25)
    ):
        stretches.append(Stretch(position + silence, position + silence + length))
        position = stretches[-1].end
    return stretches, begin, position + draw(st.integers(0, seconds(5)))


def middle(start: int, end: int) -> int:
    return (start + end) // 2


def packed(speech: list[Stretch], begin: int, end: int, context: AudioContext) -> list[Chunk]:
    return pack(split_long(speech, middle), begin, end, context)


@given(speech_in_a_block(), st.sampled_from(AudioContext))
def test_every_stretch_of_speech_is_in_exactly_one_chunk(
    block: tuple[list[Stretch], int, int], context: AudioContext
) -> None:
    speech, begin, end = block
    chunks = packed(speech, begin, end, context)
    assert [stretch for chunk in chunks for stretch in chunk.speech] == split_long(speech, middle)
    assert all(chunk.start <= start and end <= chunk.end for chunk in chunks for start, end in chunk.speech)
    assert all(a.end <= b.start for a, b in pairwise(chunks))


@given(speech_in_a_block(), st.sampled_from(AudioContext))
def test_chunks_stay_in_their_block_and_thirty_seconds_of_them_are_heard_at_most(
    block: tuple[list[Stretch], int, int], context: AudioContext
) -> None:
    speech, begin, end = block
    for chunk in packed(speech, begin, end, context):
        assert begin <= chunk.start < chunk.end <= end
        heard = round(Window(chunk).seconds * SAMPLE_RATE)
        assert heard <= LONGEST
        assert chunk.context == context_for(heard, context)
        assert chunk.end - chunk.start <= LONGEST_SPAN


@given(speech_in_a_block(), st.sampled_from(AudioContext))
def test_packing_is_deterministic(block: tuple[list[Stretch], int, int], context: AudioContext) -> None:
    assert packed(*block, context) == packed(*block, context)


@given(speech_in_a_block())
def test_full_context_takes_as_few_windows_as_going_from_left_to_right(
    block: tuple[list[Stretch], int, int],
) -> None:
    speech, begin, end = block
    pieces = split_long(speech, middle)
    windows, first = 0, 0
    while first < len(pieces):
        last = first
        while last + 1 < len(pieces) and len(pack(pieces[first : last + 2], begin, end, AudioContext.FULL)) == 1:
            last += 1
        windows, first = windows + 1, last + 1
    # A cut end gets at most half of a pause as padding: a window may hold one stretch more, never less.
    assert len(pack(pieces, begin, end, AudioContext.FULL)) <= windows


def test_no_speech_makes_no_chunk() -> None:
    assert pack([], 0, seconds(600), AudioContext.FULL) == []


def test_chunks_begin_and_end_in_silence() -> None:
    chunk = pack([Stretch(seconds(5), seconds(8))], 0, seconds(60), AudioContext.FULL)[0]
    assert (chunk.start, chunk.end) == (seconds(5) - PADDING, seconds(8) + PADDING)


def test_chunks_share_a_short_pause_between_them() -> None:
    speech = [Stretch(0, seconds(20)), Stretch(seconds(20.2), seconds(40))]
    first, second = pack(speech, 0, seconds(60), AudioContext.FULL)
    assert first.end == second.start == seconds(20.1)


def test_the_cut_lies_in_the_longest_pause_that_needs_no_more_windows() -> None:
    speech = [
        Stretch(0, seconds(15)),
        Stretch(seconds(16), seconds(25)),
        Stretch(seconds(25.2), seconds(27)),
        Stretch(seconds(27.2), seconds(40)),
    ]
    first, second = pack(speech, 0, seconds(60), AudioContext.FULL)
    assert (first.end, second.start) == (seconds(15.4), seconds(15.6))


def test_a_long_pause_costs_no_context_since_it_is_not_heard() -> None:
    speech = [Stretch(0, seconds(3)), Stretch(seconds(45), seconds(48))]
    assert [chunk.context for chunk in pack(speech, 0, seconds(60), AudioContext.FULL)] == [FULL_CONTEXT]
    assert [chunk.context for chunk in pack(speech, 0, seconds(60), AudioContext.FIT)] == [1000]


def test_a_window_holds_thirty_seconds_of_speech_whatever_the_silence_between() -> None:
    speech = [Stretch(seconds(8 * n), seconds(8 * n + 5)) for n in range(6)]
    first, second = pack(speech, 0, seconds(60), AudioContext.FULL)
    assert len(first.speech) + len(second.speech) == 6
    assert max(len(first.speech), len(second.speech)) <= 5
    assert len(pack(speech[:5], 0, seconds(60), AudioContext.FULL)) == 1


def test_where_little_is_said_a_chunk_takes_two_minutes_of_the_audio_at_most() -> None:
    speech = [Stretch(seconds(50 * n), seconds(50 * n + 1)) for n in range(6)]
    chunks = pack(speech, 0, seconds(300), AudioContext.FULL)
    assert len(chunks) == 2
    assert all(chunk.end - chunk.start <= LONGEST_SPAN for chunk in chunks)


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    quiet = seconds(22)
    pieces = split_long([Stretch(0, seconds(50))], lambda start, end: quiet if start <= quiet < end else start)
    assert pieces[0] == Stretch(0, quiet)
    assert pieces[-1].end == seconds(50)


@given(st.integers(1, seconds(400)), st.sampled_from([0.0, 0.5, 1.0]))
def test_pieces_of_long_speech_touch_and_fit(length: int, where: float) -> None:
    pieces = split_long([Stretch(0, length)], lambda start, end: start + int((end - start) * where))
    assert pieces[0].start == 0 and pieces[-1].end == length
    assert all(a.end == b.start for a, b in pairwise(pieces))
    assert all(0 < piece.end - piece.start <= LONGEST - 2 * PADDING for piece in pieces)


@given(speech_in_a_block(), st.sampled_from(AudioContext))
def test_the_next_block_begins_later_and_hears_all_that_was_left(
    block: tuple[list[Stretch], int, int], context: AudioContext
) -> None:
    speech, begin, end = block
    end = max(end, begin + 2 * OVERLAP)
    chunks = packed(speech, begin, end, context)
    kept, following = next_block(chunks, begin, end)
    assert following > begin
    left = chunks[len(kept) :]
    assert len(left) <= 1
    assert all(chunk.start >= following for chunk in left)
    assert all(chunk.end <= following for chunk in kept)
    assert left or following >= end - OVERLAP


def test_the_last_chunk_of_a_block_is_left_to_the_next_one() -> None:
    chunks = [Chunk(0, 100), Chunk(200, 300)]
    assert next_block(chunks, 0, seconds(600)) == ([Chunk(0, 100)], 200)


def test_a_block_whose_only_chunk_begins_with_it_is_not_read_for_ever() -> None:
    chunks = [Chunk(1000, 2000)]
    assert next_block(chunks, 1000, seconds(600)) == (chunks, seconds(600) - OVERLAP)


@pytest.mark.parametrize(
    ("length", "context"), [(1.0, 600), (3.4, 600), (3.5, 1000), (7.0, 1000), (28.0, 3000), (30.0, 3000)]
)
def test_fitted_context_is_the_chunk_and_a_margin_rounded_up(length: float, context: int) -> None:
    assert context_for(seconds(length), AudioContext.FIT) == context


def test_full_context_is_the_whole_window() -> None:
    assert context_for(1, AudioContext.FULL) == FULL_CONTEXT
