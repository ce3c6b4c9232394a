"""A short, seeded part of the attack by requests; `python -m tests.attack requests` goes on as long as is wanted."""

from pathlib import Path

from tests.attack.requests import attack
from tests.attack.trials import Course


def test_requests_at_random_are_answered_as_declared_or_refused_in_words(tmp_path: Path) -> None:
    report = attack(Course("requests", seed=16, findings=tmp_path, count=400))
    assert [finding.outcome for finding in report.findings] == []
    assert report.trials == 400
    assert report.outcomes["answered"] > 50
    assert sum(count for outcome, count in report.outcomes.items() if outcome.startswith("refused")) > 100
