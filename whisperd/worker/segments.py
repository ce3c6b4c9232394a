"""From words to segments. Pure.

Owns: where a segment ends: with a sentence, and at a pause. Leaves to others: the times of words (`words`).
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from whisperd.worker.words import TimedWord

PAUSE: Final = 0.8
"""Seconds between two words from which they are in two segments: a breath between sentences, longer than most
hesitations within one."""

_SENTENCE_END: Final = re.compile(r"[.?!…。？！।؟][\"'”’»)\]」』）》]*$")
"""The marks that end a sentence, with what may close after them: Latin, Chinese and Japanese, Devanagari, Arabic."""

_ABBREVIATION: Final = re.compile(r"^\W*(?:\w|[A-Z]\w{0,2}|(?:\w\.)+\w)\.$")
"""A single letter, a short word with a capital (Mr., Dr., Prof. has four and ends a segment), letters with full stops
between them (e.g.): a full stop behind these seldom ends a sentence."""


def split_words(words: Sequence[TimedWord]) -> list[list[TimedWord]]:
    """The words in segments; each is in exactly one of them, in their order. None is empty."""
    if not words:
        return []
    segments = [[words[0]]]
    for word, following in pairwise(words):
        if _ends_segment(word, following):
            segments.append([])
        segments[-1].append(following)
    return segments


def _ends_segment(word: TimedWord, following: TimedWord) -> bool:
    if following.start - word.end >= PAUSE:
        return True
    text = word.text.strip()
    return bool(_SENTENCE_END.search(text)) and not _ABBREVIATION.match(text)


def joined(words: Iterable[TimedWord]) -> str:
    """Their text: words carry the spaces between them."""
    return "".join(word.text for word in words)
