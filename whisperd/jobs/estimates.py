"""How long work will take: real-time factors, seconds left, when a queued job will start.

Owns: the arithmetic, and typical speeds for what was not measured yet. Leaves to others: measuring and keeping what
was measured (`whisperd.store.measurements`). A real-time factor is seconds of computing a second of audio: 0.1 is ten
times faster than real time.
"""

import re
from collections.abc import Iterable
from typing import Final

_CPU: Final = {"tiny": 0.05, "base": 0.1, "small": 0.25, "medium": 0.7, "large": 1.4, "turbo": 0.7}
_GPU: Final = {"tiny": 0.004, "base": 0.006, "small": 0.01, "medium": 0.018, "large": 0.03, "turbo": 0.012}
"""Typical real-time factors by size: orders of magnitude to start from, replaced by the first measurement. `small` on
a CPU and `large` on a GPU are near the benchmarks in faster-whisper's README (0.13 in int8 with 8 threads, halved in
batches; 0.02 in batches on an RTX 3070 Ti), with room for smaller machines; the others are scaled by the models'
work."""

_STANDSTILL: Final = 1e-6
"""Speed (a second of audio in eleven days) up to which nothing was done: no time left can be told from it."""

_UNKNOWN_SIZE: Final = "small"
_DISTILLED: Final = 0.6
"""Share of its teacher's time that a distilled model takes: it has the same encoder, and two layers of the decoder."""


def typical_real_time_factor(model: str, device: str) -> float:
    """What to expect of a model, by its name or path, before anything was measured on this machine."""
    factors = _CPU if device == "cpu" else _GPU
    words = re.split(r"[^a-z0-9]+", model.lower())
    size = "turbo" if "turbo" in words else next((word for word in words if word in factors), _UNKNOWN_SIZE)
    return factors[size] * (_DISTILLED if "distil" in words else 1.0)


def real_time_factor(measured: float | None, model: str, device: str) -> float:
    """The measured factor where there is one, else a typical one."""
    return typical_real_time_factor(model, device) if measured is None else measured


def progress(done: float, duration: float | None) -> float:
    """Share of the audio that is transcribed, from 0 to 1; 0 while the duration is not known."""
    if not duration:
        return 0.0
    return min(max(done / duration, 0.0), 1.0)


def speed(done: float, processing_time: float) -> float | None:
    """Audio seconds transcribed a second of computing; None before there is something to divide."""
    found = done / processing_time if processing_time > 0 else 0.0
    return found if found > _STANDSTILL else None


def seconds_left(duration: float | None, done: float, factor: float) -> float | None:
    """Seconds of computing that a job still needs; None while its duration is not known."""
    return None if duration is None else max(duration - done, 0.0) * factor


def job_factor(done: float, processing_time: float, expected: float, *, trusted_after: float = 60.0) -> float:
    """A running job's own real-time factor, trusted the more the more of it is done.

    From the one `expected` to the one seen, as if `trusted_after` seconds of audio at the expected speed had come
    first: the first batch of a file with a long silence does not make the time left jump.
    """
    return (expected * trusted_after + processing_time) / (trusted_after + done)


def starts_in(place: int, running_left: Iterable[float], typical_job: float) -> float:
    """Seconds until the job at `place` (1 is the next) starts: what is running ends first, then the jobs before it.

    `running_left` are the seconds left of the running jobs, which one lane works off one after the other;
    `typical_job` the seconds an ordinary job takes, since the durations of those before it are not known yet.
    """
    return sum(running_left) + (place - 1) * typical_job
