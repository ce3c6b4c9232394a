"""How answers and events change the picture: one pure rule.

Owns: `advance` and its rules, one for each kind of input and of event. Leaves to others: the inputs
(`whisperctl.tui.inputs`), which list a job is in (`whisperctl.tui.job_lists`), asking (`whisperctl.tui.inquiry`). An
event changes at once what it tells, and marks as stale what else it may have changed; that is asked for, so that a lost
event loses nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from whisperctl.shapes import Job, Json, Params
from whisperctl.tui import picture as known
from whisperctl.tui.inputs import (
    Answered,
    Asked,
    BatchesCame,
    Connected,
    DictationCame,
    Disconnected,
    EventsLost,
    Followed,
    Happened,
    HealthCame,
    Input,
    ItemsCame,
    JobsCame,
    ListCame,
    MethodUnknown,
    Ordered,
    StatusCame,
    TranscriptsCame,
    Unanswered,
    WordsCame,
)
from whisperctl.tui.job_lists import pruned, with_jobs, with_list
from whisperctl.tui.picture import EVERYTHING, Gone, Picture, Subject
from whisperd.wire import names

PROGRESS = ("stage", "progress", "done", "duration", "speed", "eta")
"""What a progress event may change in a job."""


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


# -- inputs other than events -----------------------------------------------------------------------------------------


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


def _list_came(picture: Picture, given: ListCame) -> Picture:
    return with_list(picture, given.name, given.jobs)


def _batches_came(picture: Picture, given: BatchesCame) -> Picture:
    batches = {batch["id"]: batch for batch in given.batches}
    items = {number: jobs for number, jobs in picture.items.items() if number in batches}
    return pruned(replace(picture, batches=batches, items=items))


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
