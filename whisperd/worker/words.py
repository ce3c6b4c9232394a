"""When each word was said. Pure, given an alignment.

Owns: joining tokens into words (faster-whisper's tokenizer and punctuation rules) and giving them times that stay
inside their chunk and in order. Times are seconds from the chunk's beginning.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingTypeArgument=false

from collections.abc import Sequence
from typing import Any, Final

from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations

from whisperd.frames import Word
from whisperd.worker.model import POSITION_SECONDS, Alignment

_PREPENDED: Final = "\"'“¿([{-"
_APPENDED: Final = "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the next and to the last word: the reference implementation's sets."""

_LONGEST_WORD: Final = 0.7 * 2
"""Seconds: the reference implementation takes the median word, at most 0.7 s, as its measure and twice it as the
limit. Alignment gives the silence before a word to it, and the silence after the last one too."""


def timed_words(
    tokenizer: Tokenizer, texts: Sequence[Sequence[int]], alignment: Alignment, duration: float
) -> list[list[Word]]:
    """The words of each segment, given its text tokens; `alignment` is of all of them together.

    Each segment is divided by itself, so that its words are its text, whatever the one before it ends with.
    """
    segments: list[list[dict[str, Any]]] = []
    first = 0
    for text in texts:
        entries: list[dict[str, Any]] = []
        words, groups = tokenizer.split_to_word_tokens([*text, tokenizer.eot])
        place = first
        for word, group in zip(words[:-1], groups[:-1], strict=True):
            after = place + len(group)
            probabilities = alignment.probabilities[place:after]
            entries.append(
                {
                    "word": word,
                    "tokens": list(group),
                    "start": alignment.starts[place] * POSITION_SECONDS,
                    "end": alignment.starts[after] * POSITION_SECONDS,
                    "probability": sum(probabilities) / len(probabilities),
                }
            )
            place = after
        merge_punctuations(entries, _PREPENDED, _APPENDED)
        segments.append([entry for entry in entries if entry["word"]])
        first += len(text)
    ordered = iter(_in_order([entry for entries in segments for entry in entries], duration))
    return [[next(ordered) for _ in entries] for entries in segments]


def _in_order(entries: list[dict[str, Any]], duration: float) -> list[Word]:
    words: list[Word] = []
    earliest = 0.0
    for index, entry in enumerate(entries):
        start = min(max(entry["start"], earliest), duration)
        end = min(max(entry["end"], start), duration)
        if end - start > _LONGEST_WORD:
            # The first word's silence lies before it, any other's after it.
            start, end = (end - _LONGEST_WORD, end) if index == 0 else (start, start + _LONGEST_WORD)
        words.append(Word(start, end, entry["word"], entry["probability"]))
        earliest = end
    return words
