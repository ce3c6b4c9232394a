"""What is known of running jobs from moment to moment, and is not worth a row in the database.

Owns: stage, seconds done, speed and time left of every running job. Leaves to others: what is stored
(`whisperd.store`), the arithmetic (`whisperd.jobs.estimates`) and who is told (`whisperd.events`).
"""

import msgspec

from whisperd.jobs import estimates
from whisperd.jobs.job import Stage


class Live(msgspec.Struct, frozen=True):
    """A running job's moment. `speed` is audio seconds a second of computing, `eta` the seconds left."""

    stage: Stage
    done: float
    duration: float | None
    progress: float
    speed: float
    eta: float | None


class LiveJobs:
    """The running jobs by id."""

    def __init__(self) -> None:
        self._jobs: dict[int, Live] = {}

    def get(self, job: int) -> Live | None:
        return self._jobs.get(job)

    def all(self) -> list[Live]:
        return list(self._jobs.values())

    def note(self, job: int, live: Live) -> None:
        self._jobs[job] = live

    def forget(self, job: int) -> None:
        self._jobs.pop(job, None)


def measure(
    stage: Stage, *, done: float, duration: float | None, processing_time: float, expected_factor: float
) -> Live:
    """The moment of a job with `done` seconds of audio behind it, which took `processing_time` seconds of computing.

    Time during which its worker was stopped is no computing. `expected_factor` is the real-time factor to go by before
    the job has shown its own.
    """
    factor = estimates.job_factor(done, processing_time, expected_factor)
    return Live(
        stage=stage,
        done=done,
        duration=duration,
        progress=estimates.progress(done, duration),
        speed=1.0 / factor if factor > 0 else 0.0,
        eta=estimates.seconds_left(duration, done, factor),
    )
