"""Subscriptions as iterators, and the hand-over from stored to live events."""

import anyio
import pytest

from tests.harness import PATIENCE
from whisperd.events import Event, EventBus, EventsLostError, Filter
from whisperd.wire import names

pytestmark = pytest.mark.anyio


def state(seq: int, job: int = 1) -> Event:
    return Event(names.TOPIC_JOB_STATE, 0.0, {}, seq=seq, job=job)


def progress(done: float) -> Event:
    return Event(names.TOPIC_JOB_PROGRESS, 0.0, {"done": done}, job=1)


class Log:
    """Committed events, and a bus that is told of them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.bus = EventBus(0)
        self.reads: list[int] = []

    def commit(self, job: int = 1) -> None:
        self.events.append(state(len(self.events) + 1, job))
        self.bus.publish(self.events[-1])

    async def replay(self, since: int, wanted: Filter, limit: int) -> list[Event]:
        self.reads.append(since)
        page = [event for event in self.events[since:] if wanted.wants(event)][:limit]
        await anyio.lowlevel.checkpoint()
        return page


async def test_a_subscriber_sees_only_what_it_asked_for() -> None:
    bus = EventBus(0)
    with bus.subscribe([names.TOPIC_JOB_STATE], [2]) as subscription:
        bus.publish(state(1, job=1))
        bus.publish(progress(0.5))
        bus.publish(Event(names.TOPIC_QUEUE_STATE, 0.0, {}, seq=2))
        bus.publish(state(3, job=2))
        assert await anext(subscription) == state(3, job=2)


async def test_a_waiting_subscriber_is_woken_by_an_event() -> None:
    bus = EventBus(0)
    seen: list[Event] = []

    async def read() -> None:
        async for event in subscription:
            seen.append(event)
            if len(seen) == 3:
                return

    with bus.subscribe() as subscription, anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            bus.publish(progress(0.1))
            await anyio.wait_all_tasks_blocked()
            bus.publish(progress(0.2))
            bus.publish(progress(0.3))
            bus.publish(state(1, job=2))
    assert seen == [progress(0.1), state(1, job=2), progress(0.3)]


async def test_closing_ends_the_iteration_of_a_waiting_reader() -> None:
    bus = EventBus(0)
    subscription = bus.subscribe()
    seen: list[Event] = []

    async def read() -> None:
        seen.extend([event async for event in subscription])

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            subscription.close()
    bus.publish(state(1))
    assert seen == []


async def test_a_slow_subscriber_is_told_where_to_resume_while_another_sees_all() -> None:
    bus = EventBus(0)
    with bus.subscribe(capacity=3) as slow, bus.subscribe(capacity=100) as fast:
        for seq in range(1, 11):
            bus.publish(state(seq))
        assert [(await anext(fast)).seq for _ in range(10)] == list(range(1, 11))
        assert [(await anext(slow)).seq for _ in range(3)] == [1, 2, 3]
        with pytest.raises(EventsLostError) as lost:
            await anext(slow)
        assert lost.value.since == slow.position == 3


@pytest.mark.parametrize("page", [1, 2, 7, 100])
async def test_stored_then_live_events_have_no_gap_and_no_double_while_new_ones_are_committed(page: int) -> None:
    log = Log()
    for _ in range(20):
        log.commit()
    seen: list[int] = []
    with log.bus.subscribe(capacity=4) as subscription:
        async for event in subscription.follow(5, log.replay, page):
            assert event.seq is not None
            seen.append(event.seq)
            if len(log.events) < 40:
                log.commit()
            if event.seq == 40:
                break
    assert seen == list(range(6, 41))


async def test_events_committed_while_a_page_is_read_are_not_missed() -> None:
    log = Log()
    log.commit()

    async def replay(since: int, wanted: Filter, limit: int) -> list[Event]:
        page = await log.replay(since, wanted, limit)
        log.commit()  # after the reading, before the reader has it
        return page

    with log.bus.subscribe() as subscription, anyio.fail_after(PATIENCE):
        events = subscription.follow(0, replay)
        assert [(await anext(events)).seq, (await anext(events)).seq] == [1, 2]
        await events.aclose()


async def test_catching_up_slowly_loses_nothing_however_much_happens_meanwhile() -> None:
    log = Log()
    for _ in range(6):
        log.commit()
    seen: list[int | None] = []
    with log.bus.subscribe(capacity=2) as subscription:
        async for event in subscription.follow(0, log.replay, page=3):
            if event.seq is not None and event.seq <= 6:
                for _ in range(3):  # more than the mailbox holds
                    log.commit()
            seen.append(event.seq)
            if event.seq == len(log.events):
                break
    assert seen == list(range(1, 25))


async def test_a_since_of_another_database_is_followed_from_now() -> None:
    log = Log()
    log.commit()
    with log.bus.subscribe() as subscription, anyio.fail_after(PATIENCE):
        events = subscription.follow(5_000, log.replay)
        log.commit()
        assert (await anext(events)).seq == 2
        await events.aclose()
