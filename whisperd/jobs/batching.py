"""How chunks are grouped into decoding batches, and how large a batch may be.

Owns: those two pure rules. Leaves to others: making chunks (the worker) and measuring batch sizes (the worker's
calibration, kept in the store). The grouping of a block is stored with its plan, so that a resumed job decodes the very
same batches.
"""

from collections.abc import Sequence

from whisperd.frames import Chunk

MAX_BATCH_SECONDS = 10.0
"""Expected seconds of one decoding batch at most: what pausing, cancelling and one-lane dictation wait for."""

ON_CPU = 8
"""Chunks of a decoding batch on a CPU: `base` in int8 on two cores takes 1.4 s a chunk with eight or four, which the
worker divides among two streams, and 1.9 s with one. Larger ones gain nothing there."""

ON_ACCELERATOR = 8
"""The same on an accelerator before it was calibrated."""

LONGEST_CHUNK = 30.0
"""Seconds of audio in a chunk at most."""


def group(chunks: Sequence[Chunk], batch_size: int) -> tuple[tuple[int, ...], ...]:
    """Indices of the chunks in batches of at most `batch_size`, each of one audio context, in order of time."""
    by_context: dict[int, list[int]] = {}
    for index, chunk in enumerate(chunks):
        by_context.setdefault(chunk.context, []).append(index)
    batches = (
        tuple(indices[at : at + batch_size])
        for indices in by_context.values()
        for at in range(0, len(indices), batch_size)
    )
    return tuple(sorted(batches))


def cpu_batch_size(real_time_factor: float) -> int:
    """Chunks of a decoding batch on a CPU with a model of this speed; an even number, so that both of the worker's
    streams have as much to do, unless one chunk takes most of MAX_BATCH_SECONDS by itself."""
    size = bounded_batch_size(ON_CPU, real_time_factor * LONGEST_CHUNK)
    return size if size < 2 else size // 2 * 2


def bounded_batch_size(best: int, seconds_per_chunk: float) -> int:
    """The calibrated size, cut to what MAX_BATCH_SECONDS allows, at least 1."""
    if seconds_per_chunk <= 0:
        return max(1, best)
    return max(1, int(min(best, MAX_BATCH_SECONDS / seconds_per_chunk)))


def batch_deadline(expected: float, least: float) -> float:
    """Seconds after which a decoding batch counts as hung: ten times what was expected, at least `least`."""
    return max(least, 10.0 * expected)
