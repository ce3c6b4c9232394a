"""Where an utterance ends while it is being spoken."""

from hypothesis import given
from hypothesis import strategies as st

from whisperd.frames import SAMPLE_RATE, AudioContext, Heard
from whisperd.worker.listening import PAUSE, utterances
from whisperd.worker.packing import LONGEST, PADDING, Stretch


def seconds(*stretches: tuple[float, float]) -> list[Stretch]:
    return [Stretch(round(a * SAMPLE_RATE), round(b * SAMPLE_RATE)) for a, b in stretches]


def heard(stretches: list[Stretch], end: float, *, start: float = 0.0, ended: bool = False) -> Heard:
    return utterances(
        stretches, round(start * SAMPLE_RATE), round((start + end) * SAMPLE_RATE), AudioContext.FIT, ended=ended
    )


def test_speech_that_goes_on_waits() -> None:
    found = heard(seconds((0.5, 3.0)), 3.0)
    assert (found.chunks, found.speaking) == ((), True)
    assert found.next_start <= 0.5 * SAMPLE_RATE - PADDING + 1


def test_a_pause_ends_an_utterance() -> None:
    found = heard(seconds((0.5, 3.0)), 3.7)
    [chunk] = found.chunks
    assert chunk.start <= 0.5 * SAMPLE_RATE and 3.0 * SAMPLE_RATE < chunk.end <= found.next_start
    assert not found.speaking


def test_a_short_pause_does_not() -> None:
    assert heard(seconds((0.5, 3.0), (3.4, 5.0)), 5.0).chunks == ()


def test_what_follows_a_pause_waits_and_keeps_its_onset() -> None:
    found = heard(seconds((0.5, 3.0), (4.0, 5.0)), 5.0)
    assert len(found.chunks) == 1
    assert found.speaking
    assert 3.0 * SAMPLE_RATE <= found.next_start <= 4.0 * SAMPLE_RATE - PADDING


def test_at_the_end_of_the_recording_everything_is_an_utterance() -> None:
    found = heard(seconds((0.5, 3.0), (3.2, 5.0)), 5.0, ended=True)
    assert found.chunks[-1].end == 5.0 * SAMPLE_RATE == found.next_start


def test_a_window_full_of_speech_is_not_waited_on() -> None:
    full = LONGEST - 2 * PADDING
    found = utterances(
        [Stretch(0, full), Stretch(full, full + SAMPLE_RATE)], 0, full + SAMPLE_RATE, AudioContext.FIT, ended=False
    )
    assert len(found.chunks) == 1
    assert found.speaking


def test_silence_moves_on_without_a_chunk() -> None:
    found = heard([], 10.0, start=5.0)
    assert found.chunks == ()
    assert found.next_start == 15 * SAMPLE_RATE - PAUSE


@given(st.lists(st.tuples(st.integers(1, 3 * PAUSE), st.integers(1, 10 * SAMPLE_RATE)), max_size=8), st.booleans())
def test_every_stretch_is_decoded_or_heard_again(parts: list[tuple[int, int]], ended: bool) -> None:
    stretches: list[Stretch] = []
    at = 0
    for pause, length in parts:
        stretches.append(Stretch(at + pause, at + pause + length))
        at += pause + length
    found = utterances(stretches, 0, at + PAUSE // 2, AudioContext.FIT, ended=ended)
    for stretch in stretches:
        covered = any(chunk.start <= stretch.start and stretch.end <= chunk.end for chunk in found.chunks)
        assert covered or found.next_start <= stretch.start
    for chunk in found.chunks:
        assert chunk.end <= max(found.next_start, found.end)
        assert chunk.end - chunk.start <= LONGEST
