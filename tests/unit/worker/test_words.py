"""Words of segments: they are the segments' text, in order, inside the chunk, and no longer than words are."""

from itertools import pairwise

import tokenizers
from faster_whisper.tokenizer import Tokenizer
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.worker.child import MODEL
from whisperd.frames import Word
from whisperd.worker.model import Alignment
from whisperd.worker.words import timed_words

TOKENIZER = Tokenizer(tokenizers.Tokenizer.from_file(f"{MODEL}/tokenizer.json"), False)


def words_of(texts: list[str], starts: list[int] | None = None, duration: float = 30.0) -> list[list[Word]]:
    tokens = [TOKENIZER.encode(text) for text in texts]
    count = sum(map(len, tokens))
    places = sorted((starts or [])[: count + 1])
    places += [places[-1] if places else 0] * (count + 1 - len(places))
    return timed_words(TOKENIZER, tokens, Alignment(tuple(places), (0.5,) * count), duration)


def test_punctuation_belongs_to_its_word() -> None:
    ((*words,),) = words_of([' the "old" house, (and) you?'])
    assert [word.word for word in words] == [" the", ' "old"', " house,", " (and)", " you?"]


def test_a_segment_that_begins_with_the_end_of_a_word_takes_none_from_the_next() -> None:
    made = words_of([" the house", ". we", " will see", "ing it ("])
    assert ["".join(word.word for word in words) for words in made] == [" the house", ". we", " will see", "ing it ("]


def test_no_word_is_longer_than_twice_seven_tenths() -> None:
    (first, second), (third,) = words_of([" a b", " c"], starts=[0, 500, 1000, 1400])
    assert [(round(word.start, 2), round(word.end, 2)) for word in (first, second, third)] == [
        (8.6, 10.0),
        (10.0, 11.4),
        (20.0, 21.4),
    ]


@given(
    st.lists(st.text("ab .,?!(\"'é", max_size=12), max_size=5),
    st.lists(st.integers(0, 1500), max_size=80),
    st.floats(0.1, 30),
)
def test_words_cover_their_segment_and_never_go_backwards(texts: list[str], starts: list[int], duration: float) -> None:
    made = words_of(texts, starts, duration)
    assert ["".join(word.word for word in words) for words in made] == texts
    words = [word for segment in made for word in segment]
    assert all(0 <= word.start <= word.end <= duration and word.end - word.start < 1.401 for word in words)
    assert all(a.end <= b.start for a, b in pairwise(words))
