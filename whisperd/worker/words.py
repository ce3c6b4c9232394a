"""When each word was said. Pure, given an alignment and where somebody speaks.

Owns: joining tokens into words (faster-whisper's tokenizer and punctuation rules) and giving them times that stay
inside their window, in order, and where there is speech. Times are seconds from the window's beginning.

An alignment divides a window among the tokens without a rest, so that each word is also given the pause behind it, the
first one the silence before it, and now and then a word begins in the sound of the one before the pause. Voice activity
knows pauses better: a word is said in one stretch of speech, the first of its share that has room for it.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingTypeArgument=false

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations

from whisperd.worker.model import POSITION_SECONDS, Alignment
from whisperd.worker.window import Span

_PREPENDED: Final = "\"'“¿([{-"
_APPENDED: Final = "\"'.。,，!！?？:：”)]}、」』）》"
"""Punctuation that belongs to the next and to the last word: the reference implementation's sets, and the brackets that
close in Chinese and Japanese, where each character is a word: none begins a segment."""

_LONGEST_WORD: Final = 0.7 * 2
"""Seconds: the reference implementation takes the median word, at most 0.7 s, as its measure and twice it as the
limit."""

_LATE_ONSET: Final = 0.5
"""Seconds by which the first word of a stretch of speech may be said to begin too late: it begins with the stretch."""

_ROOM: Final = 0.3
"""Seconds of speech in which there is room for a word: of several such stretches in its share it is said in the first,
and the others were left out of the text."""

_NO_ROOM: Final = 0.1
"""Seconds at the end of a stretch in which no word begins: what begins there and reaches to the next stretch is said
after the pause. Alignments and voice activity differ by as much."""


@dataclass(frozen=True)
class TimedWord:
    """A word as it stands in the text, space and punctuation included. `spoken`: somebody speaks while it is said."""

    start: float
    end: float
    text: str
    tokens: tuple[int, ...]
    probability: float
    spoken: bool = True

    def later(self, seconds: float) -> "TimedWord":
        return replace(self, start=self.start + seconds, end=self.end + seconds)


def timed_words(
    tokenizer: Tokenizer, tokens: Sequence[int], alignment: Alignment, speech: Sequence[Span], duration: float
) -> tuple[TimedWord, ...]:
    """The words of a window of `duration` seconds with the text `tokens`; `speech` is in order, none where it is not
    known."""
    entries: list[dict[str, Any]] = []
    words, groups = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    place = 0
    for word, group in zip(words[:-1], groups[:-1], strict=True):
        after = place + len(group)
        entries.append(
            {
                "word": word,
                "tokens": list(group),
                "start": alignment.starts[place] * POSITION_SECONDS,
                "end": alignment.starts[after] * POSITION_SECONDS,
                "probabilities": list(alignment.probabilities[place:after]),
            }
        )
        place = after
    merge_punctuations(entries, _PREPENDED, _APPENDED)
    return tuple(_in_order([entry for entry in entries if entry["word"]], speech, duration))


def _in_order(entries: list[dict[str, Any]], speech: Sequence[Span], duration: float) -> list[TimedWord]:
    words: list[TimedWord] = []
    earliest = 0.0
    for index, entry in enumerate(entries):
        start = min(max(entry["start"], earliest), duration)
        span, spoken = _place(Span(start, min(max(entry["end"], start), duration)), speech, earliest)
        if span.seconds > _LONGEST_WORD:
            # What was not written down is given to the word before it, or to the first one.
            span = (
                Span(span.end - _LONGEST_WORD, span.end) if index == 0 else Span(span.start, span.start + _LONGEST_WORD)
            )
        probabilities = entry["probabilities"]
        words.append(
            TimedWord(*span, entry["word"], tuple(entry["tokens"]), sum(probabilities) / len(probabilities), spoken)
        )
        earliest = span.end
    return words


def _place(share: Span, speech: Sequence[Span], earliest: float) -> tuple[Span, bool]:
    """Where in its share of the alignment a word is said, and whether anybody speaks there."""
    if not speech:
        return share, True
    share = _after_the_pause(share, speech)
    said = [
        (Span(max(share.start, stretch.start), min(share.end, stretch.end)), stretch)
        for stretch in speech
        if stretch.start < share.end and stretch.end > share.start
    ]
    if not said:
        near = any(
            stretch.start - _LATE_ONSET < share.end and share.start < stretch.end + _LATE_ONSET for stretch in speech
        )
        return share, near
    span, stretch = max(said, key=lambda pair: (min(pair[0].seconds, _ROOM), -pair[0].start))
    if earliest <= stretch.start < span.start <= stretch.start + _LATE_ONSET:
        span = Span(stretch.start, span.end)
    return span, True


def _after_the_pause(share: Span, speech: Sequence[Span]) -> Span:
    """The share from the next stretch on, where it is given the last sound of one and the whole pause behind it."""
    for stretch, following in pairwise(speech):
        if stretch.end - _NO_ROOM < share.start < stretch.end and share.end > following.start - _NO_ROOM:
            return Span(following.start, max(share.end, following.start))
    return share
