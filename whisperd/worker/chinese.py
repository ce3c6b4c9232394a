"""Chinese in simplified or traditional characters, by OpenCC (the extra `[chinese]`).

Owns: calling the library. Leaves to others: which texts are Chinese (`whisperd.transcripts.chinese`). By its
configurations `t2s` and `s2tw`, which change characters only, never words: a text stays as long as it was.
"""

from collections.abc import Sequence
from typing import Final, Protocol, cast

from whisperd.frames import Chinese, FailureKind
from whisperd.worker.failures import WorkError

_CONFIGURATIONS: Final = {Chinese.SIMPLIFIED: "t2s", Chinese.TRADITIONAL: "s2tw"}
"""Traditional characters in their forms of Taiwan, where most of those live who write them."""


class Converter(Protocol):
    """What is used of the library, which has no types."""

    def convert(self, text: str) -> str: ...


def write_chinese(texts: Sequence[str], characters: Chinese) -> tuple[str, ...]:
    """Each text, as long as it was, in these characters. Raises WorkError where the library is missing."""
    try:
        from opencc import OpenCC  # the extra may be missing, and it is seldom needed
    except ImportError as error:
        raise WorkError(
            FailureKind.DEPENDENCY,
            f"Chinese can't be written in {characters} characters, because OpenCC can't be loaded: {error}",
            "install whisperd's extra [chinese], then retry: it goes on where it ended",
        ) from error
    library = cast("Converter", OpenCC(_CONFIGURATIONS[characters]))
    written = tuple(library.convert(text) for text in texts)
    assert [len(text) for text in written] == [len(text) for text in texts]
    return written
