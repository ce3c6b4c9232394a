"""How many chunks of several files are decoded as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.frames import Loaded
from whisperd.jobs.company import company_of
from whisperd.jobs.job import Format, Options
from whisperd.jobs.sharing import SIZES, TRIAL, Timed, mates_change_nothing, next_size, size_of


def tried(**seconds: float) -> dict[int, Timed]:
    """`x4=0.5`: a trial of batches of 4, at half a second a chunk."""
    return {int(size[1:]): Timed(TRIAL, TRIAL * value) for size, value in seconds.items()}


@pytest.mark.parametrize(
    ("times", "size"),
    [
        ({}, 1),
        (tried(x1=1.0), 2),
        (tried(x1=1.0, x2=0.9), 4),
        (tried(x1=1.0, x2=1.02), 4),
        (tried(x1=1.0, x2=1.2), 1),
        (tried(x1=1.0, x2=0.8, x4=0.7, x8=0.75), 4),
        (tried(x1=1.0, x2=0.8, x4=0.7, x8=0.6), 8),
        (tried(x1=6.0), 1),
    ],
)
def test_sizes_are_tried_from_the_smallest_until_they_are_worse_or_too_long(times: dict[int, Timed], size: int) -> None:
    assert next_size(times) == size


@pytest.mark.parametrize(
    ("times", "size"),
    [
        ({1: Timed(1, 1.0)}, 2),
        ({1: Timed(1, 1.0), 2: Timed(2, 2.2)}, 4),
        ({1: Timed(1, 1.0), 2: Timed(2, 3.0)}, 1),
        ({1: Timed(3, 3.0), 2: Timed(2, 3.0)}, 2),
        ({1: Timed(1, 1.0), 2: Timed(2, 2.0), 4: Timed(4, 4.0), 8: Timed(8, 8.0)}, 1),
        ({1: Timed(TRIAL, 16.0), 2: Timed(8, 8.0), 4: Timed(4, 4.0), 8: Timed(8, 8.0)}, 4),
    ],
    ids=["a first look at two", "then at four", "hopeless so far", "not given up yet", "in turns", "the least tried"],
)
def test_sizes_are_tried_in_turns(times: dict[int, Timed], size: int) -> None:
    assert next_size(times) == size


@given(st.lists(st.floats(0.01, 20), min_size=len(SIZES), max_size=len(SIZES)))
def test_trying_comes_to_rest_on_a_size_that_is_no_worse_than_one_by_one(costs: list[float]) -> None:
    cost = dict(zip(SIZES, costs, strict=True))
    times: dict[int, Timed] = {}
    chunks = 0
    while times.get(size := next_size(times), Timed()).chunks < TRIAL:
        times[size] = times.get(size, Timed()).plus(size, size * cost[size])
        chunks += size
    assert chunks <= (TRIAL + max(SIZES)) * len(SIZES)
    assert next_size(times) == size
    assert cost[size] <= cost[1] * 1.001


@given(st.dictionaries(st.sampled_from(SIZES), st.builds(Timed, st.integers(1, 64), st.floats(0.01, 1000))))
def test_there_is_always_a_size_and_what_was_decoded_counts_as_one_no_larger(times: dict[int, Timed]) -> None:
    assert next_size(times) in SIZES
    assert size_of(next_size(times)) == next_size(times)
    assert [size_of(chunks) for chunks in (1, 3, 7, 9)] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("backend", "device", "compute_type", "allowed"),
    [
        ("ctranslate2", "cpu", "int8", True),
        ("ctranslate2", "cpu", "int8_float32", True),
        ("ctranslate2", "cpu", "float32", False),
        ("ctranslate2", "cuda", "int8_float16", False),
        ("torch", "cpu", "int8", False),
    ],
)
def test_files_share_decoding_batches_only_where_mates_change_no_bit(
    backend: str, device: str, compute_type: str, allowed: bool
) -> None:
    loaded = Loaded("f", backend, device, compute_type, threads=2, multilingual=False, seconds=0.0)
    assert mates_change_nothing(loaded) is allowed


def test_jobs_are_of_one_company_whatever_files_are_written_of_them() -> None:
    plain = Options(model="small", language="en")
    written = Options(model="small", language="en", formats=(Format.SRT,), output_dir="/out")
    assert company_of("batch 1", plain) == company_of("batch 1", written)
    others = [company_of("batch 2", plain), company_of("batch 1", Options(model="small", language="de"))]
    assert company_of("batch 1", plain) not in others
