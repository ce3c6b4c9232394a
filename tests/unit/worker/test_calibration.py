"""Choosing a batch size from measured times."""

from whisperd.worker.calibration import calibrate


class Machine:
    """Pretends to decode: `cost(size)` seconds a chunk."""

    def __init__(self, costs: dict[int, float]) -> None:
        self.costs = costs
        self.trials: list[tuple[int, int]] = []

    def seconds_for(self, size: int, count: int) -> float:
        self.trials.append((size, count))
        return self.costs[size] * count


def test_the_fastest_size_is_chosen() -> None:
    machine = Machine({1: 1.0, 2: 0.7, 4: 0.5, 8: 0.49, 16: 0.48})
    assert calibrate(machine.seconds_for, 16, 1000.0) == (16, machine.costs)


def test_trials_end_when_larger_batches_are_slower() -> None:
    machine = Machine({1: 1.0, 2: 0.98, 4: 1.2, 8: 0.1})
    size, seconds = calibrate(machine.seconds_for, 8, 1000.0)
    assert size == 2
    assert set(seconds) == {1, 2, 4}


def test_every_size_decodes_the_same_chunks() -> None:
    machine = Machine(dict.fromkeys((1, 2, 4, 8, 16), 1.0))
    calibrate(machine.seconds_for, 16, 1000.0)
    assert machine.trials == [(1, 1), (1, 16), (2, 16), (4, 16), (8, 16), (16, 16)]


def test_the_budget_is_kept() -> None:
    for budget in (0.0, 1.0, 5.0, 20.0, 60.0):
        machine = Machine(dict.fromkeys((1, 2, 4, 8, 16), 1.0))
        size, seconds = calibrate(machine.seconds_for, 16, budget)
        spent = sum(machine.costs[s] * count for s, count in machine.trials)
        assert spent <= max(budget, 2.0)
        assert size in seconds


def test_one_chunk_can_be_decoded_only_alone() -> None:
    assert calibrate(Machine({1: 2.0}).seconds_for, 1, 100.0) == (1, {1: 2.0})
