"""Which texts of a result are Chinese, and the same result with them written in other characters."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transcripts.samples import segment
from whisperd.frames import Chinese, Chunk, ChunkResult, Word
from whisperd.transcripts.chinese import texts_of, with_texts
from whisperd.worker.chinese import write_chinese


def result(*texts: str, language: str | None = None, words: bool = False) -> ChunkResult:
    """A chunk with a segment for each text, every character a word where words are asked for."""
    segments = [
        segment(0.0, 1.0, text, words=tuple(Word(0.0, 1.0, sign, 1.0) for sign in text) if words else None)
        for text in texts
    ]
    return ChunkResult(Chunk(0, 16_000), tuple(segments), language=language)


def written(results: list[ChunkResult], language: str | None, characters: Chinese) -> list[list[str]]:
    """The texts of all segments, and the words where there are any, once they are in these characters."""
    new = with_texts(results, language, write_chinese(texts_of(results, language), characters))
    return [
        [segment.text, *(word.word for word in segment.words or ())] for result in new for segment in result.segments
    ]


def test_a_character_s_form_hangs_on_its_neighbours_in_words_too() -> None:
    assert written([result("头发发展", words=True)], "zh", Chinese.TRADITIONAL) == [
        ["頭髮發展", "頭", "髮", "發", "展"]
    ]


@pytest.mark.parametrize(
    ("characters", "text", "expected"),
    [
        (Chinese.SIMPLIFIED, "頭髮在裡面, 臺灣", "头发在里面, 台湾"),
        (Chinese.SIMPLIFIED, "头发", "头发"),
        (Chinese.TRADITIONAL, "头发在里面", "頭髮在裡面"),
        (Chinese.TRADITIONAL, "頭髮在裡面", "頭髮在裡面"),
        (Chinese.TRADITIONAL, " OK, iPhone 15 ", " OK, iPhone 15 "),
        (Chinese.TRADITIONAL, "计算机软件", "計算機軟件"),
    ],
)
def test_characters_change_and_words_do_not(characters: Chinese, text: str, expected: str) -> None:
    assert written([result(text)], "zh", characters) == [[expected]]


def test_only_what_is_chinese_is_rewritten() -> None:
    results = [
        result("头发", language="zh"),
        result("体育の国", language="ja"),
        result("体", language="yue"),
        result("国"),
    ]
    assert written(results, "ja", Chinese.TRADITIONAL) == [["頭髮"], ["体育の国"], ["體"], ["国"]]
    assert texts_of([result("国")], None) == ()


@given(
    st.lists(
        st.builds(
            lambda texts, language, words: result(*texts, language=language, words=words),
            st.lists(st.text(st.sampled_from("头发里面国台 a。髮裡"), max_size=6), max_size=3),
            st.sampled_from([None, "zh", "yue", "ja"]),
            st.booleans(),
        ),
        max_size=4,
    ),
    st.sampled_from(["zh", "en", None]),
    st.sampled_from(Chinese),
)
def test_nothing_but_characters_changes_and_twice_is_as_good_as_once(
    results: list[ChunkResult], language: str | None, characters: Chinese
) -> None:
    def rewritten(given: list[ChunkResult]) -> list[ChunkResult]:
        return list(with_texts(given, language, write_chinese(texts_of(given, language), characters)))

    once = rewritten(results)
    assert rewritten(once) == once
    assert with_texts(once, language, texts_of(results, language)) == tuple(results)
    for old, new in zip(results, once, strict=True):
        assert msgspec.structs.replace(new, segments=old.segments) == old
        assert [len(segment.text) for segment in new.segments] == [len(segment.text) for segment in old.segments]
