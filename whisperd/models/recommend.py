"""Which of the measured models to use for what. Pure.

Owns: the limits below which a model is fast enough, and the sentence that says so. Leaves to others: measuring
(`whisperd.api.bench`).
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from whisperd.models.catalog import MODELS, TEST_MODEL, canonical

LATENCY: Final = 1.0
"""Seconds to wait for the text of a short dictation; longer feels like waiting for a machine."""

REAL_TIME_FACTOR: Final = 0.5
"""Seconds of computing a second of audio: an hour in half an hour, at most."""


class Measured(msgspec.Struct, frozen=True):
    """`real_time_factor` of a file, `latency` in seconds of a short dictation."""

    model: str
    real_time_factor: float
    latency: float


class Recommended(NamedTuple):
    kind: Literal["dictation", "file"]
    model: str
    reason: str


def recommend(measured: Sequence[Measured]) -> list[Recommended]:
    """The best model that is fast enough for dictation, and for files; the fastest where none is. For one and more.

    The best is the catalog's first; models that it does not have come after those, and `test-en` last.
    """
    ranks = {name: rank for rank, name in enumerate(MODELS)}
    ordered = sorted(
        measured, key=lambda each: (each.model == TEST_MODEL, ranks.get(canonical(each.model), len(ranks)))
    )
    return [
        _recommended("dictation", ordered, lambda each: each.latency, LATENCY, "{:.2f} s to a short dictation's text"),
        _recommended(
            "file", ordered, lambda each: each.real_time_factor, REAL_TIME_FACTOR, "{:.2f} s for a second of audio"
        ),
    ]


def _recommended(
    kind: Literal["dictation", "file"],
    ordered: Sequence[Measured],
    cost: Callable[[Measured], float],
    limit: float,
    words: str,
) -> Recommended:
    quick = next((each for each in ordered if cost(each) <= limit), None)
    taken = quick or min(ordered, key=cost)
    said = words.format(cost(taken))
    why = "the best one that is fast enough" if quick else "the fastest, though slow"
    return Recommended(kind, taken.model, f"{why}: {said}")
