"""What `python -m benchmarks kills` does at length: kill -9 of the daemon at any moment of a queue of files."""

from benchmarks.kills import survive


def test_a_queue_loses_and_doubles_nothing_while_the_daemon_is_killed_again_and_again() -> None:
    outcome = survive(kills=5, files=6, seconds=40, seed=5)
    assert outcome.kills > 0
    assert (outcome.lost, outcome.doubled, outcome.changed, outcome.batches_lost) == (0, 0, 0, 0)
    assert outcome.integrity == "ok"
