"""How chunks become decoding batches, and how large these may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.frames import Chunk
from whisperd.jobs.batching import MAX_BATCH_SECONDS, batch_deadline, bounded_batch_size, cpu_batch_size, group


def chunks(*contexts: int) -> list[Chunk]:
    return [Chunk(start=n * 1_000, end=n * 1_000 + 900, context=context) for n, context in enumerate(contexts)]


def test_chunks_of_one_context_are_batched_in_order_and_the_rest_is_the_last_batch() -> None:
    assert group(chunks(3_000, 3_000, 3_000, 3_000, 3_000), 2) == ((0, 1), (2, 3), (4,))


def test_chunks_of_different_contexts_never_share_a_batch() -> None:
    assert group(chunks(3_000, 600, 3_000, 600), 8) == ((0, 2), (1, 3))


def test_a_block_without_speech_has_no_batches() -> None:
    assert group([], 4) == ()


@given(st.lists(st.sampled_from([200, 600, 3_000]), max_size=40), st.integers(1, 9))
def test_every_chunk_is_in_exactly_one_batch_and_no_batch_is_too_large_or_mixed(
    contexts: list[int], batch_size: int
) -> None:
    block = chunks(*contexts)
    batches = group(block, batch_size)
    assert sorted(index for batch in batches for index in batch) == list(range(len(block)))
    for batch in batches:
        assert 1 <= len(batch) <= batch_size
        assert list(batch) == sorted(batch)
        assert len({block[index].context for index in batch}) == 1


@given(st.lists(st.sampled_from([200, 600, 3_000]), max_size=40), st.integers(1, 9))
def test_the_same_chunks_are_always_batched_in_the_same_way(contexts: list[int], batch_size: int) -> None:
    assert group(chunks(*contexts), batch_size) == group(chunks(*contexts), batch_size)


@pytest.mark.parametrize(
    ("real_time_factor", "size"),
    [(0.01, 8), (0.04, 8), (0.05, 6), (0.1, 2), (0.17, 1), (1.4, 1), (0.0, 8)],
    ids=["tiny", "at the limit", "three for each stream", "one for each", "one is most of it", "large", "not measured"],
)
def test_a_batch_on_a_cpu_keeps_both_streams_busy_and_is_soon_over(real_time_factor: float, size: int) -> None:
    assert cpu_batch_size(real_time_factor) == size


@pytest.mark.parametrize(
    ("best", "seconds_per_chunk", "size"),
    [(8, 1.0, 8), (8, 2.0, 5), (16, 0.1, 16), (4, 30.0, 1), (4, 0.0, 4), (0, 0.0, 1), (0, 1.0, 1)],
)
def test_a_batch_takes_ten_seconds_at_most_unless_a_single_chunk_takes_longer(
    best: int, seconds_per_chunk: float, size: int
) -> None:
    assert bounded_batch_size(best, seconds_per_chunk) == size


@given(st.integers(0, 64), st.floats(0, 1e6))
def test_a_batch_has_at_least_one_chunk_and_keeps_to_the_limit(best: int, seconds_per_chunk: float) -> None:
    size = bounded_batch_size(best, seconds_per_chunk)
    assert 1 <= size <= max(1, best)
    assert size == 1 or size * seconds_per_chunk <= MAX_BATCH_SECONDS


@pytest.mark.parametrize(("expected", "deadline"), [(0.0, 60.0), (5.9, 60.0), (6.0, 60.0), (10.0, 100.0)])
def test_a_batch_counts_as_hung_after_ten_times_what_was_expected_and_at_least_a_minute(
    expected: float, deadline: float
) -> None:
    assert batch_deadline(expected, least=60.0) == deadline
