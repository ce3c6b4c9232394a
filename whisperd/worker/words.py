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
    tokenizer: Tokenizer, tokens: Sequence[int], alignment: Alignment, duration: float
) -> list[tuple[Word, int]]:
    """The words of `tokens` (text only) and how many tokens each is made of, in order."""
    texts, groups = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    entries: list[dict[str, Any]] = []
    first = 0
    for text, group in zip(texts[:-1], groups[:-1], strict=True):
        after = first + len(group)
        probabilities = alignment.probabilities[first:after]
        entries.append(
            {
                "word": text,
                "tokens": list(group),
                "start": alignment.starts[first] * POSITION_SECONDS,
                "end": alignment.starts[after] * POSITION_SECONDS,
                "probability": sum(probabilities) / len(probabilities),
            }
        )
        first = after
    merge_punctuations(entries, _PREPENDED, _APPENDED)
    return _in_order([entry for entry in entries if entry["word"]], duration)


def _in_order(entries: list[dict[str, Any]], duration: float) -> list[tuple[Word, int]]:
    words: list[tuple[Word, int]] = []
    earliest = 0.0
    for index, entry in enumerate(entries):
        start = min(max(entry["start"], earliest), duration)
        end = min(max(entry["end"], start), duration)
        if end - start > _LONGEST_WORD:
            # The first word's silence lies before it, any other's after it.
            start, end = (end - _LONGEST_WORD, end) if index == 0 else (start, start + _LONGEST_WORD)
        words.append((Word(start, end, entry["word"], entry["probability"]), len(entry["tokens"])))
        earliest = end
    return words
