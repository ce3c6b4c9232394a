"""Foreign text in messages."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.printable import printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"/a/plain name.wav", "/a/plain name.wav"),
        ("/a/naïve 日本\u3000語.wav".encode(), "/a/naïve 日本\u3000語.wav"),
        (b"/a/caf\xe9.wav", "/a/caf\\xe9.wav"),
        (b"/a/two\nlines\t.wav", "/a/two\\nlines\\t.wav"),
        (b"/a/\x1b[31mred", "/a/\\x1b[31mred"),
        ("/a/\u202egnp.wav".encode(), "/a/\\u202egnp.wav"),
    ],
)
def test_names_are_shown_on_one_line_without_steering_the_terminal(raw: bytes, shown: str) -> None:
    assert printable(Path(os.fsdecode(raw))) == shown


@given(st.text(st.characters()))
def test_anything_becomes_one_line_of_valid_unicode(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
