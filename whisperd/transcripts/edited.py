"""A corrected text brought into the segments of its transcript, so that subtitles say what the person wrote.

Owns: which segment each word of the new text goes to. Leaves to others: keeping both texts (`whisperd.store`).
"""

import difflib
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from whisperd.frames import Segment
from whisperd.transcripts.transcript import Transcript
from whisperd.transcripts.words import UNSPACED_LETTER

MOST_COMPARISONS: Final = 20_000_000
"""Words of both texts, multiplied, that are compared one by one (some seconds at most); texts that differ in more are
laid out by their lengths."""

_PIECE: Final = re.compile(rf"\s*{UNSPACED_LETTER}|\s*(?:(?!{UNSPACED_LETTER})\S)+|\s+")
"""A word with the space before it; where words have no spaces between them, a character."""


def with_text(transcript: Transcript, text: str) -> Transcript:
    """The transcript with another text, its words in the segments of those that they stand for.

    A segment whose text changed loses what belongs to the old one: its words' times and its tokens.
    """
    segments = transcript.segments
    if not segments:
        whole = Segment(0.0, transcript.duration, text, 0.0, 0.0, 0.0, 0.0, 0, ())
        return msgspec.structs.replace(transcript, text=text, segments=(whole,) if text.strip() else ())
    old = [(piece, at) for at, segment in enumerate(segments) for piece in _PIECE.findall(segment.text)]
    new = _PIECE.findall(text)
    texts = [""] * len(segments)
    for piece, at in zip(new, _owners(old, new), strict=True):
        texts[at] += piece
    fitted = tuple(_fitted(segment, words) for segment, words in zip(segments, texts, strict=True))
    return msgspec.structs.replace(transcript, text=text, segments=fitted)


def _fitted(segment: Segment, text: str) -> Segment:
    if text.split() == segment.text.split():
        return segment
    return msgspec.structs.replace(segment, text=text, words=None, tokens=())


def _owners(old: Sequence[tuple[str, int]], new: Sequence[str]) -> list[int]:
    """For each new piece the segment that it goes to, never one before its predecessor's."""
    was, now = [piece.strip() for piece, _ in old], [piece.strip() for piece in new]
    shortest = min(len(was), len(now))
    head = next((n for n in range(shortest) if was[n] != now[n]), shortest)
    tail = next((n for n in range(shortest - head) if was[-1 - n] != now[-1 - n]), shortest - head)
    owners = [at for _, at in old[:head]]
    for first, last, start, end in _changes(was[head : len(was) - tail], now[head : len(now) - tail]):
        owners += [_owner(old, head + first, head + last, n / (end - start)) for n in range(end - start)]
    return owners + [at for _, at in old[len(old) - tail :]]


def _changes(was: Sequence[str], now: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Stretches `was[first:last]` and `now[start:end]` that correspond, equal ones word by word."""
    if len(was) * len(now) > MOST_COMPARISONS:
        return [(0, len(was), 0, len(now))]
    stretches = difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes()
    return [(first, last, start, end) for _, first, last, start, end in stretches]


def _owner(old: Sequence[tuple[str, int]], first: int, last: int, share: float) -> int:
    """The segment of the old piece at this share of a stretch; an insertion goes to the piece before it."""
    if not old:
        return 0
    place = first + int(share * (last - first)) if last > first else max(first - 1, 0)
    return old[place][1]
