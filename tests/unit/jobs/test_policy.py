"""What runs, stops, goes on and gives way, by table and by property."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whisperd.jobs.job import Priority
from whisperd.jobs.policy import (
    STOP_LIMIT,
    Action,
    Continue,
    GiveWay,
    Join,
    LaneRole,
    Lanes,
    LaneSnapshot,
    Start,
    Stop,
    allowed_priorities,
    choose_lanes,
    decide,
    next_change,
    within,
)

INTERACTIVE, NORMAL, LOW = Priority
ALL = frozenset(Priority)
NIGHT = (time(22), time(7))
DAY = (time(7), time(22))


def interactive(running: Priority | None = None, running_for: float = 0.0, **more: bool) -> LaneSnapshot:
    return LaneSnapshot(LaneRole.INTERACTIVE, running, running_for, **more)


def background(running: Priority | None = None, running_for: float = 0.0, **more: bool) -> LaneSnapshot:
    return LaneSnapshot(LaneRole.BACKGROUND, running, running_for, **more)


def shared(running: Priority | None = None, **more: bool) -> LaneSnapshot:
    return LaneSnapshot(LaneRole.SHARED, running, **more)


# -- two lanes --------------------------------------------------------------------------------------------------------


def test_an_empty_queue_leaves_the_lanes_alone() -> None:
    assert decide({}, ALL, [interactive(), background()]) == []


def test_each_lane_starts_the_first_class_that_it_serves_and_dictation_stops_the_background() -> None:
    waiting = {INTERACTIVE: 1, NORMAL: 3, LOW: 9}
    assert decide(waiting, ALL, [interactive(), background()]) == [
        Stop(LaneRole.BACKGROUND),
        Start(LaneRole.INTERACTIVE, INTERACTIVE),
        Start(LaneRole.BACKGROUND, NORMAL),
    ]


def test_low_work_starts_when_no_normal_work_is_left() -> None:
    assert decide({NORMAL: 0, LOW: 1}, ALL, [interactive(), background()]) == [Start(LaneRole.BACKGROUND, LOW)]


def test_dictation_stops_the_background_lane_without_asking_its_job_to_give_way() -> None:
    assert decide({INTERACTIVE: 1}, ALL, [interactive(), background(LOW)]) == [
        Stop(LaneRole.BACKGROUND),
        Start(LaneRole.INTERACTIVE, INTERACTIVE),
    ]


def test_the_background_lane_goes_on_when_dictation_has_ended() -> None:
    assert decide({}, ALL, [interactive(), background(NORMAL, stopped=True)]) == [Continue(LaneRole.BACKGROUND)]


def test_the_background_lane_stays_stopped_between_two_dictations_that_follow_each_other() -> None:
    lanes = [interactive(), background(NORMAL, stopped=True)]
    assert decide({INTERACTIVE: 1}, ALL, lanes) == [Start(LaneRole.INTERACTIVE, INTERACTIVE)]


@pytest.mark.parametrize(("running_for", "actions"), [(STOP_LIMIT - 0.1, []), (STOP_LIMIT, [Continue])])
def test_a_stop_ends_at_its_limit_though_dictation_still_computes(
    running_for: float, actions: list[type[Action]]
) -> None:
    decided = decide({}, ALL, [interactive(INTERACTIVE, running_for), background(NORMAL, stopped=True)])
    assert [type(action) for action in decided] == actions


def test_normal_work_takes_the_background_lane_from_low_work_at_its_next_batch() -> None:
    assert decide({NORMAL: 1}, ALL, [interactive(), background(LOW)]) == [GiveWay(LaneRole.BACKGROUND)]


@pytest.mark.parametrize("running", [NORMAL, LOW])
def test_work_of_its_own_class_or_below_never_interrupts_a_job(running: Priority) -> None:
    waiting = {priority: 5 for priority in (NORMAL, LOW) if priority >= running}
    assert decide(waiting, ALL, [interactive(), background(running)]) == []


def test_a_job_is_asked_once_to_give_way() -> None:
    assert decide({NORMAL: 1}, ALL, [interactive(), background(LOW, giving_way=True)]) == []


def test_a_paused_queue_makes_files_give_way_and_lets_dictation_go_on() -> None:
    allowed = allowed_priorities(paused=True, low_hours=True)
    assert decide({NORMAL: 1, LOW: 1}, allowed, [interactive(), background(NORMAL)]) == [GiveWay(LaneRole.BACKGROUND)]
    assert decide({INTERACTIVE: 1, NORMAL: 1}, allowed, [interactive(), background()]) == [
        Stop(LaneRole.BACKGROUND),
        Start(LaneRole.INTERACTIVE, INTERACTIVE),
    ]


def test_low_work_gives_way_when_its_hours_end() -> None:
    allowed = allowed_priorities(paused=False, low_hours=False)
    assert decide({LOW: 1}, allowed, [interactive(), background(LOW)]) == [GiveWay(LaneRole.BACKGROUND)]
    assert decide({LOW: 1}, allowed, [interactive(), background()]) == []


def test_a_lane_that_is_not_available_starts_nothing_and_stops_nobody() -> None:
    lanes = [interactive(available=False), background(NORMAL)]
    assert decide({INTERACTIVE: 1}, ALL, lanes) == []


def test_a_background_lane_is_stopped_while_dictation_computes_even_without_a_job() -> None:
    """A process that is being started for the next file is stopped as well, and starting one is free meanwhile."""
    assert decide({}, ALL, [interactive(INTERACTIVE), background()]) == [Stop(LaneRole.BACKGROUND)]


# -- one lane ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("running", [NORMAL, LOW])
def test_a_shared_lane_is_taken_over_by_dictation_at_the_next_batch_and_never_stopped(running: Priority) -> None:
    assert decide({INTERACTIVE: 1}, ALL, [shared(running)]) == [GiveWay(LaneRole.SHARED)]


@pytest.mark.parametrize("waiting", [{p: 1 for p in Priority if p >= first} for first in Priority])
def test_a_shared_lane_starts_the_highest_class_that_waits(waiting: dict[Priority, int]) -> None:
    assert decide(waiting, ALL, [shared()]) == [Start(LaneRole.SHARED, min(waiting))]


def test_dictation_on_a_shared_lane_gives_way_to_nobody() -> None:
    assert decide(dict.fromkeys(Priority, 3), ALL, [shared(INTERACTIVE)]) == []


# -- whatever the snapshot --------------------------------------------------------------------------------------------


ALL_OF = {role: role.serves for role in LaneRole}


@st.composite
def snapshots(draw: st.DrawFn, role: LaneRole) -> LaneSnapshot:
    return LaneSnapshot(
        role,
        running=draw(st.sampled_from([None, *role.serves])),
        running_for=draw(st.sampled_from([0.0, STOP_LIMIT - 1, STOP_LIMIT, STOP_LIMIT * 2])),
        giving_way=draw(st.booleans()),
        stopped=draw(st.booleans()) if role is LaneRole.BACKGROUND else False,
        available=draw(st.booleans()),
        room=draw(st.integers(0, 2)),
    )


LANES = st.one_of(
    st.tuples(snapshots(LaneRole.INTERACTIVE), snapshots(LaneRole.BACKGROUND)), st.tuples(snapshots(LaneRole.SHARED))
)
WAITING = st.dictionaries(st.sampled_from(Priority), st.integers(0, 3))
ALLOWED = st.builds(allowed_priorities, st.booleans(), st.booleans())


def carried_out(
    waiting: Mapping[Priority, int], lanes: Sequence[LaneSnapshot], actions: Sequence[Action]
) -> tuple[dict[Priority, int], list[LaneSnapshot]]:
    """Queue and lanes after the actions."""
    left = dict(waiting)
    after = {lane.role: lane for lane in lanes}
    for action in actions:
        old = after[action.lane]
        match action:
            case Start(_, priority):
                assert old.running is None, "a second job on one lane"
                left[priority] -= 1
                new = LaneSnapshot(old.role, priority, 0.0, stopped=old.stopped, available=old.available)
            case GiveWay():
                assert old.running is not None
                new = msgspec.structs.replace(old, giving_way=True)
            case Join():
                assert old.running in ALL_OF[old.role], "company for nothing"
                assert not old.giving_way
                assert old.room, "there is no more of the company"
                new = msgspec.structs.replace(old, room=0)
            case Stop() | Continue():
                stopped = isinstance(action, Stop)
                assert old.stopped is not stopped, "nothing is stopped or continued twice"
                new = msgspec.structs.replace(old, stopped=stopped)
        after[action.lane] = new
    return left, list(after.values())


@given(WAITING, ALLOWED, LANES)
def test_deciding_again_gives_nothing(
    waiting: dict[Priority, int], allowed: frozenset[Priority], lanes: tuple[LaneSnapshot, ...]
) -> None:
    left, after = carried_out(waiting, lanes, decide(waiting, allowed, lanes))
    assert decide(left, allowed, after) == []


@given(WAITING, ALLOWED, LANES)
def test_an_available_lane_is_idle_only_when_nothing_that_it_serves_may_run(
    waiting: dict[Priority, int], allowed: frozenset[Priority], lanes: tuple[LaneSnapshot, ...]
) -> None:
    left, after = carried_out(waiting, lanes, decide(waiting, allowed, lanes))
    for lane in after:
        if lane.running is None and lane.available:
            assert not any(left.get(priority, 0) for priority in allowed & set(lane.role.serves))


@given(WAITING, ALLOWED, LANES)
def test_the_background_lane_is_stopped_exactly_while_the_interactive_one_computes(
    waiting: dict[Priority, int], allowed: frozenset[Priority], lanes: tuple[LaneSnapshot, ...]
) -> None:
    _, after = carried_out(waiting, lanes, decide(waiting, allowed, lanes))
    computing = any(
        lane.role is LaneRole.INTERACTIVE and lane.running is not None and lane.running_for < STOP_LIMIT
        for lane in after
    )
    assert all(lane.stopped is computing for lane in after if lane.role is LaneRole.BACKGROUND)


@given(WAITING, ALLOWED, LANES)
def test_only_allowed_classes_are_started_and_the_highest_first(
    waiting: dict[Priority, int], allowed: frozenset[Priority], lanes: tuple[LaneSnapshot, ...]
) -> None:
    for action in decide(waiting, allowed, lanes):
        if isinstance(action, Start):
            ready = [p for p in action.lane.serves if p in allowed and waiting.get(p, 0)]
            assert action.priority == min(ready)


# -- what is allowed when ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paused", "low_hours", "allowed"),
    [
        (False, True, {INTERACTIVE, NORMAL, LOW}),
        (False, False, {INTERACTIVE, NORMAL}),
        (True, True, {INTERACTIVE}),
        (True, False, {INTERACTIVE}),
    ],
)
def test_a_paused_queue_holds_all_files_and_quiet_hours_hold_low_work(
    paused: bool, low_hours: bool, allowed: set[Priority]
) -> None:
    assert allowed_priorities(paused, low_hours) == allowed


@pytest.mark.parametrize(
    ("hours", "now", "inside"),
    [
        (NIGHT, time(21, 59, 59, 999_999), False),
        (NIGHT, time(22), True),
        (NIGHT, time(0), True),
        (NIGHT, time(6, 59, 59), True),
        (NIGHT, time(7), False),
        (NIGHT, time(12), False),
        (DAY, time(6, 59), False),
        (DAY, time(7), True),
        (DAY, time(21, 59), True),
        (DAY, time(22), False),
        (None, time(3), True),
    ],
)
def test_hours_begin_with_their_first_moment_and_end_before_their_last_over_midnight_too(
    hours: tuple[time, time] | None, now: time, inside: bool
) -> None:
    assert within(hours, now) is inside


BERLIN = ZoneInfo("Europe/Berlin")
ELSEWHERE = ("America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana")
ZONES: list[tzinfo] = [UTC, BERLIN, *map(ZoneInfo, ELSEWHERE)]


@pytest.mark.parametrize(
    ("hours", "now", "expected"),
    [
        (NIGHT, "2026-01-15T12:00+01:00", "2026-01-15T22:00+01:00"),
        (NIGHT, "2026-01-15T22:00+01:00", "2026-01-16T07:00+01:00"),
        (NIGHT, "2026-01-15T23:30+01:00", "2026-01-16T07:00+01:00"),
        (NIGHT, "2026-01-16T06:59+01:00", "2026-01-16T07:00+01:00"),
        (DAY, "2026-12-31T23:00+01:00", "2027-01-01T07:00+01:00"),
    ],
)
def test_the_next_change_is_the_next_edge_of_the_hours(hours: tuple[time, time], now: str, expected: str) -> None:
    assert next_change(hours, datetime.fromisoformat(now), BERLIN) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("hours", [None, (time(5), time(5))])
def test_hours_that_never_change_have_no_next_change(hours: tuple[time, time] | None) -> None:
    assert next_change(hours, datetime(2026, 1, 1, tzinfo=UTC), UTC) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"),
        ("2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),
    ],
)
def test_the_clock_that_is_changed_in_the_night_still_ends_low_work_at_seven(now: str, expected: str) -> None:
    """`now` has today's distance from UTC, as `datetime.astimezone` gives it; the edge has tomorrow's."""
    assert next_change(NIGHT, datetime.fromisoformat(now), BERLIN) == datetime.fromisoformat(expected)


def test_an_edge_in_the_hour_that_comes_twice_is_met_and_nobody_waits_for_a_moment_that_has_passed() -> None:
    hours = (time(22), time(2, 45))
    first, second = datetime(2026, 10, 25, 0, 45, tzinfo=UTC), datetime(2026, 10, 25, 1, 45, tzinfo=UTC)
    assert next_change(hours, first - timedelta(hours=1), BERLIN) == first
    assert next_change(hours, second - timedelta(minutes=15), BERLIN) == second


def test_without_a_zone_the_machine_s_own_one_counts() -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    change = next_change(NIGHT, now)
    assert change is not None
    assert now < change <= now + timedelta(days=1)
    assert change.astimezone().time() in NIGHT


@settings(max_examples=300)
@given(
    st.sampled_from(ZONES),
    st.floats(0, 365 * 86_400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
)
def test_the_next_change_always_lies_ahead_and_no_change_before_it_is_missed_by_more_than_the_clock_s_own_jump(
    zone: tzinfo, now: datetime, since: time, until: time
) -> None:
    hours = (since, until)

    def inside(at: datetime) -> bool:
        return within(hours, at.astimezone(zone).time())

    change = next_change(hours, now, zone)
    if since == until:
        assert change is None
        return
    assert change is not None
    assert now < change <= now + timedelta(days=2)
    assert inside(change) is not inside(now)
    quarters = itertools.takewhile(lambda at: at < change, (now + timedelta(minutes=15 * n) for n in range(200)))
    assert sum(inside(at) is not inside(now) for at in quarters) <= 4


# -- how many lanes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "free", "dictation", "file", "expected"),
    [
        (1, 80_000, 1, 1, Lanes(1, "workers.lanes in the configuration")),
        (2, 10, 5_000, 5_000, Lanes(2, "workers.lanes in the configuration")),
        ("auto", 6_000, 1_000, 5_000, Lanes(2, "both models fit into the cuda's memory (6000 of 6000 MB)")),
        (
            "auto",
            5_999,
            1_000,
            5_000,
            Lanes(1, "both models together do not fit into the cuda's memory (6000 of 5999 MB)"),
        ),
        ("auto", None, 1, 1, Lanes(2, "nothing is known of the cuda's memory that speaks against two")),
        ("auto", 4_000, None, 1, Lanes(2, "nothing is known of the cuda's memory that speaks against two")),
        ("auto", 4_000, 1, None, Lanes(2, "nothing is known of the cuda's memory that speaks against two")),
    ],
)
def test_there_are_two_lanes_unless_memory_or_a_person_says_one_and_the_reason_is_told(
    setting: int | str, free: int | None, dictation: int | None, file: int | None, expected: Lanes
) -> None:
    assert choose_lanes(setting, "cuda", free, dictation, file) == expected


def test_company_is_started_beside_a_job_unless_work_of_a_higher_class_waits_or_its_own_is_held() -> None:
    lane = LaneSnapshot(LaneRole.BACKGROUND, Priority.LOW, room=2)
    others = {Priority.LOW: 5}
    assert decide(others, frozenset(Priority), [lane]) == [Join(LaneRole.BACKGROUND)]
    assert decide({**others, Priority.NORMAL: 1}, frozenset(Priority), [lane]) == [GiveWay(LaneRole.BACKGROUND)]
    assert decide(others, allowed_priorities(False, False), [lane]) == [GiveWay(LaneRole.BACKGROUND)]
    giving_way = msgspec.structs.replace(lane, giving_way=True)
    assert decide(others, frozenset(Priority), [giving_way]) == []
