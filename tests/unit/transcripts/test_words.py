"""Queries as FTS5 gets them, and texts as its index does."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.errors import InvalidParamsError
from whisperd.transcripts.words import GAP, MAX_TERMS, expression, segmented


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("meeting", '"meeting"*'),
        ("  an   me ", '"an" AND "me"'),
        ('"the art" of', '"the art" AND "of"'),
        ('"never closed', '"never closed"'),
        ("re-run", '"re-run"*'),
        ("a -- b", '"a" AND "b"'),
        ("会议", f'"会{GAP}议"'),
        ("NOT AND", '"NOT"* AND "AND"*'),
    ],
)
def test_a_query_becomes_an_expression(query: str, wanted: str) -> None:
    assert expression(query) == wanted


@pytest.mark.parametrize("query", ["", "…", '""', "-- !", "_"])
def test_a_query_without_words_is_refused(query: str) -> None:
    with pytest.raises(InvalidParamsError, match="no word"):
        expression(query)


def test_a_query_of_very_many_words_is_refused() -> None:
    with pytest.raises(InvalidParamsError, match="at most"):
        expression("word " * (MAX_TERMS + 1))


@given(st.text(min_size=1))
def test_any_query_is_refused_or_understood_by_fts5(query: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text)")
    try:
        wanted = expression(query)
    except InvalidParamsError:
        return
    else:
        connection.execute("SELECT rowid FROM words WHERE words MATCH ?", (wanted,)).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello world", None),
        ("नमस्ते दुनिया", None),
        ("会議 and 会", f"会{GAP}議 and 会"),
        ("了。A会b", f"了。A{GAP}会{GAP}b"),
        ("ประชุม", f"ป{GAP}ร{GAP}ะ{GAP}ชุ{GAP}ม"),
        ("e\u0301", "é"),
    ],
)
def test_text_without_spaces_is_cut(text: str, wanted: str | None) -> None:
    assert segmented(text) == wanted
