"""How answers and events change the picture: one pure rule.

Owns: `advance`. Leaves to others: asking (`whisperctl.tui.inquiry`). An event changes at once what it tells, and marks
as stale what else it may have changed; that is asked for, so that a lost event loses nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from whisperctl.shapes import Job, Json, Params, Status
from whisperctl.tui import picture as known
from whisperctl.tui.picture import EVERYTHING, LIST_OF_STATE, REMEMBERED, Gone, Picture, Subject, Transcripts
from whisperd.wire import names

PROGRESS = ("stage", "progress", "done", "duration", "speed", "eta")
"""What a progress event may change in a job."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A daemon answers; it may be another one than before."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """It does not answer any more, or not yet. `at` is in seconds of the monotonic clock."""

    message: str
    hint: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Happened:
    """An event."""

    topic: str
    data: Params
    job: int | None = None
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class EventsLost:
    """Events were lost: whatever was known may have changed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """These are being asked for: what happens from now on may not be in the answers."""

    subjects: frozenset[Subject]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """They could not be answered, and are as stale as before."""

    subjects: frozenset[Subject]


@dataclass(frozen=True, slots=True)
class StatusCame:
    status: Status


@dataclass(frozen=True, slots=True)
class ListCame:
    """The jobs of a list, in its order."""

    name: str
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class JobsCame:
    """The jobs that were `asked` for; those not among `jobs` exist no more."""

    asked: tuple[int, ...]
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class BatchesCame:
    batches: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class ItemsCame:
    """A batch, None where it exists no more, and its items."""

    number: int
    batch: Json
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class TranscriptsCame:
    transcripts: Transcripts


@dataclass(frozen=True, slots=True)
class Followed:
    """The person reads a job's words as they are recognised; None: not any more."""

    job: int | None


@dataclass(frozen=True, slots=True)
class WordsCame:
    """The segments of a job so far."""

    job: int
    segments: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class DictationCame:
    status: Params


@dataclass(frozen=True, slots=True)
class HealthCame:
    health: Params


@dataclass(frozen=True, slots=True)
class MethodUnknown:
    """This daemon does not have a method: what it would tell is left out."""

    method: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """A verb was sent for a job or a batch (`("job", 12)`); `doing` says so, such as `pausing…`."""

    subjects: tuple[Subject, ...]
    doing: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The verb was answered: done, or refused."""

    subjects: tuple[Subject, ...]


Input = (
    Connected | Disconnected | Happened | EventsLost | Asked | Unanswered | StatusCame | ListCame | JobsCame
    | BatchesCame | ItemsCame | Followed | WordsCame | TranscriptsCame | DictationCame | HealthCame | MethodUnknown
    | Ordered | Answered
)  # fmt: skip


def advance(picture: Picture, inputs: Iterable[Input]) -> Picture:
    """The picture after these, one after another. Changes of jobs that follow each other are made together."""
    changes: dict[int, Job | None] = {}
    for given in inputs:
        if isinstance(given, Happened) and given.topic in (names.TOPIC_JOB_STATE, names.TOPIC_JOB_PROGRESS):
            picture = _job_event(picture, given, changes)
            continue
        if isinstance(given, JobsCame):
            changes |= dict.fromkeys(given.asked)
            changes |= {job["id"]: job for job in given.jobs}
            continue
        picture = _one(with_jobs(picture, changes), given)
        changes = {}
    return with_jobs(picture, changes)


def _one(picture: Picture, given: Input) -> Picture:
    rule: Callable[[Picture, Any], Picture] = _RULES[type(given)]
    return rule(picture, given)


def _job_event(picture: Picture, event: Happened, changes: dict[int, Job | None]) -> Picture:
    """Note in `changes` what an event says of a job, and mark what has to be asked for."""
    number = event.job
    if number is None:
        return picture
    if number == picture.followed:
        picture = _staled(picture, {("words", number)})
    job = changes[number] if number in changes else picture.jobs.get(number)
    if event.topic == names.TOPIC_JOB_PROGRESS:
        if job is not None and job["state"] == "running":
            changes[number] = _merged(job, {key: event.data[key] for key in PROGRESS if key in event.data})
        return picture
    stale: set[Subject] = {("job", number), known.STATUS}
    if job is not None:
        if job["state"] == "queued" and event.data.get("state") == "queued":
            stale.add((known.QUEUE, 0))  # it was moved, and others with it
        changes[number] = _merged(job, _told(job, event.data))
    if event.data.get("state") == "completed":
        stale.add(known.HISTORY)
    return _staled(picture, stale)


def _told(job: Job, data: Params) -> Params:
    """What a state event changes in a job at once; the rest is asked for."""
    told: Params = {key: data[key] for key in ("state", "attempts", "error", "retry_at") if key in data}
    if told.get("state") != job["state"]:
        told |= {"stage": None, "eta": None, "speed": None, "place": None, "hold": None, "starts_in": None}
    if told.get("state") == "completed":
        told["progress"] = 1.0
    return told


def _merged(job: Job, facts: Params) -> Job:
    merged: Json = {**job, **facts}
    return merged


# -- jobs and their lists ---------------------------------------------------------------------------------------------


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
    return _pruned(replace(picture, jobs=jobs, lists=lists, items=items, pending=pending, status=status))


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
    return ordered(name, [*(jobs[number] for number in staying), *coming])


def _queue_place(job: Job) -> int:
    """Its index in the queue; what has no place there stands behind all that have one."""
    return job["place"] - 1 if job["place"] else known.LOADED * 100


def ordered(name: str, jobs: Iterable[Job]) -> tuple[int, ...]:
    """The jobs of a list in its order: ended ones the newest first, the others by when they began or will begin."""
    if name == known.QUEUE:
        return tuple(job["id"] for job in jobs)
    if name in (known.FAILED, known.ENDED):
        newest = sorted(jobs, key=lambda job: (job["finished_at"] or "", job["id"]), reverse=True)
        return tuple(job["id"] for job in newest[: REMEMBERED if name == known.ENDED else None])
    key = {known.RUNNING: "started_at", known.WAITING: "retry_at"}.get(name)
    facts: Callable[[Any], tuple[str, int]] = lambda job: ((job[key] or "") if key else "", job["id"])  # noqa: E731
    return tuple(job["id"] for job in sorted(jobs, key=facts))


def _pruned(picture: Picture) -> Picture:
    """Without the jobs that nothing shows any more."""
    shown = set[int]()
    for numbers in (*picture.lists.values(), *picture.items.values()):
        shown.update(numbers)
    if len(shown) == len(picture.jobs):
        return picture
    return replace(picture, jobs={number: job for number, job in picture.jobs.items() if number in shown})


def _list_came(picture: Picture, given: ListCame) -> Picture:
    """A list anew. Jobs that it held and that are not in it now are gone, or will be found in another."""
    lists = {**picture.lists, given.name: ordered(given.name, given.jobs)}
    numbers = {job["id"] for job in given.jobs}
    for name, listed in lists.items():
        if name != given.name and not numbers.isdisjoint(listed):
            lists[name] = tuple(number for number in listed if number not in numbers)
    jobs = {**picture.jobs, **{job["id"]: job for job in given.jobs}}
    return _pruned(replace(picture, lists=lists, jobs=jobs))


# -- the rest ---------------------------------------------------------------------------------------------------------


def _connected(picture: Picture, _given: Connected) -> Picture:
    return replace(picture, gone=None, connected=True, stale=_all_of(picture), unknown=frozenset(), pending={})


def _disconnected(picture: Picture, given: Disconnected) -> Picture:
    at = picture.gone.at if picture.gone else given.at
    return replace(picture, gone=Gone(given.message, given.hint, at), pending={})


def _events_lost(picture: Picture, _given: EventsLost) -> Picture:
    return _staled(picture, _all_of(picture))


def _asked(picture: Picture, given: Asked) -> Picture:
    return replace(picture, stale=picture.stale - given.subjects)


def _unanswered(picture: Picture, given: Unanswered) -> Picture:
    return _staled(picture, given.subjects)


def _all_of(picture: Picture) -> frozenset[Subject]:
    return EVERYTHING | {("items", batch) for batch in picture.items}


def _status_came(picture: Picture, given: StatusCame) -> Picture:
    workers = {worker["lane"]: worker for worker in given.status["workers"]}
    running = {job["id"]: job for job in given.status["running"]}
    ended: set[Subject] = {("job", number) for number in picture.listed(known.RUNNING) if number not in running}
    return with_jobs(_staled(replace(picture, status=given.status, workers=workers), ended), running)


def _batches_came(picture: Picture, given: BatchesCame) -> Picture:
    batches = {batch["id"]: batch for batch in given.batches}
    items = {number: jobs for number, jobs in picture.items.items() if number in batches}
    return _pruned(replace(picture, batches=batches, items=items))


def _items_came(picture: Picture, given: ItemsCame) -> Picture:
    batches, items = dict(picture.batches), dict(picture.items)
    if given.batch is None:
        batches.pop(given.number, None)
        items.pop(given.number, None)
    else:
        batches[given.number] = given.batch
        items[given.number] = tuple(job["id"] for job in given.jobs)
    after = replace(picture, batches=batches, items=items)
    return with_jobs(after, {job["id"]: job for job in given.jobs})


def _transcripts_came(picture: Picture, given: TranscriptsCame) -> Picture:
    return replace(picture, transcripts=given.transcripts)


def _followed(picture: Picture, given: Followed) -> Picture:
    stale: set[Subject] = set() if given.job is None else {("words", given.job)}
    return _staled(replace(picture, followed=given.job, words=()), stale)


def _words_came(picture: Picture, given: WordsCame) -> Picture:
    return replace(picture, words=given.segments) if given.job == picture.followed else picture


def _dictation_came(picture: Picture, given: DictationCame) -> Picture:
    return replace(picture, dictation=replace(picture.dictation, status=given.status))


def _health_came(picture: Picture, given: HealthCame) -> Picture:
    return replace(picture, health=given.health)


def _method_unknown(picture: Picture, given: MethodUnknown) -> Picture:
    return replace(picture, unknown=picture.unknown | {given.method})


def _ordered(picture: Picture, given: Ordered) -> Picture:
    return replace(picture, pending={**picture.pending, **dict.fromkeys(given.subjects, given.doing)})


def _answered(picture: Picture, given: Answered) -> Picture:
    done = set(given.subjects)
    return replace(picture, pending={who: doing for who, doing in picture.pending.items() if who not in done})


# -- events other than those of jobs ----------------------------------------------------------------------------------


def _happened(picture: Picture, event: Happened) -> Picture:
    rule = _EVENTS.get(event.topic)
    return rule(picture, event) if rule else picture


def _worker(picture: Picture, event: Happened) -> Picture:
    worker: Any = event.data
    return replace(picture, workers={**picture.workers, worker["lane"]: worker})


def _queue(picture: Picture, event: Happened) -> Picture:
    status = picture.status
    if status is not None and "paused" in event.data:
        changed: Any = {**status, "paused": event.data["paused"]}
        picture = replace(picture, status=changed)
    return _staled(picture, {known.STATUS, (known.QUEUE, 0)})


def _batch(picture: Picture, event: Happened) -> Picture:
    """Progress carries all figures of a batch; a state leads to questions about the batch and its items."""
    number = event.batch
    batch = picture.batches.get(number) if number is not None else None
    if number is not None and batch is not None:
        told = {key: value for key, value in event.data.items() if key in batch}
        told["items"] = {**batch["items"], **told.get("items", {})}
        picture = replace(picture, batches={**picture.batches, number: {**batch, **told}})
        if event.topic == names.TOPIC_BATCH_PROGRESS:
            return picture
        picture = _answered(picture, Answered((("batch", number),)))
    unfolded: set[Subject] = {("items", number)} if number is not None and number in picture.items else set()
    return _staled(picture, {known.BATCHES, *unfolded})


def _dictation_state(picture: Picture, event: Happened) -> Picture:
    """A session's state, from which follows what dictation as a whole does; what it says is asked for too."""
    before = picture.dictation
    state = _DICTATION.get(event.data.get("state", ""), "idle")
    dictation = replace(before, status={**(before.status or {"sessions": []}), "state": state})
    if state != "listening" or event.data.get("state") == "opening":
        dictation = replace(dictation, level=0.0, peak=0.0, heard="")
    return _staled(replace(picture, dictation=dictation), {known.DICTATION})


def _level(picture: Picture, event: Happened) -> Picture:
    level, peak = float(event.data.get("level", 0.0)), float(event.data.get("peak", 0.0))
    return replace(picture, dictation=replace(picture.dictation, level=level, peak=peak))


def _partial(picture: Picture, event: Happened) -> Picture:
    heard = f"{event.data.get('committed', '')}{event.data.get('text', '')}"
    return replace(picture, dictation=replace(picture.dictation, heard=heard))


def _health(picture: Picture, _event: Happened) -> Picture:
    return _staled(picture, {known.HEALTH, known.STATUS})


def _daemon(picture: Picture, _event: Happened) -> Picture:
    return _staled(picture, {known.STATUS})


def _staled(picture: Picture, subjects: Iterable[Subject]) -> Picture:
    return replace(picture, stale=picture.stale.union(subjects))


_DICTATION = {"opening": "listening", "listening": "listening", "thinking": "thinking"}
"""What dictation does while its newest session is in a state."""
_EVENTS: dict[str, Callable[[Picture, Happened], Picture]] = {
    names.TOPIC_WORKER_STATE: _worker,
    names.TOPIC_QUEUE_STATE: _queue,
    names.TOPIC_BATCH_STATE: _batch,
    names.TOPIC_BATCH_PROGRESS: _batch,
    names.TOPIC_DICTATE_STATE: _dictation_state,
    names.TOPIC_DICTATE_LEVEL: _level,
    names.TOPIC_DICTATE_PARTIAL: _partial,
    names.TOPIC_HEALTH_STATE: _health,
    names.TOPIC_DAEMON_STATE: _daemon,
    names.TOPIC_CONFIG_STATE: _daemon,
}
_RULES: dict[type, Callable[..., Picture]] = {
    Connected: _connected,
    Disconnected: _disconnected,
    Happened: _happened,
    EventsLost: _events_lost,
    Asked: _asked,
    Unanswered: _unanswered,
    StatusCame: _status_came,
    ListCame: _list_came,
    BatchesCame: _batches_came,
    ItemsCame: _items_came,
    TranscriptsCame: _transcripts_came,
    Followed: _followed,
    WordsCame: _words_came,
    DictationCame: _dictation_came,
    HealthCame: _health_came,
    MethodUnknown: _method_unknown,
    Ordered: _ordered,
    Answered: _answered,
}
