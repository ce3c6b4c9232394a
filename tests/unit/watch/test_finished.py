"""The one rule that says when a file is finished."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from whisperd.jobs.version import Version
from whisperd.watch.finished import BLIND_SETTLE, MAX_RECHECK, PATIENCE, Finished, Observation, Settling, observe

ONE = Version(1, 2, 3, 4)
GROWN = Version(1, 2, 30, 40)


def seen(
    at: float, version: Version = ONE, *, age: float | None = None, written: bool | None = False, missing: int = 0
) -> Observation:
    return Observation(version, at, age, written, missing)


def test_a_file_is_finished_once_it_has_not_changed_for_the_settle_time() -> None:
    first = observe(None, seen(10.0), 2.0)
    assert first == Settling(ONE, 10.0, 0, 12.0, "it has only just changed")
    assert isinstance(observe(first, seen(11.9), 2.0), Settling)
    assert observe(first, seen(12.0), 2.0) == Finished(ONE)


def test_a_change_begins_the_settle_time_anew() -> None:
    first = observe(None, seen(10.0), 2.0)
    assert isinstance(first, Settling)
    grown = observe(first, seen(11.9, GROWN), 2.0)
    assert grown == Settling(GROWN, 11.9, 0, 13.9, "it has only just changed")


def test_a_file_that_has_long_been_as_it_is_needs_no_second_look() -> None:
    assert observe(None, seen(10.0, age=3600.0), 2.0) == Finished(ONE)


def test_a_change_in_the_future_counts_for_nothing() -> None:
    assert observe(None, seen(10.0, age=-3600.0), 2.0) == observe(None, seen(10.0), 2.0)


def test_a_file_that_is_open_for_writing_is_never_finished_however_long_it_rests() -> None:
    state = observe(None, seen(0.0, age=86_400.0, written=True), 2.0)
    waits: list[float] = []
    for _ in range(20):
        assert isinstance(state, Settling)
        assert state.reason == "it is open for writing"
        at, state = state.due, observe(state, seen(state.due, age=86_400.0, written=True), 2.0)
        assert isinstance(state, Settling)
        waits.append(state.due - at)
    assert waits == sorted(waits)
    assert waits[-1] == MAX_RECHECK
    assert isinstance(state, Settling)
    assert observe(state, seen(state.due, age=86_400.0), 2.0) == Finished(ONE)


def test_where_writers_can_not_be_seen_a_file_must_rest_for_longer() -> None:
    first = observe(None, seen(0.0, written=None), 2.0)
    assert isinstance(first, Settling)
    assert first.due == BLIND_SETTLE
    assert isinstance(observe(first, seen(BLIND_SETTLE - 0.1, written=None), 2.0), Settling)
    assert observe(first, seen(BLIND_SETTLE, written=None), 2.0) == Finished(ONE)


def test_a_file_that_promises_more_is_waited_for_until_nobody_can_be_expected_to_go_on() -> None:
    first = observe(None, seen(10.0, missing=5_000), 2.0)
    assert first == Settling(ONE, 10.0, 0, 12.0, "it has only just changed")
    short = observe(first, seen(12.0, missing=5_000), 2.0)
    assert short == Settling(ONE, 10.0, 1, 14.0, "its header promises 5,000 bytes more")
    assert isinstance(observe(short, seen(14.0, GROWN), 2.0), Settling)
    looks = 0
    state: Settling | Finished = short
    while isinstance(state, Settling):
        at = state.due
        state, looks = observe(state, seen(at, missing=5_000), 2.0), looks + 1
    assert (at, looks) == (10.0 + PATIENCE, 33)
    assert observe(None, seen(9_000.0, age=PATIENCE, missing=5_000), 2.0) == Finished(ONE)


@dataclass(frozen=True)
class Look:
    after: float
    version: Version
    written: bool | None
    missing: int


VERSIONS = st.sampled_from([ONE, GROWN, Version(1, 5, 3, 4), Version(1, 2, 3, 5)])
LOOKS = st.builds(
    Look, st.floats(0.0, 20.0), VERSIONS, st.sampled_from([True, False, None]), st.sampled_from([0, 0, 100])
)


@given(st.lists(LOOKS, min_size=1, max_size=30), st.floats(0.0, 15.0))
def test_whatever_is_seen_only_a_file_at_rest_with_no_writer_is_finished(looks: list[Look], settle: float) -> None:
    state: Settling | None = None
    now, at_rest_since, before = 0.0, 0.0, None
    for look in looks:
        now += look.after
        if look.version != before:
            at_rest_since, before = now, look.version
        after = observe(state, seen(now, look.version, written=look.written, missing=look.missing), settle)
        if isinstance(after, Finished):
            assert look.written is not True
            assert not look.missing or at_rest_since + PATIENCE <= now
            needed = settle if look.written is False else max(settle, BLIND_SETTLE)
            assert at_rest_since + needed <= now
            assert after.version == look.version
            state = None
            before = None
        else:
            assert after.due > now
            state = after


@given(VERSIONS, st.floats(0.0, 15.0), st.lists(st.booleans(), max_size=10))
def test_a_file_that_is_left_alone_is_always_finished_in_the_end(
    version: Version, settle: float, opens: list[bool]
) -> None:
    state: Settling | None = None
    now = 0.0
    for written in [*opens, *[False] * 3]:
        after = observe(state, seen(now, version, written=written), settle)
        if isinstance(after, Finished):
            return
        state, now = after, after.due
    raise AssertionError("never finished")
