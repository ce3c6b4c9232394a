"""A clock that has just jumped is not believed."""

from hypothesis import given
from hypothesis import strategies as st

from whisperd.clock import HOLD, LONGEST_REST, TOLERANCE, Reading, SteadyClock, first, followed

DAY = 86_400.0
NOW = 1_800_000_000.0


class Clocks:
    """Both clocks of a machine; `jump` is by how much the wall clock is wrong."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.jump = 0.0

    def read(self) -> Reading:
        return Reading(NOW + self.passed + self.jump, 500.0 + self.passed)


def test_a_clock_that_is_45_days_ahead_for_a_minute_moves_nothing() -> None:
    clocks = Clocks()
    clock = SteadyClock(NOW - 60, clocks.read)
    assert clock.now() == NOW
    clocks.jump = 45 * DAY
    for _ in range(3):
        assert clock.now() == NOW + clocks.passed
        clocks.passed += 30
    clocks.jump = 0.0
    assert clock.now() == NOW + clocks.passed


def test_a_clock_that_stays_where_it_jumped_to_is_believed_in_the_end() -> None:
    clocks = Clocks()
    clock = SteadyClock(NOW, clocks.read)
    clocks.jump = 45 * DAY
    assert clock.now() == NOW
    clocks.passed = HOLD - 1
    assert clock.now() == NOW + HOLD - 1
    clocks.passed = HOLD
    assert clock.now() == NOW + HOLD + 45 * DAY


def test_a_clock_that_wanders_is_never_believed() -> None:
    clocks = Clocks()
    clock = SteadyClock(NOW, clocks.read)
    for hour in range(48):
        clocks.passed, clocks.jump = hour * HOLD, (45 + hour) * DAY
        assert clock.now() == NOW + clocks.passed


def test_a_clock_that_was_put_back_is_believed_at_once_and_doubted_when_it_comes_again() -> None:
    clocks = Clocks()
    clock = SteadyClock(NOW, clocks.read)
    clocks.jump = -30 * DAY
    assert clock.now() == NOW - 30 * DAY
    clocks.jump = 0.0
    assert clock.now() == NOW - 30 * DAY
    clocks.passed = HOLD
    assert clock.now() == NOW + HOLD


def test_a_start_long_after_what_was_written_down_last_is_doubted_and_one_after_a_night_is_not() -> None:
    reading = Reading(NOW, 10.0)
    assert first(reading, None).at(reading) == NOW
    assert first(reading, NOW - LONGEST_REST).at(reading) == NOW
    assert first(reading, NOW + 5).at(reading) == NOW
    assert first(reading, NOW - 45 * DAY).at(reading) == NOW - 45 * DAY
    later = Reading(NOW + HOLD, 10.0 + HOLD)
    assert followed(first(reading, NOW - 45 * DAY), later).at(later) == NOW + HOLD


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(-400 * DAY, 400 * DAY)), max_size=20))
def test_no_jump_that_is_shorter_than_the_doubt_makes_it_later_than_it_is(steps: list[tuple[float, float]]) -> None:
    clocks = Clocks()
    clock = SteadyClock(NOW, clocks.read)
    for seconds, jump in steps:
        clocks.passed += seconds
        clocks.jump = jump
        if clocks.passed < HOLD:
            assert clock.now() <= NOW + clocks.passed + TOLERANCE
