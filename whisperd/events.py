"""Committed events to bounded subscribers.

Owns: what a subscriber is given and in which order, when it has fallen behind, and the hand-over from stored events to
live ones. Leaves to others: storing events (`whisperd.store`), and how they travel (`whisperd.rpc.subscriptions`).

An event with a `seq` is a committed row: it is delivered in order and exactly once, or the subscription ends and says
where to resume. An event without one (progress) is only worth its newest value, and coalesces.
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from types import TracebackType
from typing import Any, Final, Self

import anyio
import msgspec

from whisperd.wire import names

COALESCE_INTERVAL: Final = 0.5
"""Seconds between two progress events of one job to one subscriber."""

LEVEL_INTERVAL: Final = 0.1
"""The same for how loud it is: a meter that is slower does not look alive."""

CAPACITY: Final = 256
"""Stored events that wait for one subscriber before it counts as having fallen behind, and jobs whose progress does."""

MOST_SEGMENTS: Final = 100
"""Segments of one job that wait for one subscriber; `first` shows where older ones are missing."""

REPLAY_PAGE: Final = 256
"""Stored events read at once for a subscriber that catches up."""


class Event(msgspec.Struct, frozen=True):
    """Something that happened; `at` is in seconds since 1970. `seq` is None for what is not stored."""

    topic: str
    at: float
    data: dict[str, Any]
    seq: int | None = None
    job: int | None = None
    batch: int | None = None


class Filter(msgspec.Struct, frozen=True):
    """Which events a subscriber wants; an empty set wants all. An event of a batch's item is one of the batch."""

    topics: frozenset[str] = frozenset()
    jobs: frozenset[int] = frozenset()
    batches: frozenset[int] = frozenset()

    def wants(self, event: Event) -> bool:
        return (
            (not self.topics or event.topic in self.topics)
            and (not self.jobs or event.job in self.jobs)
            and (not self.batches or event.batch in self.batches)
        )


Replay = Callable[[int, Filter, int], Awaitable[list[Event]]]
"""`(since, wanted, limit)` to the first `limit` stored events after `since` that the filter wants, by `seq`; fewer than
`limit` only where there are no more."""


class EventsLostError(Exception):
    """The subscriber fell behind; everything up to the `seq` `since` was delivered, what follows is in the store."""

    def __init__(self, since: int) -> None:
        super().__init__(f"fell behind after event {since}")
        self.since = since


_Subject = tuple[str, int | None, str | None]
"""What an event that is not stored is the newest word on: its topic's job, batch, lane or model."""


_OUTDATED_BY: Final = {
    names.TOPIC_JOB_STATE: names.TOPIC_JOB_PROGRESS,
    names.TOPIC_BATCH_STATE: names.TOPIC_BATCH_PROGRESS,
}
"""The progress that a change of state makes untrue."""


def _subject(event: Event) -> tuple[int | None, str | None]:
    part = event.data.get("model" if event.topic == names.TOPIC_MODEL_PROGRESS else "lane")
    return (event.batch if event.job is None else event.job), part


def _joined(before: Event, after: Event) -> Event:
    """The newest segments of both, which follow each other; of a run begun anew, its own."""
    first, segments = before.data["first"], before.data["segments"]
    if after.data["first"] != first + len(segments):
        return after
    segments = [*segments, *after.data["segments"]]
    dropped = max(0, len(segments) - MOST_SEGMENTS)
    return msgspec.structs.replace(after, data={"first": first + dropped, "segments": segments[dropped:]})


class Mailbox:
    """What waits for one subscriber, as a pure rule on events and times: no clock, no task.

    Stored events come first and in order. Progress of one job or batch waits until `COALESCE_INTERVAL` after the last
    one, is replaced by a newer one, and is dropped when the state changes, so that it never follows a state that made
    it untrue. Segments of one job are joined.
    """

    def __init__(self, position: int, capacity: int = CAPACITY) -> None:
        """`position` is the newest `seq` that the subscriber has or does not want."""
        self.position = position
        self.overflowed = False
        self._capacity = capacity
        self._stored: deque[Event] = deque()
        self._latest: dict[_Subject, Event] = {}
        self._not_before: dict[_Subject, float] = {}

    def offer(self, event: Event) -> None:
        if event.topic in _OUTDATED_BY:
            self._latest.pop((_OUTDATED_BY[event.topic], *_subject(event)), None)
        if event.seq is None:
            self._note(event)
        elif event.seq <= self.position or self.overflowed:
            return
        elif len(self._stored) == self._capacity:
            self.overflowed = True
        else:
            self._stored.append(event)

    def _note(self, event: Event) -> None:
        subject = (event.topic, *_subject(event))
        before = self._latest.get(subject)
        if before is not None and event.topic == names.TOPIC_JOB_SEGMENT:
            event = _joined(before, event)
        elif before is None and len(self._latest) == self._capacity:
            del self._latest[next(iter(self._latest))]
        self._latest[subject] = event

    def take(self, now: float) -> Event | None:
        """The next event; None where none is due. Raises `EventsLostError` once all before the loss is taken."""
        while self._stored:
            event = self._stored.popleft()
            assert event.seq is not None  # only stored ones are here
            if event.seq > self.position:
                self.position = event.seq
                return event
        if self.overflowed:
            raise EventsLostError(self.position)
        self._not_before = {key: at for key, at in self._not_before.items() if at > now}
        for key in self._latest:
            if key not in self._not_before:
                is_level = key[0] == names.TOPIC_DICTATE_LEVEL
                self._not_before[key] = now + (LEVEL_INTERVAL if is_level else COALESCE_INTERVAL)
                return self._latest.pop(key)
        return None

    def due(self, now: float) -> float | None:
        """When `take` has something to give: `now`, later, or None where nothing waits."""
        if self._stored or self.overflowed:
            return now
        return min((max(now, self._not_before.get(key, now)) for key in self._latest), default=None)

    def forget_stored(self) -> None:
        """For a subscriber that is about to read these from the store."""
        self._stored.clear()
        self.overflowed = False


class Subscription:
    """A live subscriber: an async iterator of events that ends with `EventsLostError`, or when closed.

    A context manager; leaving it ends the subscription. One task may iterate.
    """

    def __init__(self, bus: "EventBus", wanted: Filter, mailbox: Mailbox) -> None:
        self.wanted = wanted
        self._bus = bus
        self._mailbox = mailbox
        self._news = anyio.Event()
        self._closed = False
        self.pruned = bus.pruned
        """The newest event that was not in the store any more when the subscription began."""

    @property
    def position(self) -> int:
        """The `seq` of the newest stored event that was delivered: where to resume."""
        return self._mailbox.position

    def offer(self, event: Event) -> None:
        if self.wanted.wants(event):
            self._mailbox.offer(event)
            self._news.set()

    def close(self) -> None:
        self._closed = True
        self._bus.remove(self)
        self._news.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._closed:
            self._news = anyio.Event()
            now = anyio.current_time()
            event = self._mailbox.take(now)
            if event is not None:
                return event
            due = self._mailbox.due(now)
            with anyio.move_on_at(float("inf") if due is None else due):
                await self._news.wait()
        raise StopAsyncIteration

    async def follow(self, since: int | None, replay: Replay, page: int = REPLAY_PAGE) -> AsyncGenerator[Event, None]:
        """Stored events after `since` (None: no stored ones), then live ones, without a gap and without one twice.

        At most one page is in memory, however slow the reader. Before each page what came in live is forgotten, since
        it is in the store by then; so only what follows the last page's reading waits in the mailbox, and if that is
        too much, there is another page. A `since` newer than every event comes from another database: it counts as the
        newest one's. What was pruned before is left out; raises EventsLostError where events are pruned meanwhile.
        """
        more = since is not None
        if since is not None:
            self._mailbox.position = min(max(since, self.pruned), self._mailbox.position)
        while more and not self._closed:
            self._mailbox.forget_stored()
            events = await replay(self._mailbox.position, self.wanted, page)
            if self._mailbox.position < self._bus.pruned:
                raise EventsLostError(self._mailbox.position)
            more = len(events) == page
            for event in events:
                if self._closed:
                    return
                assert event.seq is not None  # the store's are numbered
                self._mailbox.position = event.seq
                yield event
            more = more or self._mailbox.overflowed
        async for event in self:
            yield event


class EventBus:
    """Hands every published event to whoever wants it. For the event loop's thread only."""

    def __init__(self, newest: int, pruned: int = 0) -> None:
        """`newest` is the `seq` of the newest stored event, 0 for none; events up to `pruned` are not stored any more.

        Whoever prunes raises `pruned` first, so that nobody reads around a gap without being told.
        """
        self.newest = newest
        self.pruned = pruned
        self._subscriptions: set[Subscription] = set()

    def publish(self, event: Event) -> None:
        """To be called after the event's commit, in the order of `seq`. Never waits."""
        if event.seq is not None:
            self.newest = event.seq
        for subscription in self._subscriptions:
            subscription.offer(event)

    def subscribe(
        self,
        topics: Collection[str] = (),
        jobs: Collection[int] = (),
        capacity: int = CAPACITY,
        batches: Collection[int] = (),
    ) -> Subscription:
        """Everything published from now on of one of `topics`, one of `jobs` and one of `batches` (empty: any)."""
        wanted = Filter(frozenset(topics), frozenset(jobs), frozenset(batches))
        subscription = Subscription(self, wanted, Mailbox(self.newest, capacity))
        self._subscriptions.add(subscription)
        return subscription

    def __len__(self) -> int:
        """Subscribers."""
        return len(self._subscriptions)

    def remove(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
