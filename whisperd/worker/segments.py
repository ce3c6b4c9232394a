"""From a chunk's tokens to segments. Pure.

Owns: splitting at timestamps without losing text, and times that stay inside the chunk and never go backwards. Leaves
to others: the times of words (`words`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from whisperd.worker.model import POSITION_SECONDS


class Span(NamedTuple):
    """Tokens of one segment, timestamps included, with times in seconds from the chunk's beginning."""

    start: float
    end: float
    tokens: tuple[int, ...]


def split_tokens(tokens: Sequence[int], timestamp_begin: int, end_of_text: int, duration: float) -> list[Span]:
    """The segments of a chunk of `duration` seconds; every text token is in exactly one of them.

    A timestamp after text ends a segment, one before text begins it. Text without a beginning begins where the
    segment before it ended, and text without an end (the model was cut off, or left it out) ends with the chunk.
    """
    spans: list[Span] = []
    current: list[int] = []
    has_text = False
    start = end = 0.0
    for token in tokens:
        if token < timestamp_begin:
            if token < end_of_text:
                current.append(token)
                has_text = True
            continue
        time = min(max((token - timestamp_begin) * POSITION_SECONDS, end), duration)
        if has_text:
            end = max(time, start)
            spans.append(Span(start, end, (*current, token)))
            current, has_text, start = [], False, end
        else:
            current, start = [token], time
    if has_text:
        spans.append(Span(start, duration, tuple(current)))
    return spans
