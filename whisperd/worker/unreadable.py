"""Why FFmpeg could make nothing of a file, from its first bytes: what it is instead, and what to do.

Owns: telling playlists, text, archives, and media that are cut off from everything else that is no audio. Leaves to
others: whether a file can be read, which only opening it tells (`container`).
"""

import codecs
import re
import struct
from collections.abc import Callable
from typing import Final

_HEAD: Final = 1 << 16
"""Bytes of a file's beginning that are enough to tell."""

_MOST_BOXES: Final = 10_000
"""A fragmented mp4 has two boxes a fragment; damage must not make more of them."""

AGAIN: Final = "copy or download it again"
_CONVERT: Final = (
    "convert it: wav, mp3, flac, ogg, opus, m4a, aac, amr, wma and the sound of mp4, mkv, webm and avi can be read"
)
UNKNOWN_KIND: Final = "holds sound of a kind that can't be read", _CONVERT
"""What follows the name of a file that is whole as far as can be told, and a hint."""

_PLAYLIST: Final = re.compile(
    r"#EXTM3U|ffconcat version|\[playlist\]|<asx|<playlist|(<\?xml[^>]*>\s*)?<MPD", re.IGNORECASE
)
_WEB_PAGE: Final = re.compile(r"<!doctype html|<html", re.IGNORECASE)
_ARCHIVES: Final = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\xfd7zXZ\0")
_HEADERS: Final = (
    *(b"RIFF", b"RF64", b"riff", b"FORM", b"caff", b"fLaC", b"OggS", b"ID3", b"#!AMR"),
    *(b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75"),
)
"""How WAV, W64, AIFF, CAF, FLAC, Ogg, MP3, Matroska, AMR and ASF (WMA) begin."""

_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"moof", b"styp")
"""Boxes that an m4a, mp4 or mov begins with (ISO 14496-12)."""


def explain(read: Callable[[int, int], bytes], size: int) -> tuple[str, str]:
    """What follows the file's name in a message, and a hint, for a file of `size` bytes; `read(offset, count)` reads
    it."""
    head = read(0, _HEAD)
    if head[4:8] in _BOXES:
        if _has_index(read, size):
            return "is damaged: its index can't be read", AGAIN
        return (
            "is cut off: its index (moov), which most recorders write last, is missing",
            f"{AGAIN}; a recording that broke off can be repaired with a tool such as untrunc",
        )
    if head.startswith(_HEADERS):
        return "is cut off or damaged: nothing that can be read follows its header", AGAIN
    if head.startswith(_ARCHIVES):
        return "is an archive, not audio", "unpack it and give the audio inside"
    if not head.strip(b"\0"):
        return "holds nothing but zeros at its beginning", f"it was not wholly written; {AGAIN}"
    text = _text(head)
    if text is None:
        return "is not an audio file that can be read", _CONVERT
    text = text.lstrip("\ufeff \t\r\n")
    if _PLAYLIST.match(text):
        return "is a playlist, not audio", "give the audio files themselves; what a playlist names is not fetched"
    if _WEB_PAGE.match(text):
        return "is a web page, not audio", "an error or login page was saved in place of the audio; download it again"
    return "is a text file, not audio", "give the audio itself"


def _has_index(read: Callable[[int, int], bytes], size: int) -> bool:
    """Whether all of an m4a's, mp4's or mov's index is there: a box `moov` that ends within the file."""
    offset = 0
    for _ in range(_MOST_BOXES):
        header = read(offset, 16).ljust(16, b"\0")
        length, name, long_length = struct.unpack(">I4sQ", header)
        length = long_length if length == 1 else length or size - offset
        if name == b"moov":
            return offset + length <= size
        offset += max(length, 8)
        if offset >= size:
            break
    return False


def _text(head: bytes) -> str | None:
    """The bytes as text, without a character that their end cuts; None for what is no text."""
    encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None
    readable = all(character.isprintable() or character.isspace() or character == "\ufeff" for character in text)
    return text if readable else None
