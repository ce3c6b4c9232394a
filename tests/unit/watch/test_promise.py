"""How large a file says that it is going to be."""

import struct
import wave
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.watch.promise import promised_size

BODY = bytes(1_000)
CAF = b"caff\0\1\0\0" + b"desc" + struct.pack(">Q", 32) + bytes(32) + b"data" + struct.pack(">Q", 1_000)
WAVE64 = bytes.fromhex("726966662e91cf11a5d628db04c10000") + struct.pack("<Q", 1_040) + bytes(16)
MP4 = struct.pack(">I4s", 24, b"ftyp") + b"M4A " + bytes(12) + struct.pack(">I4s", 1_008, b"mdat")
LARGE_BOX = struct.pack(">I4sQ", 1, b"mdat", 1_016)


def promised(content: bytes) -> int | None:
    return promised_size(lambda at, count: content[at : at + count])


@pytest.mark.parametrize(
    "header",
    [
        b"RIFF" + struct.pack("<I", 1_004) + b"WAVE",
        b"RF64" + struct.pack("<I", 0xFFFF_FFFF) + b"WAVEds64" + struct.pack("<IQ", 28, 1_020),
        b"FORM" + struct.pack(">I", 1_004) + b"AIFF",
        b".snd" + struct.pack(">II", 24, 1_000) + bytes(12),
        WAVE64,
        CAF,
        MP4,
        LARGE_BOX,
    ],
    ids=["wav", "rf64", "aiff", "au", "wave64", "caf", "mp4", "mp4-64"],
)
def test_a_header_promises_the_size_of_the_whole_file_however_much_of_it_is_there(header: bytes) -> None:
    whole = header + BODY
    assert promised(whole) == len(whole)
    assert promised(whole[:-600]) == len(whole)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF123",
        b"RIFF" + struct.pack("<I", 0) + b"WAVE" + BODY,
        b"RIFF" + struct.pack("<I", 0xFFFF_FFFF) + b"WAVE" + BODY,
        b"RIFF" + struct.pack("<I", 0x7FFF_F024) + b"WAVE" + BODY,
        b".snd" + struct.pack(">II", 24, 0xFFFF_FFFF) + BODY,
        b"caff\0\1\0\0data" + struct.pack(">q", -1) + BODY,
        struct.pack(">I4s", 0, b"mdat") + BODY,
        struct.pack(">I4s", 24, b"ftyp") + bytes(16) + b"damage" * 99,
        b"fLaC" + BODY,
        b"OggS" + BODY,
        b"ID3" + BODY,
    ],
)
def test_what_was_streamed_is_damaged_or_does_not_say_promises_nothing(content: bytes) -> None:
    assert promised(content) is None


def test_a_real_wav_promises_exactly_what_it_holds() -> None:
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(BODY)
    assert promised(buffer.getvalue()) == len(buffer.getvalue())


def test_speech_that_ships_with_the_tests_is_complete() -> None:
    demo = (Path(__file__).parents[2] / "data" / "demo.flac").read_bytes()
    assert promised(demo) is None


@given(st.sampled_from([b"", b"RIFF\4\0\0\0WAVE", b"RF64", CAF, MP4, WAVE64, LARGE_BOX]), st.binary(max_size=200))
def test_whatever_the_bytes_are_the_answer_is_a_size_or_none(head: bytes, rest: bytes) -> None:
    size = promised(head + rest)
    assert size is None or size >= 0
