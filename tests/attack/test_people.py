"""A short, seeded part of the attack by people; `python -m tests.attack people` goes on as long as is wanted."""

from pathlib import Path

from tests.attack.people import attack
from tests.attack.trials import Course


def test_people_at_random_and_killed_processes_lose_double_and_change_nothing(tmp_path: Path) -> None:
    report = attack(Course("people", seed=16, findings=tmp_path, count=1))
    assert [finding.outcome for finding in report.findings] == []
    assert report.outcomes["as promised"] == 1
