"""Whether whisperd is well: the rule from what is seen to `ok`, `degraded` or `failing`, with reasons.

Owns: the rule, pure. Leaves to others: looking (`whisperd.api.health`), and the thresholds (`HealthSettings`).
`failing` means that work is refused or can't be done; `degraded` that it is done late, badly or not all of it.
"""

import enum
from collections.abc import Iterator

from msgspec import Struct

from whisperd.config.settings import HealthSettings


class Level(enum.StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    FAILING = "failing"


class Reason(Struct, frozen=True):
    """One thing that is wrong: `kind` for programs, and for people what was found and what to do."""

    kind: str
    level: Level
    message: str
    hint: str


class Sight(Struct, frozen=True):
    """What is seen of the daemon. Times are seconds, sizes bytes; `completed` … `processing_time` are of the recent
    past. None: not known, or nothing to tell."""

    queued: int = 0
    longest_wait: float | None = None
    completed: int = 0
    failed: int = 0
    duration: float = 0.0
    processing_time: float = 0.0
    workers_gone: tuple[tuple[str, float, str], ...] = ()
    disk_free: int | None = None
    disk_floor: int = 0
    no_model: str | None = None
    lost_folders: tuple[tuple[str, str], ...] = ()
    untold_folders: tuple[tuple[str, str], ...] = ()
    database: str | None = None
    damage: str | None = None
    config_error: str | None = None


def judge(seen: Sight, limits: HealthSettings) -> list[Reason]:
    """Everything that is wrong, the worst first; nothing when all is well."""
    reasons = [*_means(seen, limits), *_work(seen, limits)]
    return sorted(reasons, key=lambda reason: reason.level is not Level.FAILING)


def overall(reasons: list[Reason]) -> Level:
    """The worst of the reasons' levels."""
    levels = {reason.level for reason in reasons}
    return next((level for level in (Level.FAILING, Level.DEGRADED) if level in levels), Level.OK)


def _means(seen: Sight, limits: HealthSettings) -> Iterator[Reason]:
    """What whisperd works with: model, worker, database, disk, configuration."""
    if seen.no_model is not None:
        hint = "`whisperctl model pull small` downloads one; `whisperctl model list` shows what there is"
        yield Reason("no_model", Level.FAILING, seen.no_model, hint)
    for lane, gone, error in seen.workers_gone:
        if gone >= limits.worker_gone:
            message = f"the {lane} worker has been gone for {gone:.0f} s: {error}"
            yield Reason("worker_gone", Level.FAILING, message, "run `whisperctl doctor`; the log has the details")
    if seen.database is not None:
        yield Reason("database", Level.FAILING, seen.database, "see that its disk has room and can be written to")
    if seen.damage is not None:
        yield Reason("database_damaged", Level.DEGRADED, seen.damage, "look at what is missing; check the disk")
    if seen.disk_free is not None and seen.disk_free < max(limits.disk, seen.disk_floor):
        refused = seen.disk_free < seen.disk_floor
        message = f"{seen.disk_free / 1e6:,.0f} MB are free on the state folder's disk"
        hint = "free some space" + ("; new work is refused until then" if refused else "")
        yield Reason("disk", Level.FAILING if refused else Level.DEGRADED, message, hint)
    if seen.config_error is not None:
        hint = "correct the file; the settings from before are in force"
        yield Reason("config", Level.DEGRADED, seen.config_error, hint)


def _work(seen: Sight, limits: HealthSettings) -> Iterator[Reason]:
    """How the work goes: queue, waits, successes, speed, folders."""
    if seen.queued > limits.queued:
        message = f"{seen.queued} jobs are queued, more than {limits.queued}"
        yield Reason("queue", Level.DEGRADED, message, "wait, or send archives with `--low`, which does not count")
    if seen.longest_wait is not None and seen.longest_wait > limits.wait:
        message = f"the next job in the queue has waited for {seen.longest_wait:.0f} s, longer than {limits.wait:.0f} s"
        yield Reason("wait", Level.DEGRADED, message, "`whisperctl status` shows what holds it")
    finished = seen.completed + seen.failed
    if finished >= limits.least_jobs and seen.completed < limits.success_rate * finished:
        message = f"{seen.failed} of the last {finished} jobs failed"
        yield Reason("failures", Level.DEGRADED, message, "`whisperctl job list --state failed` shows why")
    if seen.duration > 0 and seen.processing_time > limits.real_time_factor * seen.duration:
        factor = seen.processing_time / seen.duration
        hint = "take a smaller model, or send less at a time; `whisperctl model bench` compares models"
        yield Reason("slow", Level.DEGRADED, f"transcribing takes {factor:.1f} times as long as the audio", hint)
    for folder, reason in seen.lost_folders:
        hint = "mount or make it again, or remove it with `whisperctl watch remove`"
        yield Reason("folder_lost", Level.DEGRADED, f"the drop folder {folder} is not watched: {reason}", hint)
    for folder, reason in seen.untold_folders:
        hint = "watch folders further in, or have it polled on purpose: `whisperctl watch set --notice polling`"
        yield Reason("folder_polled", Level.DEGRADED, f"the drop folder {folder} is polled in part: {reason}", hint)
