"""Words as the index of transcripts has them, and what a person searches for in its terms.

Owns: cutting texts of scripts that are written without spaces, and the way from a query to an expression of SQLite's
FTS5. Leaves to others: the index (`whisperd.store.tables.transcripts`) and asking it (`whisperd.store.history`).

FTS5's `unicode61` takes what stands between spaces and punctuation for a word, which in scripts without spaces is a
whole sentence. So such text is given an invisible space (U+200B) between its characters: each is a word of its own,
and what a person searches there, of two characters or ten, is these words in a row. (The `trigram` tokenizer would
find nothing of under three characters, and has to read the lists of all trigrams of a rare word, which are common.)
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from whisperd.errors import InvalidParamsError

GAP: Final = "\u200b"
"""Put between characters; invisible, and a separator to `unicode61`."""

MAX_TERMS: Final = 32
SHORTEST_BEGINNING: Final = 3
"""Letters from which on a word also stands for the longer ones that begin with it."""

_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF), (0x1A20, 0x1AAF),  # Tai Le, New Tai Lue, Tai Tham
    (0x3005, 0x3007), (0x3041, 0x30FF), (0x3105, 0x312F), (0x31F0, 0x31FF), (0xFF66, 0xFF9F),  # kana, Bopomofo
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFD),  # Han
    (0x3131, 0x318E), (0xAC00, 0xD7A3),  # Hangul: spaced, but its words carry their particles
)  # fmt: skip


def _letters_of(ranges: Iterable[tuple[int, int]]) -> str:
    """A character class of the letters in these ranges: what begins a character there, marks left out."""
    parts: list[str] = []
    for first, last in ranges:
        if first >= 0x3000:  # there, all are letters but the voicing marks of kana, which follow one
            parts.append(f"{chr(first)}-{chr(last)}")
        else:
            parts += [chr(code) for code in range(first, last + 1) if unicodedata.category(chr(code))[0] == "L"]
    return "".join(parts)


UNSPACED_LETTER: Final = f"(?:(?![\u3099\u309a\uff9e\uff9f])[{_letters_of(_UNSPACED)}])"
"""A regular expression for a letter of a script that is written without spaces."""

_BETWEEN: Final = re.compile(rf"(?<=\S)(?={UNSPACED_LETTER})|(?<=[{_letters_of(_UNSPACED)}])(?=[^\W_])")
_UNSPACED_TEXT: Final = re.compile(UNSPACED_LETTER)
_TERM: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_WORD: Final = re.compile(r"[^\W_]")


def segmented(text: str) -> str | None:
    """The text with gaps between the words that it has no spaces between; None where it needs none."""
    composed = unicodedata.normalize("NFC", text)
    if _UNSPACED_TEXT.search(composed):
        composed = _BETWEEN.sub(GAP, composed)
    return None if composed == text else composed


def expression(query: str) -> str:
    """The query for FTS5: every term must occur, a quoted one as these words in this order.

    A word of `SHORTEST_BEGINNING` letters or more that is not quoted also stands for longer ones. Raises
    InvalidParamsError when there is no word in it, or too many.
    """
    terms = [term for quoted, plain in _TERM.findall(query) if (term := _term(quoted or plain, bool(quoted)))]
    if not terms:
        raise InvalidParamsError("params.query has no word to search for", hint="punctuation is not searched")
    if len(terms) > MAX_TERMS:
        raise InvalidParamsError(f"params.query has {len(terms)} words; at most {MAX_TERMS} can be searched for")
    return " AND ".join(terms)


def _term(words: str, quoted: bool) -> str | None:
    if not _WORD.search(words):
        return None
    cut = segmented(words) or words
    last = re.split(r"[\W_]+", cut.rstrip())[-1]
    begins = not quoted and len(last) >= SHORTEST_BEGINNING and not _UNSPACED_TEXT.search(last)
    text = cut.replace("\0", " ")  # the only character that an FTS5 string can't have; quotes end a term before
    return f'"{text}"{"*" if begins else ""}'
