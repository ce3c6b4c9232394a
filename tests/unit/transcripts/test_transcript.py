"""How a transcript comes from the results of its chunks."""

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd import frames
from whisperd.transcripts.transcript import (
    PLACES_NAMED,
    Transcript,
    assemble,
    joined_text,
    loses_too_much,
    mean_confidence,
)

from .samples import segment


def chunk_result(
    start: int, *segments: frames.Segment, unheard: tuple[tuple[float, float], ...] = ()
) -> frames.ChunkResult:
    return frames.ChunkResult(frames.Chunk(start=start, end=start + 16_000), segments, unheard=unheard)


def assembled(results: list[frames.ChunkResult], **fields: object) -> Transcript:
    facts = {
        "language": "en",
        "language_probability": 0.9,
        "duration": 60.0,
        "processing_time": 6.0,
        "model": "test-en",
        "device": "cpu",
    }
    return assemble(results, **(facts | fields))  # type: ignore[arg-type]


def test_texts_are_concatenated_as_the_model_spaced_them_and_stripped() -> None:
    results = [chunk_result(0, segment(0, 1, " hello"), segment(1, 2, " world.")), chunk_result(9, segment(2, 3, "好"))]
    assert assembled(results).text == "hello world.好"


def test_every_order_of_decoding_gives_the_same_transcript() -> None:
    results = [chunk_result(n * 16_000, segment(n, n + 1, f" {n}")) for n in range(4)]
    expected = assembled(results)
    assert expected.text == "0 1 2 3"
    assert all(assembled(list(order)) == expected for order in permutations(results))


def test_silence_gives_an_empty_whole_transcript() -> None:
    silence = assembled([])
    assert (silence.text, silence.segments, silence.confidence, silence.partial) == ("", (), 0.0, False)


def test_confidence_is_weighted_by_duration() -> None:
    assert mean_confidence([segment(0, 3, "a", confidence=1.0), segment(3, 4, "b", confidence=0.2)]) == pytest.approx(
        0.8
    )


def test_segments_without_duration_count_alike() -> None:
    assert mean_confidence([segment(1, 1, "a", confidence=0.2), segment(2, 2, "b", confidence=0.6)]) == pytest.approx(
        0.4
    )


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1e5), st.floats(-1, 30)).map(
            lambda t: segment(t[1], t[1] + t[2], "x", confidence=t[0])
        ),
        min_size=1,
    )
)
def test_mean_confidence_lies_between_the_least_and_the_most_confident_segment(segments: list[frames.Segment]) -> None:
    confidences = [s.confidence for s in segments]
    mean = mean_confidence(segments)
    assert min(confidences) - 1e-9 <= mean <= max(confidences) + 1e-9
    assert 0 <= mean <= 1


@pytest.mark.parametrize(
    ("missing", "duration", "partial"),
    [
        (0.0, 0.0, False),
        (1.0, 0.0, False),
        (1.1, 0.0, True),
        (2.0, 100.0, False),
        (2.01, 100.0, True),
        (36.0, 3600.0, False),
        (38.0, 3600.0, True),
    ],
)
def test_partial_means_more_than_a_second_and_a_hundredth_is_missing(
    missing: float, duration: float, partial: bool
) -> None:
    assert loses_too_much(missing, duration) is partial
    assert assembled([], missing=missing, duration=duration).partial is partial


def test_decoding_that_ended_early_is_partial_even_when_little_is_missing() -> None:
    assert assembled([], missing=0.1, ended_early=True).partial


def test_speech_without_words_is_counted_and_its_places_are_told_in_order() -> None:
    results = [
        chunk_result(32_000, unheard=((3_725.5, 3_726.25),)),
        chunk_result(0, segment(0, 1, " hello"), unheard=((4.0, 5.0), (65.9, 66.4))),
        chunk_result(16_000, segment(1, 2, " there")),
    ]
    made = assembled(results, notes=("a smaller model was taken",))
    assert made.unheard == 2.25
    assert made.notes == (
        "a smaller model was taken",
        "no words were found for 2.2 s of what sounds like speech, at 0:04, 1:05, 1:02:05",
    )
    assert not made.partial


def test_of_many_places_without_words_the_first_are_told() -> None:
    made = assembled([chunk_result(0, unheard=tuple((10.0 * n, 10.0 * n + 1) for n in range(PLACES_NAMED + 3)))])
    [note] = made.notes
    assert note.endswith(" 8.0 s of what sounds like speech, at 0:00, 0:10, 0:20, 0:30, 0:40 and 3 more")


def test_where_every_word_was_heard_nothing_is_said_of_it() -> None:
    made = assembled([chunk_result(0, segment(0, 1, " hello"))])
    assert (made.unheard, made.notes) == (0.0, ())


@given(st.lists(st.text()))
def test_joining_loses_no_character_but_the_space_around_all(texts: list[str]) -> None:
    joined = joined_text([segment(n, n + 1, text) for n, text in enumerate(texts)])
    assert joined == "".join(texts).strip()


def test_confidence_is_that_of_the_log_probability() -> None:
    one = segment(0, 2, " hi", confidence=math.exp(-0.25), avg_logprob=-0.25)
    assert assembled([chunk_result(0, one)]).confidence == pytest.approx(math.exp(-0.25))
