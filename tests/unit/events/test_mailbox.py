"""What waits for one subscriber: the pure rule."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.events import COALESCE_INTERVAL, MOST_SEGMENTS, Event, EventsLostError, Mailbox
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


def segments(first: int, count: int, job: int = 1) -> Event:
    told = [{"text": f"{number}"} for number in range(first, first + count)]
    return Event(names.TOPIC_JOB_SEGMENT, 0.0, {"first": first, "segments": told}, job=job)


def test_segments_that_wait_are_joined_and_none_is_lost() -> None:
    mailbox = Mailbox(0)
    for event in (segments(0, 2), segments(2, 1), segments(0, 1, job=2), segments(3, 2)):
        mailbox.offer(event)
    assert taken(mailbox) == [segments(0, 5), segments(0, 1, job=2)]


def test_of_very_many_segments_the_newest_are_kept_and_say_where_they_begin() -> None:
    mailbox = Mailbox(0)
    for first in range(0, 3 * MOST_SEGMENTS, 10):
        mailbox.offer(segments(first, 10))
    assert taken(mailbox) == [segments(2 * MOST_SEGMENTS, MOST_SEGMENTS)]


def test_a_run_begun_anew_shows_its_own_segments() -> None:
    mailbox = Mailbox(0)
    mailbox.offer(segments(0, 3))
    mailbox.offer(segments(0, 1))
    assert taken(mailbox) == [segments(0, 1)]


def test_the_progress_of_very_many_jobs_does_not_pile_up() -> None:
    mailbox = Mailbox(0, capacity=3)
    for job in range(1, 10):
        mailbox.offer(progress(1.0, job=job))
    mailbox.offer(progress(2.0, job=8))
    assert [(event.job, event.data["done"]) for event in taken(mailbox)] == [(7, 1.0), (8, 2.0), (9, 1.0)]
