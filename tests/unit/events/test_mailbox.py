"""What waits for one subscriber: the pure rule."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.events import COALESCE_INTERVAL, Event, EventsLostError, Mailbox
from whisperd.wire import names


def state(seq: int, job: int = 1, name: str = "running") -> Event:
    return Event(names.TOPIC_JOB_STATE, 0.0, {"state": name}, seq=seq, job=job)


def progress(done: float, job: int = 1) -> Event:
    return Event(names.TOPIC_JOB_PROGRESS, 0.0, {"done": done}, job=job)


def taken(mailbox: Mailbox, now: float = 0.0) -> list[Event]:
    events: list[Event] = []
    while (event := mailbox.take(now)) is not None:
        events.append(event)
    return events


def test_stored_events_come_in_order_and_once() -> None:
    mailbox = Mailbox(0)
    for seq in (1, 2, 2, 3):
        mailbox.offer(state(seq))
    assert [event.seq for event in taken(mailbox)] == [1, 2, 3]
    mailbox.offer(state(3))
    assert taken(mailbox) == []
    assert mailbox.position == 3


def test_a_full_mailbox_gives_what_it_holds_and_then_says_from_where_to_resume() -> None:
    mailbox = Mailbox(7, capacity=2)
    for seq in (8, 9, 10, 11):
        mailbox.offer(state(seq))
    assert [mailbox.take(0).seq, mailbox.take(0).seq] == [8, 9]  # type: ignore[union-attr]
    with pytest.raises(EventsLostError) as lost:
        mailbox.take(0)
    assert lost.value.since == 9


def test_nothing_is_taken_in_after_a_loss_so_that_there_is_no_gap() -> None:
    mailbox = Mailbox(0, capacity=1)
    mailbox.offer(state(1))
    mailbox.offer(state(2))
    assert mailbox.take(0) == state(1)
    mailbox.offer(state(3))
    with pytest.raises(EventsLostError):
        mailbox.take(0)


def test_progress_goes_out_at_once_and_then_twice_a_second_with_the_newest_value() -> None:
    mailbox = Mailbox(0)
    mailbox.offer(progress(1))
    assert taken(mailbox, 10.0) == [progress(1)]
    mailbox.offer(progress(2))
    mailbox.offer(progress(3))
    assert taken(mailbox, 10.1) == []
    assert mailbox.due(10.1) == 10.0 + COALESCE_INTERVAL
    assert taken(mailbox, 10.0 + COALESCE_INTERVAL) == [progress(3)]
    assert mailbox.due(11) is None


def test_one_jobs_progress_does_not_hold_back_anothers() -> None:
    mailbox = Mailbox(0)
    mailbox.offer(progress(1, job=1))
    mailbox.offer(progress(1, job=2))
    assert taken(mailbox) == [progress(1, job=1), progress(1, job=2)]


@pytest.mark.parametrize("name", ["completed", "failed", "cancelled", "paused", "queued"])
def test_progress_never_follows_a_state_that_made_it_untrue(name: str) -> None:
    mailbox = Mailbox(0)
    mailbox.offer(progress(0.9, job=1))
    mailbox.offer(progress(0.5, job=2))
    mailbox.offer(state(1, job=1, name=name))
    assert taken(mailbox) == [state(1, job=1, name=name), progress(0.5, job=2)]


def test_progress_is_dropped_by_its_jobs_state_even_where_the_state_is_already_known() -> None:
    mailbox = Mailbox(5)
    mailbox.offer(progress(0.9))
    mailbox.offer(state(5, name="completed"))
    assert taken(mailbox) == []


actions = st.lists(st.sampled_from(["state", "progress", "take", "wait"]), max_size=80)


@given(actions, st.integers(1, 5))
def test_no_sequence_of_offers_and_takes_skips_or_repeats_a_stored_event(steps: list[str], capacity: int) -> None:
    mailbox = Mailbox(0, capacity)
    now, seq = 0.0, 0
    seen: list[int] = []
    progress_at: list[float] = []
    lost: int | None = None
    for step in steps:
        if step == "state":
            seq += 1
            mailbox.offer(state(seq, job=2))
        elif step == "progress":
            mailbox.offer(progress(now))
        elif step == "wait":
            now += 0.2
        else:
            due = mailbox.due(now)
            try:
                event = mailbox.take(now)
            except EventsLostError as error:
                lost = error.since
                break
            assert (event is not None) == (due is not None and due <= now)
            if event is not None and event.seq is not None:
                seen.append(event.seq)
            elif event is not None:
                progress_at.append(now)
    assert seen == list(range(1, len(seen) + 1))
    assert lost is None or lost == len(seen)
    gaps = [later - earlier for earlier, later in itertools.pairwise(progress_at)]
    assert all(gap >= COALESCE_INTERVAL - 1e-9 for gap in gaps)
