"""From cross-attention to token times: normalization, median filter, dynamic time warping.

Owns: the arithmetic of openai-whisper's word timing as CTranslate2 does it (`whisper.cc`, `dtw.cc`), on NumPy arrays.
Leaves to others: computing the attention (`torch_network`) and making words (`words`).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MEDIAN_WIDTH: Final = 7
"""Positions that the median filter looks at."""

_DIAGONAL: Final = 0
_UP: Final = 1
_LEFT: Final = 2


def token_starts(scores: Floats, before: int) -> tuple[int, ...]:
    """For every token from row `before` on, but the last, the position where it begins.

    `scores` are attention scores before the softmax, shape `(heads, tokens, positions)`.
    """
    weights = _median_filtered(_standardized(_softmax(scores))).mean(axis=0, dtype=np.float32)
    return _first_positions(weights[before:-1])


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _standardized(weights: Floats) -> Floats:
    """Each position's attention compared over the tokens: mean 0, deviation 1."""
    deviation = weights.std(axis=-2, keepdims=True)
    return (weights - weights.mean(axis=-2, keepdims=True)) / np.where(deviation > 0, deviation, np.float32(1))


def _median_filtered(weights: Floats) -> Floats:
    """Median of the neighbouring positions, mirrored at both ends; as it is where there are too few."""
    reach = MEDIAN_WIDTH // 2
    if weights.shape[-1] <= reach:
        return weights
    padded = np.pad(weights, ((0, 0), (0, 0), (reach, reach)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, MEDIAN_WIDTH, axis=-1)
    return np.partition(windows, reach, axis=-1)[..., reach]


def _first_positions(weights: Floats) -> tuple[int, ...]:
    """The first position of each row on the path of the highest sum through `(tokens, positions)`."""
    trace = _trace(-weights)
    token, position = weights.shape
    firsts = [0] * token
    while token > 0 and position > 0:
        firsts[token - 1] = position - 1
        step = trace[token, position]
        if step != _LEFT:
            token -= 1
        if step != _UP:
            position -= 1
    return tuple(firsts)


def _trace(cost: Floats) -> NDArray[np.int8]:
    """How the cheapest path reaches each cell; row and column 0 lie before the first cell.

    Cells of one diagonal depend on the two before only, so that they are computed together.
    """
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf, np.float32)
    total[0, 0] = 0
    trace = np.full((rows + 1, columns + 1), _LEFT, np.int8)
    trace[1:, 0] = _UP
    for diagonal in range(2, rows + columns + 1):
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1, dtype=np.intp)
        j = np.subtract(diagonal, i)
        both, up, left = total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]
        step = np.where((both < up) & (both < left), _DIAGONAL, np.where((up < both) & (up < left), _UP, _LEFT))
        trace[i, j] = step
        total[i, j] = cost[i - 1, j - 1] + np.choose(step, (both, up, left))
    return trace
