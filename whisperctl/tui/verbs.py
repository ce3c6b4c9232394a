"""What a person can do to jobs and batches, on which keys, and in which states it makes sense.

Owns: the tables of verbs, and which of a selection a verb is for. Leaves to others: the daemon decides, and may refuse;
these tables say what is worth offering.
"""

from collections.abc import Iterable
from typing import NamedTuple

from whisperctl import render
from whisperctl.tui.picture import Picture, Subject
from whisperctl.tui.rows import name_of


class Verb(NamedTuple):
    """`name` is the method's, after `job.` or `batch.`; `doing` is said until it is answered; what destroys `asks`."""

    name: str
    key: str
    doing: str
    jobs: tuple[str, ...]
    batches: tuple[str, ...]
    asks: bool = False


VERBS = (
    Verb("start", "s", "starting…", (), ("draft",)),
    Verb("pause", "p", "pausing…", ("queued", "running", "waiting"), ("running",)),
    Verb("resume", "r", "resuming…", ("paused",), ("paused",)),
    Verb("retry", "t", "queueing again…", ("failed", "cancelled", "completed"), ("completed_with_errors",)),
    Verb(
        "cancel", "c", "cancelling…", ("queued", "running", "waiting", "paused"), ("draft", "running", "paused"), True
    ),
    Verb(
        "delete",
        "d",
        "deleting…",
        ("failed", "cancelled", "completed"),
        ("draft", "completed", "completed_with_errors", "cancelled"),
        True,
    ),
)
BY_NAME = {verb.name: verb for verb in VERBS}


def state_of(picture: Picture, subject: Subject) -> str | None:
    """The state of a job or a batch; None of anything else, or where it is gone."""
    what, number = subject
    found = {"job": picture.jobs, "batch": picture.batches}.get(what, {}).get(number)
    return found["state"] if found else None


def meant(verb: Verb, picture: Picture, subjects: Iterable[Subject]) -> tuple[Subject, ...]:
    """Those of the subjects that the verb is for."""
    return tuple(
        subject
        for subject in subjects
        if state_of(picture, subject) in (verb.batches if subject[0] == "batch" else verb.jobs)
    )


def movable(picture: Picture, subjects: Iterable[Subject]) -> tuple[int, ...]:
    """The jobs among the subjects that have a place in the queue, in the queue's order."""
    asked = {number for what, number in subjects if what == "job"}
    return tuple(
        number for number in picture.listed("queue") if number in asked and picture.jobs[number]["place"] is not None
    )


def described(subjects: "tuple[Subject, ...]") -> str:
    """`job 12`, `3 jobs`, `2 jobs and 1 batch`."""
    parts: list[str] = []
    for what, plural in (("job", "jobs"), ("batch", "batches")):
        numbers = [number for kind, number in subjects if kind == what]
        if len(numbers) == 1:
            parts.append(f"{what} {numbers[0]}")
        elif numbers:
            parts.append(f"{len(numbers):,} {plural}")
    return " and ".join(parts)


def consequences(verb: Verb, picture: Picture, meant: "tuple[Subject, ...]") -> str:
    """What a question says besides what is asked: names, and what goes and what stays."""
    labels = [name_of(picture.jobs[number]) for what, number in meant[:3] if what == "job"]
    labels += [render.safe(picture.batches[number]["name"]) for what, number in meant[:3] if what == "batch"]
    more = ", …" if len(meant) > len(labels) else ""
    kinds = {what for what, _ in meant}
    effects = {
        ("cancel", "job"): "What was transcribed so far is kept for a retry.",
        ("cancel", "batch"): "Items that are finished stay.",
        ("delete", "job"): "Transcripts go with their jobs.",
        ("delete", "batch"): "Its jobs go with it; transcripts stay in the history.",
    }
    return " ".join([f"{', '.join(labels)}{more}.", *(effects[verb.name, kind] for kind in sorted(kinds))])


def place_in_class(picture: Picture, number: int) -> int:
    """A queued job's place among those of its class, from 1: what `job.move` counts."""
    priority = picture.jobs[number]["priority"]
    of_class = [job for job in picture.listed("queue") if picture.jobs[job]["priority"] == priority]
    return of_class.index(number) + 1
