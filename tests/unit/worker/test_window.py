"""A chunk's window: all speech in it, no long pause, and times that find their way back into the audio."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from whisperd.frames import SAMPLE_RATE, Chunk
from whisperd.worker.window import LONGEST_PAUSE, PADDING, Span, Window


def seconds(value: float) -> int:
    return round(value * SAMPLE_RATE)


def chunk_of(start: float, end: float, *speech: tuple[float, float]) -> Chunk:
    return Chunk(seconds(start), seconds(end), speech=tuple((seconds(a), seconds(b)) for a, b in speech))


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """A chunk anywhere in the audio, with stretches of speech that touch, are near each other or far apart."""
    start = draw(st.integers(0, 10**6))
    position = start + draw(st.integers(0, PADDING))
    pauses = st.integers(0, LONGEST_PAUSE + 2) | st.integers(0, seconds(6))
    speech: list[tuple[int, int]] = []
    for pause, length in draw(st.lists(st.tuples(pauses, st.integers(1, seconds(3))), min_size=1, max_size=5)):
        begin = position + (pause if speech else 0)
        speech.append((begin, begin + length))
        position = begin + length
    return Chunk(start, position + draw(st.integers(0, PADDING)), speech=tuple(speech))


def positions(window: Window) -> NDArray[np.float32]:
    """The position in the audio of each sample that is heard; whole numbers of this size are exact."""
    return window.heard(np.arange(window.chunk.start, window.chunk.end, dtype=np.float32))


@given(chunks())
def test_every_sample_of_speech_is_heard_where_the_window_says(chunk: Chunk) -> None:
    window = Window(chunk)
    heard = positions(window)
    assert len(window.speech) == len(chunk.speech)
    for (start, end), span in zip(chunk.speech, window.speech, strict=True):
        place = heard[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)]
        assert np.array_equal(place, np.arange(start, end, dtype=np.float32))


@given(chunks())
def test_what_is_heard_is_in_order_and_of_a_pause_no_more_than_its_edges(chunk: Chunk) -> None:
    window = Window(chunk)
    heard = positions(window)
    assert (np.diff(heard) >= 1).all()
    assert (heard[0], heard[-1]) == (chunk.start, chunk.end - 1)
    assert window.seconds == len(heard) / SAMPLE_RATE
    for (_, before), (after, _) in pairwise(chunk.speech):
        assert np.count_nonzero((heard >= before) & (heard < after)) == min(after - before, LONGEST_PAUSE)


@given(chunks(), st.data())
def test_a_time_of_the_window_is_that_of_the_sample_heard_then(chunk: Chunk, data: st.DataObject) -> None:
    window = Window(chunk)
    heard = positions(window)
    index = data.draw(st.integers(0, len(heard) - 1))
    time = (index + 0.5) / SAMPLE_RATE
    start, end = window.in_audio(Span(time, time))
    assert start == end == pytest.approx((heard[index] + 0.5) / SAMPLE_RATE, abs=1e-6)


@given(chunks(), st.lists(st.floats(0, 1), min_size=2, max_size=12))
def test_spans_in_order_stay_in_order_inside_the_chunk(chunk: Chunk, shares: list[float]) -> None:
    window = Window(chunk)
    times = [share * window.seconds for share in sorted(shares)]
    spans = [window.in_audio(Span(*pair)) for pair in pairwise(times)]
    moments = [moment for span in spans for moment in span]
    assert moments == sorted(moments)
    # Within a thousandth of a sample, times being floats.
    assert chunk.start / SAMPLE_RATE - 1e-7 <= moments[0] and moments[-1] <= chunk.end / SAMPLE_RATE + 1e-7


@given(st.integers(0, 10**9), st.integers(1, seconds(30)))
def test_a_chunk_that_says_nothing_of_speech_is_heard_whole(start: int, length: int) -> None:
    window = Window(Chunk(start, start + length))
    samples = np.zeros(length, np.float32)
    assert window.heard(samples) is samples
    assert (window.speech, window.seconds) == ((), length / SAMPLE_RATE)
    begun, ended = window.in_audio(Span(0.0, window.seconds))
    assert (begun, ended) == (start / SAMPLE_RATE, pytest.approx((start + length) / SAMPLE_RATE))


def test_a_word_after_a_pause_of_five_seconds_has_a_time_after_it() -> None:
    window = Window(chunk_of(9.6, 17.4, (10, 11), (16, 17)))
    assert window.speech == (Span(0.4, 1.4), Span(2.2, 3.2))
    assert window.in_audio(Span(2.2, 2.6)) == (pytest.approx(16.0), pytest.approx(16.4))


def test_a_word_over_a_pause_that_is_not_heard_ends_before_it() -> None:
    window = Window(chunk_of(9.6, 17.4, (10, 11), (16, 17)))
    assert window.in_audio(Span(1.0, 2.4)) == (pytest.approx(10.6), pytest.approx(11.4))


@pytest.mark.parametrize(("pause", "heard"), [(0.5, 0.5), (0.8, 0.8), (0.9, 0.8), (60.0, 0.8)])
def test_of_a_pause_eight_tenths_of_a_second_are_heard(pause: float, heard: float) -> None:
    window = Window(chunk_of(0, 2 + pause, (0, 1), (1 + pause, 2 + pause)))
    assert window.seconds == pytest.approx(2 + heard)
