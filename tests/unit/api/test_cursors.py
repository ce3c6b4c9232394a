"""What a client sends as a cursor: what a page has given, or a refusal, and never more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.api import cursors, history_views
from whisperd.errors import InvalidParamsError

GIVEN = st.integers(0, 10**18 - 1)


@given(GIVEN, GIVEN, st.floats(0, 1e11))
def test_what_a_page_has_given_is_understood(first: int, second: int, at: float) -> None:
    assert cursors.number(str(first)) == first
    assert cursors.numbers(f"{first}:{second}", 2) == [first, second]
    assert cursors.moment_and_number(f"{at!r}:{first}") == (at, first)


@pytest.mark.parametrize(
    "cursor", ["9" * 19, "9" * 5_000, "-1", "", "1:2", "٣", "1_0", " 1", "1\n", "held", "ready:0:0", "1e3", "\0"]
)
def test_what_no_page_has_given_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidParamsError, match="not one that a page has given"):
        cursors.number(cursor)


@pytest.mark.parametrize(
    "cursor", ["nan:1", "inf:1", "1e999:1", "1:", "1", ":1", f"1.0:{'9' * 400}", "1.0:99999999999999999999"]
)
def test_a_moment_is_a_finite_one(cursor: str) -> None:
    with pytest.raises(InvalidParamsError):
        history_views.position(cursor)


@given(st.text())
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    for read in (cursors.number, history_views.position, history_views.place):
        try:
            read(text)
        except InvalidParamsError:
            continue
