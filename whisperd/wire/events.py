"""Parameters and results of `events.*`, and the notifications that carry events.

Owns: these shapes. Leaves to others: the topics (`names`), and the data of dictation's events (`dictate`).
"""

from typing import Any

from msgspec import Struct

from whisperd.wire.types import JobId, Params, Seq


class SubscribeParams(Params, frozen=True):
    """`topics`, `jobs` and `batches` filter (empty: all); an event of a batch's item is one of the batch. With `since`,
    stored events after that `seq` come first."""

    topics: list[str] = []
    jobs: list[JobId] = []
    batches: list[JobId] = []
    since: Seq | None = None


class SubscribeResult(Struct, frozen=True):
    """`seq` is the newest stored event's at the time of subscribing. Events up to `pruned` are not kept any more: who
    asked for some of these by `since` does not get them, and should look at the state of things anew."""

    subscription: int
    seq: int
    pruned: int = 0


class UnsubscribeParams(Params, frozen=True):
    subscription: int


class UnsubscribeResult(Struct, frozen=True):
    unsubscribed: bool


class EventView(Struct, frozen=True, omit_defaults=True):
    """Parameters of an `event` notification. State events have a `seq`; progress has none."""

    subscription: int
    topic: str
    at: str
    data: dict[str, Any]
    seq: int | None = None
    job: int | None = None
    batch: int | None = None


class EventsLostView(Struct, frozen=True):
    """The reader was too slow and the subscription ended; subscribe again with `since` (and look at `pruned`)."""

    subscription: int
    since: int
