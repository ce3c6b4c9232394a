"""Whether every stretch of speech has its words. Pure.

Owns: finding speech that no word covers, joining what a second look at it gave with what was there, and which words are
not kept because nobody speaks. Times are seconds from the window's beginning.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from whisperd.frames import SAMPLE_RATE
from whisperd.worker.window import PADDING, Span
from whisperd.worker.words import TimedWord

SHORTEST: Final = 0.4
"""Seconds of speech without a word that are looked at again; less is the end of a word, a breath or a cough."""

SHORTEST_STRETCH: Final = 0.3
"""The same where nothing else is said in the stretch: a short word that stands alone."""

_PADDING: Final = PADDING / SAMPLE_RATE

_BESIDE: Final = 0.15
"""Seconds around a word that it covers too: alignments are that inexact."""

_LONGEST: Final = 0.3
_SLOWEST: Final = 0.12
"""Seconds that a word covers at most, and each letter of it in addition: slow speech has 8 letters a second. More of a
word's time is speech that was left out, which an alignment has to give to somebody."""


def uncovered(words: Sequence[TimedWord], speech: Sequence[Span]) -> list[Span]:
    """The speech that no word covers, in order."""
    return [span for stretch in speech for span in _uncovered_in(words, stretch)]


def _uncovered_in(words: Sequence[TimedWord], stretch: Span) -> list[Span]:
    covers = [_cover(word) for word in words if word.start < stretch.end and word.end > stretch.start]
    if not covers:
        return [stretch] if stretch.seconds >= SHORTEST_STRETCH else []
    found: list[Span] = []
    position = stretch.start
    for start, end in [*covers, Span(stretch.end, stretch.end)]:
        if start - position >= SHORTEST:
            found.append(Span(position, start))
        position = max(position, end)
    return found


def gaps(words: Sequence[TimedWord], speech: Sequence[Span]) -> list[Span]:
    """The uncovered speech, joined where no word lies between: each from the beginning of its first stretch to the end
    of its last."""
    joined: list[Span] = []
    for span in uncovered(words, speech):
        if joined and not any(joined[-1].end <= word.start < span.start for word in words):
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined


def surroundings(gap: Span, speech: Sequence[Span], duration: float) -> Span:
    """What a gap is decoded with: the silence around it as far as padding goes, and none of its neighbours' speech but
    where the gap begins or ends in the middle of a stretch."""
    start, end = gap.start - _PADDING, gap.end + _PADDING
    for stretch in speech:
        if stretch.end <= gap.start:
            start = max(start, stretch.end)
        elif stretch.start >= gap.end:
            end = min(end, stretch.start)
        else:
            start = max(start, gap.start - _BESIDE) if stretch.start < gap.start else start
            end = min(end, gap.end + _BESIDE) if stretch.end > gap.end else end
    return Span(max(0.0, start), min(duration, end))


def _cover(word: TimedWord) -> Span:
    longest = _LONGEST + _SLOWEST * len(word.text.strip())
    return Span(word.start - _BESIDE, min(word.end, word.start + longest) + _BESIDE)


def coverage(words: Sequence[TimedWord], speech: Sequence[Span]) -> float:
    """The share of the speech that is covered, 0 to 1; 1 where there is no speech of any length."""
    total = sum(stretch.seconds for stretch in speech)
    return 1.0 if total <= 0 else 1.0 - sum(span.seconds for span in uncovered(words, speech)) / total


def spoken(words: Sequence[TimedWord]) -> list[TimedWord]:
    """The words without those before the first and after the last that somebody says: what a model writes into the
    silence at a window's ends, such as thanks for watching."""
    said = [index for index, word in enumerate(words) if word.spoken]
    return list(words[said[0] : said[-1] + 1]) if said else []


def with_found(words: Sequence[TimedWord], found: Sequence[TimedWord], gap: Span) -> list[TimedWord]:
    """The words with those that were found in the gap; what it was decoded with at its borders is there already."""
    inside = [word for word in found if gap.start - _BESIDE <= (word.start + word.end) / 2 <= gap.end + _BESIDE]
    before = [replace(word, end=min(word.end, gap.start)) for word in words if word.start < gap.start]
    after = [word for word in words if word.start >= gap.start]
    if inside and before and bare(inside[0].text) == bare(before[-1].text) and inside[0].start < gap.start + _BESIDE:
        inside = inside[1:]
    if inside and after and bare(inside[-1].text) == bare(after[0].text) and inside[-1].end > gap.end - _BESIDE:
        inside = inside[:-1]
    return _in_order([*before, *inside, *after])


def _in_order(words: Sequence[TimedWord]) -> list[TimedWord]:
    """Without overlaps: a word that reaches into the next one ends where that begins."""
    ordered: list[TimedWord] = []
    for index, word in enumerate(words):
        start = max(word.start, ordered[-1].end if ordered else 0.0)
        end = max(start, min(word.end, words[index + 1].start) if index + 1 < len(words) else word.end)
        ordered.append(replace(word, start=start, end=end))
    return ordered


def bare(text: str) -> str:
    """Letters, marks and digits alone: with marks, since they are the vowels of many scripts."""
    return "".join(character for character in text.casefold() if unicodedata.category(character)[0] in "LMN")
