"""Token times from attention: the path through it, and its edges."""

import numpy as np
import pytest

from whisperd.worker.alignment import token_starts


def attention(tokens: int, positions: int, heard: list[tuple[int, int]]) -> np.ndarray:
    """Scores of one head that is sure where each token is heard: `heard` are its first and last position."""
    scores = np.full((1, tokens, positions), -4.0, np.float32)
    for token, (first, last) in enumerate(heard):
        scores[0, token, first : last + 1] = 4.0
    return scores


def test_tokens_begin_where_they_are_heard() -> None:
    heard = [(0, 9), (10, 29), (30, 49), (50, 59)]
    assert token_starts(attention(4, 60, heard), 0) == (0, 10, 30)


def test_what_stands_before_the_text_has_no_times() -> None:
    heard = [(0, 3), (0, 9), (10, 29), (30, 59)]
    assert len(token_starts(attention(4, 60, heard), 1)) == 2


@pytest.mark.parametrize(("tokens", "positions"), [(3, 1), (3, 3), (2, 2), (40, 8)])
def test_less_audio_than_the_filter_looks_at_still_gives_every_token_a_time(tokens: int, positions: int) -> None:
    scores = np.random.default_rng(1).normal(size=(2, tokens, positions)).astype(np.float32)
    starts = token_starts(scores, 0)
    assert len(starts) == tokens - 1
    assert all(0 <= start < positions for start in starts)
    assert list(starts) == sorted(starts)


def test_attention_that_is_the_same_everywhere_is_no_error() -> None:
    assert len(token_starts(np.zeros((1, 4, 20), np.float32), 0)) == 3
