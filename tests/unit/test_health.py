"""The rule of health: a table of what is seen and what is wrong then."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.config.settings import HealthSettings
from whisperd.health import Level, Reason, Sight, judge, overall

LIMITS = HealthSettings()
WELL = Sight(
    queued=50, longest_wait=300.0, completed=90, failed=10, duration=100.0, processing_time=500.0,
    workers_gone=(("background", 59.9, "it ended"),), disk_free=1_000_000_000, disk_floor=1_000_000_000,
)  # fmt: skip


def test_nothing_is_wrong_at_the_limits() -> None:
    assert judge(WELL, LIMITS) == []
    assert overall([]) is Level.OK


@pytest.mark.parametrize(
    ("seen", "kind", "level"),
    [
        ({"queued": 51}, "queue", Level.DEGRADED),
        ({"longest_wait": 300.5}, "wait", Level.DEGRADED),
        ({"completed": 89, "failed": 11}, "failures", Level.DEGRADED),
        ({"completed": 0, "failed": 5}, "failures", Level.DEGRADED),
        ({"processing_time": 501.0}, "slow", Level.DEGRADED),
        ({"workers_gone": (("background", 60.0, "it ended"),)}, "worker_gone", Level.FAILING),
        ({"disk_free": 999_999_999, "disk_floor": 0}, "disk", Level.DEGRADED),
        ({"disk_free": 999_999_999}, "disk", Level.FAILING),
        ({"no_model": "no model is installed"}, "no_model", Level.FAILING),
        ({"lost_folders": (("/drop", "missing"),)}, "folder_lost", Level.DEGRADED),
        ({"untold_folders": (("/drop", "too many folders"),)}, "folder_polled", Level.DEGRADED),
        ({"database": "the database is locked"}, "database", Level.FAILING),
        ({"damage": "the database was damaged"}, "database_damaged", Level.DEGRADED),
        ({"config_error": "config.toml:1: no"}, "config", Level.DEGRADED),
    ],
)
def test_one_thing_that_is_wrong_is_found_with_what_to_do(seen: dict[str, object], kind: str, level: Level) -> None:
    [reason] = judge(msgspec.structs.replace(WELL, **seen), LIMITS)
    assert (reason.kind, reason.level) == (kind, level)
    assert reason.message
    assert reason.hint
    assert overall([reason]) is level


def test_few_jobs_say_nothing_of_a_success_rate() -> None:
    assert judge(Sight(completed=0, failed=4), LIMITS) == []


@given(st.permutations(list(Level)))
def test_the_worst_reason_decides(levels: list[Level]) -> None:
    reasons = [Reason("x", level, "m", "h") for level in levels]
    assert overall(reasons) is Level.FAILING
    assert overall([reason for reason in reasons if reason.level is not Level.FAILING]) is Level.DEGRADED


def test_the_worst_comes_first() -> None:
    seen = msgspec.structs.replace(WELL, queued=51, no_model="none")
    assert [reason.kind for reason in judge(seen, LIMITS)] == ["no_model", "queue"]
