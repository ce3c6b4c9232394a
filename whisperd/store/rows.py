"""A job's row as a value, and how each field is kept in its column.

Owns: `JobRow`, `JobChanges` and the conversions between them and columns. Leaves to others: the queries (`jobs`) and
the columns' definitions (`migrations`). Times are unix seconds.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from whisperd.frames import FailureKind, FileIdentity
from whisperd.jobs.job import Failure, Kind, Options, Output, Priority, State


class JobRow(Struct, frozen=True):
    """Everything stored about a job but its checkpoint and its transcript.

    `queued_at` is when it took its place in the queue, which it keeps through preemption, pause and waiting.
    `attempts` are the failures charged so far, `failures` the same by kind. `unfinished_starts` are the starts since
    the last stored checkpoint that the daemon did not live to end (the one under way included). `done` is the seconds
    of audio transcribed and stored, `processing_time` the seconds of computing that took. `model` is the model's name
    once chosen. `hold` says what keeps a queued job from starting. `partial`, `missing`, `unheard` and `confidence`
    are the finished transcript's, here for lists. `outputs_due_at` is when files that could not be written are tried
    again. `path` is the name that the file came with, `moved_to` where it went while it waited.
    `size` is the file's bytes, `batch` the batch whose item it is. Jobs of one `company` may be in progress beside each
    other; one that is to be `alone` may not, until it has stored a checkpoint.
    """

    id: int
    kind: Kind
    priority: Priority
    position: int
    state: State
    path: bytes
    size: int | None
    batch: int | None
    company: str | None
    alone: bool
    options: Options
    key: str | None
    hold: str | None
    created_at: float
    queued_at: float
    started_at: float | None
    finished_at: float | None
    retry_at: float | None
    attempts: int
    failures: dict[FailureKind, int]
    unfinished_starts: int
    error: Failure | None
    duration: float | None
    done: float
    processing_time: float
    identity: FileIdentity | None
    fingerprint: str | None
    batch_size: int | None
    language: str | None
    language_probability: float | None
    model: str | None
    device: str | None
    partial: bool | None
    missing: float | None
    unheard: float | None
    confidence: float | None
    outputs: tuple[Output, ...]
    outputs_due_at: float | None
    outputs_tries: int
    notes: tuple[str, ...]
    moved_to: bytes | None

    @property
    def audio(self) -> bytes:
        """Where the file is now."""
        return self.moved_to or self.path


class JobChanges(Struct, frozen=True, kw_only=True):
    """New values for some of a job's fields; what is UNSET stays as it is."""

    priority: Priority | UnsetType = UNSET
    position: int | UnsetType = UNSET
    hold: str | UnsetType | None = UNSET
    retry_at: float | UnsetType | None = UNSET
    attempts: int | UnsetType = UNSET
    failures: dict[FailureKind, int] | UnsetType = UNSET
    unfinished_starts: int | UnsetType = UNSET
    error: Failure | UnsetType | None = UNSET
    duration: float | UnsetType | None = UNSET
    done: float | UnsetType = UNSET
    processing_time: float | UnsetType = UNSET
    identity: FileIdentity | UnsetType | None = UNSET
    fingerprint: str | UnsetType | None = UNSET
    batch_size: int | UnsetType | None = UNSET
    language: str | UnsetType | None = UNSET
    language_probability: float | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    device: str | UnsetType | None = UNSET
    partial: bool | UnsetType | None = UNSET
    missing: float | UnsetType | None = UNSET
    unheard: float | UnsetType | None = UNSET
    confidence: float | UnsetType | None = UNSET
    outputs: tuple[Output, ...] | UnsetType = UNSET
    outputs_due_at: float | UnsetType | None = UNSET
    outputs_tries: int | UnsetType = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET
    moved_to: bytes | UnsetType | None = UNSET
    size: int | UnsetType | None = UNSET
    batch: int | UnsetType | None = UNSET
    alone: bool | UnsetType = UNSET


COLUMNS: Final = ", ".join(JobRow.__struct_fields__)
"""The columns carry the fields' names, in the fields' order."""


def _nullable(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else decode(value)


_DECODERS: Final[dict[str, Callable[[Any], Any]]] = {
    "kind": Kind,
    "priority": Priority,
    "state": State,
    "options": msgspec.json.Decoder(Options).decode,
    "failures": msgspec.json.Decoder(dict[FailureKind, int]).decode,
    "error": _nullable(msgspec.json.Decoder(Failure).decode),
    "identity": _nullable(msgspec.json.Decoder(FileIdentity).decode),
    "alone": bool,
    "partial": _nullable(bool),
    "outputs": msgspec.json.Decoder(tuple[Output, ...]).decode,
    "notes": msgspec.json.Decoder(tuple[str, ...]).decode,
}
_CONVERSIONS: Final = tuple((JobRow.__struct_fields__.index(field), decode) for field, decode in _DECODERS.items())
_IN_JSON: Final = frozenset({"options", "failures", "error", "identity", "outputs", "notes"})


def job_row(columns: tuple[Any, ...]) -> JobRow:
    """The row of a query that selects `COLUMNS`."""
    values = list(columns)
    for index, decode in _CONVERSIONS:
        values[index] = decode(values[index])
    return JobRow(*values)


def column(field: str, value: object) -> object:
    """A field's value as its column keeps it."""
    if field in _IN_JSON and value is not None:
        return msgspec.json.encode(value).decode()
    return value


def changed(changes: JobChanges | None) -> dict[str, object]:
    """The fields that are to change, with their new values."""
    if changes is None:
        return {}
    values = {field: getattr(changes, field) for field in JobChanges.__struct_fields__}
    return {field: value for field, value in values.items() if value is not UNSET}
