"""A corrected text in the segments of its transcript."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transcripts.samples import transcript
from whisperd.frames import Segment, Word
from whisperd.transcripts import edited
from whisperd.transcripts.edited import with_text
from whisperd.transcripts.transcript import Transcript, joined_text


def of(*texts: str) -> Transcript:
    word = Word(0.0, 1.0, "word", 1.0)
    segments = tuple(
        Segment(float(n), n + 1.0, text, 0.9, -0.1, 1.0, 0.0, 0, (1, 2), (word,)) for n, text in enumerate(texts)
    )
    return msgspec.structs.replace(transcript(), text=joined_text(segments), segments=segments)


def texts(transcript: Transcript) -> list[str]:
    return [segment.text.strip() for segment in transcript.segments]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ("Hello dear. How are you?", ["Hello dear.", "How are you?"]),
        ("Hello there. Who are you?", ["Hello there.", "Who are you?"]),
        ("Hello there, my friend. How are you?", ["Hello there, my friend.", "How are you?"]),
        ("Hello there.", ["Hello there.", ""]),
        ("How are you?", ["", "How are you?"]),
        ("Oh! Hello there. How are you?", ["Oh! Hello there.", "How are you?"]),
        ("", ["", ""]),
    ],
)
def test_words_go_to_the_segment_of_those_they_stand_for(text: str, wanted: list[str]) -> None:
    assert texts(with_text(of(" Hello there.", " How are you?"), text)) == wanted


def test_text_without_spaces_is_corrected_by_the_character() -> None:
    assert texts(with_text(of("明日会議を", "開きます"), "明日会議に行きます")) == ["明日会議に", "行きます"]


def test_a_segment_that_changed_loses_the_words_and_tokens_of_the_old_text() -> None:
    first, second = with_text(of(" Hello there.", " How are you?"), "Hello there. Who are you?").segments
    assert first == of(" Hello there.").segments[0]
    assert (second.words, second.tokens) == (None, ())


def test_a_text_for_silence_has_a_segment_of_its_own() -> None:
    silent = msgspec.structs.replace(of(), duration=3.0)
    [segment] = with_text(silent, "He said nothing.").segments
    assert (segment.start, segment.end, segment.text) == (0.0, 3.0, "He said nothing.")


def test_texts_with_little_in_common_are_laid_out_by_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edited, "MOST_COMPARISONS", 3)
    assert texts(with_text(of(" a b", " c d"), "w x y z")) == ["w x", "y z"]


_WORDS = st.lists(st.sampled_from(["one", "two", "three", "会", "é", "four."]), max_size=8).map(" ".join)


@given(st.lists(_WORDS.map(lambda text: " " + text), max_size=4), _WORDS)
def test_no_word_is_lost_added_or_out_of_order(old: list[str], new: str) -> None:
    result = with_text(of(*old), new)
    assert result.text == new
    assert "".join(segment.text for segment in result.segments).split() == new.split()
