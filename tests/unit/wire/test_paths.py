"""Paths as text and base64."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.errors import InvalidParamsError
from whisperd.wire.paths import from_wire, to_wire


@given(st.binary().filter(lambda name: b"\0" not in name).map(lambda name: b"/" + name))
def test_every_path_comes_back_as_it_was_shown(path: bytes) -> None:
    assert from_wire(*to_wire(path)) == path


def test_a_utf8_path_needs_no_base64() -> None:
    assert to_wire("/töne/a\nb.wav".encode()) == ("/töne/a\nb.wav", None)


def test_a_path_that_is_not_utf8_is_shown_with_replacements_beside_its_bytes() -> None:
    assert to_wire(b"/a\xff.wav") == ("/a\ufffd.wav", base64.b64encode(b"/a\xff.wav").decode())


@pytest.mark.parametrize(
    ("path", "path_b64", "message"),
    [
        (None, None, "lacks `path`"),
        ("a.wav", None, "not an absolute path"),
        ("", None, "not an absolute path"),
        ("/a\0b", None, "NUL"),
        (None, "YS53YXY=", "not an absolute path"),
        (None, "LwA=", "NUL"),
        (None, "!!", "params.files[3].path_b64 is not base64"),
        (None, "ü", "is not base64"),
        ("/other", base64.b64encode(b"/a\xff").decode(), "name different files"),
    ],
)
def test_a_path_that_can_not_be_used_is_refused(path: str | None, path_b64: str | None, message: str) -> None:
    with pytest.raises(InvalidParamsError) as caught:
        from_wire(path, path_b64, "params.files[3]")
    assert message in caught.value.message
    assert caught.value.message.startswith("params.files[3]")
