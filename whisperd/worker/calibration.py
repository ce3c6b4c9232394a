"""How many chunks to decode at once on this machine: measured, since on few cores larger batches are slower.

Owns: the choice from measured times, and the order of trials within a budget. Time is told by a function, so that the
rule can be tested without a model.
"""

from collections.abc import Callable
from typing import Final

SIZES: Final = (1, 2, 4, 8, 16)
"""Batch sizes that are tried, smallest first."""

_WORSE: Final = 1.05
"""A larger batch whose seconds a chunk exceed the best by this factor ends the trials: it won't get better again."""


def calibrate(seconds_for: Callable[[int, int], float], available: int, budget: float) -> tuple[int, dict[int, float]]:
    """The batch size to use, and seconds a chunk by size.

    `seconds_for(size, count)` decodes the first `count` chunks in batches of `size` and says how long it took; all
    sizes are given the same chunks, of which there are `available`. Trials stop when the next would exceed `budget`
    seconds. A single chunk is decoded first and not counted: the first run also pays for buffers and code paths.
    """
    spent = seconds_for(1, 1)
    count = _chunks_to_use(spent, available, budget)
    seconds: dict[int, float] = {}
    for size in SIZES:
        a_chunk = min(seconds.values(), default=spent)
        if size > count or (seconds and spent + a_chunk * count > budget):
            break
        taken = seconds_for(size, count)
        spent += taken
        seconds[size] = taken / count
        if seconds[size] > min(seconds.values()) * _WORSE:
            break
    return min(seconds, key=lambda size: seconds[size]), {size: round(value, 4) for size, value in seconds.items()}


def _chunks_to_use(first: float, available: int, budget: float) -> int:
    """The largest batch size for which every smaller one can be tried on as many chunks within the budget."""
    fitting = [size for size in SIZES if size <= available and first * (1 + size * (SIZES.index(size) + 1)) <= budget]
    return fitting[-1] if fitting else 1
