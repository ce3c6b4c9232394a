"""What is known of running jobs from moment to moment, and is not worth a row in the database.

Owns: stage, seconds done, speed and time left of every running job. Leaves to others: what is stored (`whisperd.store`)
and who is told (`whisperd.events`).
"""

import time

import msgspec

from whisperd.jobs.job import Stage


class Live(msgspec.Struct, frozen=True):
    """A running job's moment. `speed` is audio seconds a second since this run began to transcribe, `eta` seconds."""

    stage: Stage
    done: float
    duration: float | None
    progress: float
    speed: float | None
    eta: float | None


class LiveJobs:
    """The running jobs by id."""

    def __init__(self) -> None:
        self._jobs: dict[int, Live] = {}
        self._began: dict[int, tuple[float, float]] = {}

    def get(self, job: int) -> Live | None:
        return self._jobs.get(job)

    def all(self) -> list[Live]:
        return list(self._jobs.values())

    def report(self, job: int, stage: Stage, *, done: float, duration: float | None, expected: float | None) -> Live:
        """Note a step of a running job. `expected` is the speed to assume before any was measured in this run."""
        now = time.monotonic()
        if stage is Stage.TRANSCRIBING and job not in self._began:
            self._began[job] = (now, done)
        live = measure(stage, done, duration, began=self._began.get(job), now=now, expected=expected)
        self._jobs[job] = live
        return live

    def forget(self, job: int) -> None:
        self._jobs.pop(job, None)
        self._began.pop(job, None)


def measure(
    stage: Stage,
    done: float,
    duration: float | None,
    *,
    began: tuple[float, float] | None,
    now: float,
    expected: float | None,
) -> Live:
    """The moment of a job with `done` seconds behind it; `began` is when this run's transcribing began, and where."""
    speed = expected
    if began is not None and now > began[0] and done > began[1]:
        speed = (done - began[1]) / (now - began[0])
    progress = min(1.0, done / duration) if duration else 0.0
    eta = max(0.0, duration - done) / speed if duration and speed else None
    return Live(stage, done, duration, progress, speed, eta)
