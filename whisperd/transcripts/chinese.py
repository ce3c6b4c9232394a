"""Simplified or traditional characters: which texts of a result are Chinese, and the same result with them rewritten.

Owns: finding the texts and putting them back, pure, and whether the library that rewrites them is there. Leaves to
others: rewriting, which a worker does with a native library (`whisperd.worker.chinese`). Every text stays as long as it
was, character for character, so that words keep their places.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec

import msgspec

from whisperd.frames import ChunkResult, Segment
from whisperd.jobs.languages import CHINESE

MISSING = "the library OpenCC, which writes Chinese in simplified or traditional characters, is not installed"
HINT = "install whisperd's extra [chinese]: `pipx inject whisperd OpenCC`, or `pip install OpenCC` where it is"


def library_missing() -> bool:
    """Looks on the disk and imports nothing."""
    return find_spec("opencc") is None


def texts_of(results: Iterable[ChunkResult], language: str | None) -> tuple[str, ...]:
    """The Chinese texts of chunks that are in `language` where they have none of their own: of each segment the text,
    and its words as one text, since a character's other form may hang on its neighbours."""
    return tuple(text for result in results if _chinese(result, language) for text in _texts(result))


def with_texts(results: Sequence[ChunkResult], language: str | None, texts: Sequence[str]) -> tuple[ChunkResult, ...]:
    """The results with what `texts_of` found of them replaced by these, in the same order and of the same lengths."""
    following = iter(texts)
    return tuple(
        msgspec.structs.replace(result, segments=tuple(_rewritten(one, following) for one in result.segments))
        if _chinese(result, language)
        else result
        for result in results
    )


def _chinese(result: ChunkResult, language: str | None) -> bool:
    return (result.language or language) in CHINESE


def _texts(result: ChunkResult) -> Iterator[str]:
    for segment in result.segments:
        yield segment.text
        if segment.words:
            yield "".join(word.word for word in segment.words)


def _rewritten(segment: Segment, texts: Iterator[str]) -> Segment:
    text = next(texts)
    if not segment.words:
        return msgspec.structs.replace(segment, text=text)
    together, start = next(texts), 0
    words = list(segment.words)
    for index, word in enumerate(segment.words):
        end = start + len(word.word)
        words[index] = msgspec.structs.replace(word, word=together[start:end])
        start = end
    return msgspec.structs.replace(segment, text=text, words=tuple(words))
