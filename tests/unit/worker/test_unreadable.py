"""What a file is instead of audio, from its bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.worker.unreadable import explain


def told(data: bytes) -> str:
    what, hint = explain(lambda offset, count: data[offset : offset + count], len(data))
    assert what and hint
    assert hint[0].islower() and not hint.endswith(".")
    return what


def box(name: bytes, size: int) -> bytes:
    return struct.pack(">I4s", size + 8, name) + bytes(size)


def large_box(name: bytes, size: int) -> bytes:
    return struct.pack(">I4sQ", 1, name, size + 16) + bytes(size)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"#EXTM3U\n#EXTINF:9,\nhttp://host/a.ts\n", "is a playlist"),
        (b"\xef\xbb\xbf#EXTM3U\n", "is a playlist"),
        (b"\r\n #EXTM3U\n", "is a playlist"),
        (b"ffconcat version 1.0\nfile 'a.wav'\n", "is a playlist"),
        (b"[playlist]\nFile1=a.mp3\n", "is a playlist"),
        (b'<?xml version="1.0"?>\n<MPD type="static">', "is a playlist"),
        (b"<!DOCTYPE html><html><body>Not found", "is a web page"),
        (b"milk, bread, apples\n" * 9000, "is a text file"),
        ("Äpfel, 牛乳\n".encode() * 9000, "is a text file"),
        ("Äpfel\r\n".encode("utf-16"), "is a text file"),
        (b"PK\x03\x04" + bytes(99), "is an archive"),
        (bytes(100_000), "holds nothing but zeros"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "is cut off or damaged"),
        (b"OggS", "is cut off or damaged"),
        (b"\x1a\x45\xdf\xa3" + b"\xff" * 50, "is cut off or damaged"),
        (b"\x07\xff\xfe\x80" * 99, "is not an audio file that can be read"),
    ],
)
def test_a_file_is_named_for_what_it_is(data: bytes, what: str) -> None:
    assert told(data).startswith(what)


def test_an_m4a_lost_its_index_unless_the_whole_of_it_is_there() -> None:
    start, sound, index = box(b"ftyp", 16), box(b"mdat", 200_000), box(b"moov", 500)
    for lost in (start, start + sound, (start + sound)[:9000], start + sound + index[:-1], start + sound + index[:12]):
        assert "its index (moov)" in told(lost)
    for whole in (start + sound + index, start + index + sound[:99], start + large_box(b"mdat", 70_000) + index):
        assert told(whole) == "is damaged: its index can't be read"


@given(st.binary(max_size=200), st.sampled_from([b"", b"\0\0\0\x08ftyp", b"\0\0\0\0mdat", b"\0\0\0\x01moov"]))
def test_any_bytes_are_explained(data: bytes, start: bytes) -> None:
    told(start + data)
