"""Which jobs the picture holds, in which list each is, where in it, and how many there are: pure rules.

Owns: keeping jobs, lists and counts in step. Leaves to others: what changed a job (`whisperctl.tui.advance`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from whisperctl.shapes import Job, Status
from whisperctl.tui import picture as known
from whisperctl.tui.picture import LIST_OF_STATE, REMEMBERED, Picture


def with_jobs(picture: Picture, changes: Mapping[int, Job | None]) -> Picture:
    """The picture with these jobs as they are now (None: gone), each in the list of its state."""
    if not changes:
        return picture
    jobs = dict(picture.jobs)
    moved: dict[int, Job | None] = {}
    for number, job in changes.items():
        before = jobs.get(number)
        if job is None:
            jobs.pop(number, None)
        else:
            jobs[number] = job
        if job is None or before is None or _rank(before) != _rank(job):
            moved[number] = job
    if not moved:
        return replace(picture, jobs=jobs)
    lists = {name: _placed(name, picture.listed(name), moved, jobs) for name in known.LISTS}
    items = picture.items
    if gone := {number for number, job in moved.items() if job is None}:
        items = {batch: tuple(n for n in of_batch if n not in gone) for batch, of_batch in items.items()}
    pending = {who: doing for who, doing in picture.pending.items() if who[0] != "job" or who[1] not in moved}
    status = _recounted(picture, moved)
    return pruned(replace(picture, jobs=jobs, lists=lists, items=items, pending=pending, status=status))


def with_list(picture: Picture, name: str, listed: Sequence[Job]) -> Picture:
    """The picture with a list anew. Jobs that were in it and are not any more are gone, or will be found in another."""
    coming = {job["id"]: job for job in listed}
    lists = {**picture.lists, name: _ordered(name, listed)}
    for other, numbers in lists.items():
        if other != name and not coming.keys().isdisjoint(numbers):
            lists[other] = tuple(number for number in numbers if number not in coming)
    return pruned(replace(picture, lists=lists, jobs={**picture.jobs, **coming}))


def _recounted(picture: Picture, moved: Mapping[int, Job | None]) -> Status | None:
    """The status with jobs counted in their new states, until the daemon's own counts come."""
    if picture.status is None:
        return None
    counts = dict(picture.status["queue"])
    for number, job in moved.items():
        before = picture.jobs.get(number)
        if before is not None:
            counts[before["state"]] = max(counts.get(before["state"], 0) - 1, 0)
            if job is not None:
                counts[job["state"]] = counts.get(job["state"], 0) + 1
    recounted: Any = {**picture.status, "queue": counts}
    return recounted


def _rank(job: Job) -> tuple[object, ...]:
    """What decides a job's list and its place there."""
    if job["state"] == "queued":
        return ("queued", job["place"])
    return (job["state"], job["started_at"], job["retry_at"], job["finished_at"])


def _placed(
    name: str, before: tuple[int, ...], moved: Mapping[int, Job | None], jobs: Mapping[int, Job]
) -> tuple[int, ...]:
    """A list after the moved jobs have left it, and those that belong there have found their places."""
    staying = [number for number in before if number not in moved]
    coming = [job for job in moved.values() if job is not None and LIST_OF_STATE.get(job["state"]) == name]
    if not coming:
        return before if len(staying) == len(before) else tuple(staying)
    if name == known.QUEUE:
        for job in sorted(coming, key=_queue_place):
            staying.insert(_queue_place(job), job["id"])
        return tuple(staying)
    return _ordered(name, [*(jobs[number] for number in staying), *coming])


def _queue_place(job: Job) -> int:
    """Its index in the queue; what has no place there stands behind all that have one."""
    return job["place"] - 1 if job["place"] else known.LOADED * 100


def _ordered(name: str, jobs: Iterable[Job]) -> tuple[int, ...]:
    """The jobs of a list in its order: ended ones the newest first, the others by when they began or will begin."""
    if name == known.QUEUE:
        return tuple(job["id"] for job in jobs)
    if name in (known.FAILED, known.ENDED):
        newest = sorted(jobs, key=lambda job: (job["finished_at"] or "", job["id"]), reverse=True)
        return tuple(job["id"] for job in newest[: REMEMBERED if name == known.ENDED else None])
    key = {known.RUNNING: "started_at", known.WAITING: "retry_at"}.get(name)

    def begin(job: Any) -> tuple[str, int]:
        return (job[key] or "") if key else "", job["id"]

    return tuple(job["id"] for job in sorted(jobs, key=begin))


def pruned(picture: Picture) -> Picture:
    """Without the jobs that nothing shows any more."""
    shown = set[int]()
    for numbers in (*picture.lists.values(), *picture.items.values()):
        shown.update(numbers)
    if len(shown) == len(picture.jobs):
        return picture
    return replace(picture, jobs={number: job for number, job in picture.jobs.items() if number in shown})
