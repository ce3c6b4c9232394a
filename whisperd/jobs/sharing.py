"""How many chunks of several files to decode as one: learned from the decoding itself. Pure.

Owns: where sharing is allowed, and the choice of a size from what earlier ones took. Sizes are tried on real work, so
that finding out costs next to nothing; results do not depend on it. Leaves to others: gathering chunks
(`whisperd.mates`) and keeping what was learned (`whisperd.store.measurements`).
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from whisperd.frames import Loaded
from whisperd.jobs.batching import MAX_BATCH_SECONDS

SIZES: Final = (1, 2, 4, 8)
"""Chunks decoded as one. Up to eight it is held by a test that mates change no bit."""

TRIAL: Final = 16
"""Chunks after which a size counts as tried: a chunk's time goes with what is said in it."""

_WORSE: Final = 1.05
"""Seconds a chunk of a larger size, relative to the best, from which still larger ones are not tried."""

_HOPELESS: Final = 1.25
"""The same while the larger size is being tried: a few chunks tell only so much."""


class Timed(msgspec.Struct, frozen=True):
    """Chunks that were decoded with one size, and the seconds it took."""

    chunks: int = 0
    seconds: float = 0.0

    @property
    def per_chunk(self) -> float:
        return self.seconds / self.chunks

    def plus(self, chunks: int, seconds: float) -> "Timed":
        return Timed(self.chunks + chunks, self.seconds + seconds)


def mates_change_nothing(loaded: Loaded) -> bool:
    """Whether a chunk's result is the same to the last bit whatever else is decoded with it: CTranslate2's int8 on a
    CPU, where each row is quantized by itself and sums are of integers; in float32 a batch of one differs from more."""
    return loaded.backend == "ctranslate2" and loaded.device == "cpu" and loaded.compute_type.startswith("int8")


def next_size(tried: Mapping[int, Timed]) -> int:
    """The chunks to decode as one: the size that was tried least, and once all have been tried the best.

    Sizes are tried in turns, so that neither a machine that slows down nor files that get longer meet one of them
    alone. A size takes part once a smaller one was tried, unless that was worse than a still smaller one, or the batch
    would take longer than a decoding batch may.
    """
    best: int | None = None
    trying: list[int] = []
    for size in SIZES:
        if best is not None and tried[best].per_chunk * size > MAX_BATCH_SECONDS:
            break
        timed = tried.get(size, Timed())
        if timed.chunks < TRIAL:
            trying.append(size)
        if timed.chunks == 0:
            break
        worse = _WORSE if timed.chunks >= TRIAL else _HOPELESS
        if best is not None and timed.per_chunk > tried[best].per_chunk * worse:
            break
        if best is None or timed.per_chunk < tried[best].per_chunk:
            best = size
    if trying:
        return min(trying, key=lambda size: tried.get(size, Timed()).chunks)
    assert best is not None  # the first size is one of those that are tried
    return best


def size_of(chunks: int) -> int:
    """The size that a batch of so many chunks counts as."""
    return max(size for size in SIZES if size <= chunks)
