"""What is typed: no text is lost, no form submitted, no character torn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperctl.insert.plan import BACKENDS, Piece, order, pieces


@pytest.mark.parametrize(
    ("text", "newlines", "typed"),
    [
        ("one two", "space", [Piece("one two")]),
        ("one\ntwo\n", "space", [Piece("one two ")]),
        ("one \n\n two", "space", [Piece("one two")]),
        ("one\r\ntwo", "enter", [Piece("one", breaks=True), Piece("two")]),
        ("one\n\ntwo", "shift+enter", [Piece("one", breaks=True), Piece("", breaks=True), Piece("two")]),
        ("a\tb\x1b[2J\x00", "space", [Piece("a b[2J")]),
        ("a\u2028b", "space", [Piece("a b")]),
        ("", "space", []),
        ("\n", "enter", [Piece("", breaks=True)]),
    ],
)
def test_line_breaks_and_control_characters_do_nothing_unforeseen(text: str, newlines: str, typed: list[Piece]) -> None:
    assert pieces(text, newlines) == typed  # pyright: ignore[reportArgumentType]


@given(st.text(), st.integers(1, 30))
def test_the_pieces_together_are_the_text(text: str, longest: int) -> None:
    whole = pieces(text, "enter", longest=10**9)
    cut = pieces(text, "enter", longest)
    assert "".join(p.text + "\n" * p.breaks for p in cut) == "".join(p.text + "\n" * p.breaks for p in whole)
    assert all("\n" not in piece.text for piece in cut)


@pytest.mark.parametrize("whole", ["é", "👍🏽", "👩‍👩‍👧", "🇩🇪", "हि", "❤️"])
def test_a_character_of_several_parts_is_not_torn(whole: str) -> None:
    for before in range(8):
        assert any(whole in piece.text for piece in pieces("x" * before + whole + "y" * 9, "space", 4))


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=8), max_size=60))
def test_cuts_are_made_between_words(words: list[str]) -> None:
    text = " ".join(words)
    assert all(piece.text.endswith(" ") for piece in pieces(text, "space", 20)[:-1])


@pytest.mark.parametrize("session", ["wayland", "x11", "console"])
def test_every_backend_has_a_place_in_every_session(session: str) -> None:
    assert sorted(order(session)) == sorted(BACKENDS)
    assert order(session, ("clipboard",)) == ("clipboard",)
