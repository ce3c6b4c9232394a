"""Two texts, word by word: which word of one stands for which of the other. Pure.

Owns: the alignment with the fewest errors (Levenshtein), and counting them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[int | None, int | None]
"""Places in the reference and in the hypothesis: one None is a word left out, or one put in."""


@dataclass(frozen=True)
class Alignment:
    """The pairs in order, with the words they are of."""

    reference: Sequence[str]
    hypothesis: Sequence[str]
    pairs: Sequence[Pair]

    @property
    def errors(self) -> int:
        return sum(not self.right(pair) for pair in self.pairs)

    @property
    def right_words(self) -> frozenset[int]:
        """Places in the reference of the words that were heard right."""
        return frozenset(pair[0] for pair in self.pairs if pair[0] is not None and self.right(pair))

    @property
    def left_out(self) -> frozenset[int]:
        """Places in the reference of the words that nothing stands for."""
        return frozenset(place for place, other in self.pairs if place is not None and other is None)

    def right(self, pair: Pair) -> bool:
        place, other = pair
        return place is not None and other is not None and self.reference[place] == self.hypothesis[other]


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> Alignment:
    """The alignment with the fewest words substituted, left out and put in."""
    width = len(hypothesis) + 1
    row = list(range(width))
    steps = [bytearray(b"<" * width)]
    for word in reference:
        above, row = row, [row[0] + 1] * width
        came = bytearray(b"^" * width)
        for j in range(1, width):
            same = above[j - 1] + (word != hypothesis[j - 1])
            out, put_in = above[j] + 1, row[j - 1] + 1
            if same <= out and same <= put_in:
                row[j], came[j] = same, 92  # a backslash: diagonally
            elif out <= put_in:
                row[j] = out
            else:
                row[j], came[j] = put_in, 60
        steps.append(came)
    return Alignment(reference, hypothesis, _walked_back(steps, len(reference), len(hypothesis)))


def _walked_back(steps: Sequence[bytearray], i: int, j: int) -> list[Pair]:
    pairs: list[Pair] = []
    while i or j:
        step = steps[i][j]
        if step == 92:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif step == 94:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]
