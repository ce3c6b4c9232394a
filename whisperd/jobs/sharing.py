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
    """The chunks to decode as one: the smallest size that was not tried yet, unless the one before it was worse than a
    smaller one; then the best, as far as its batch takes no longer than a decoding batch may."""
    best: int | None = None
    for size in SIZES:
        timed = tried.get(size, Timed())
        too_long = best is not None and tried[best].per_chunk * size > MAX_BATCH_SECONDS
        if too_long:
            break
        if timed.chunks < TRIAL:
            return size
        if best is not None and timed.per_chunk > tried[best].per_chunk * _WORSE:
            break
        if best is None or timed.per_chunk < tried[best].per_chunk:
            best = size
    assert best is not None  # the first size is either tried or returned
    return best


def size_of(chunks: int) -> int:
    """The size that a batch of so many chunks counts as."""
    return max(size for size in SIZES if size <= chunks)
