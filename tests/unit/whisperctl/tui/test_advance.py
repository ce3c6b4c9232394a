"""The rule by which answers and events change what the live view knows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.whisperctl.tui.making import COUNTS, batch, in_state, picture_of, status, worker
from whisperctl.tui import picture as known
from whisperctl.tui.advance import advance
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
    Input,
    ItemsCame,
    JobsCame,
    ListCame,
    MethodUnknown,
    Ordered,
    StatusCame,
    Unanswered,
    WordsCame,
)
from whisperctl.tui.picture import EVERYTHING, LIST_OF_STATE, LISTS, Picture


def after(picture: Picture, *inputs: Input) -> Picture:
    return advance(picture, inputs)


def lists(picture: Picture) -> dict[str, tuple[int, ...]]:
    return {name: numbers for name, numbers in picture.lists.items() if numbers}


def test_every_list_is_in_the_order_in_which_a_person_reads_it() -> None:
    picture = picture_of(
        *(in_state(number, state) for number, state in enumerate(["queued", "queued", "running", "running"], 1)),
        in_state(9, "waiting", retry_at="2026-01-01T00:09:00.000Z"),
        in_state(8, "waiting", retry_at="2026-01-01T00:01:00.000Z"),
        *(in_state(number, state) for number, state in ((21, "failed"), (22, "failed"), (31, "completed"))),
        in_state(32, "cancelled"),
        in_state(40, "paused"),
    )
    assert lists(picture) == {
        known.QUEUE: (1, 2),
        known.RUNNING: (3, 4),
        known.WAITING: (8, 9),
        known.FAILED: (22, 21),
        known.ENDED: (32, 31),
        known.PAUSED: (40,),
    }


@pytest.mark.parametrize("state", LIST_OF_STATE)
def test_a_state_event_moves_a_job_at_once_and_asks_for_the_rest_of_it(state: str) -> None:
    before = picture_of(in_state(1, "running"), in_state(2, "queued"))
    picture = after(before, Happened("job.state", {"state": state}, 1))
    assert 1 in picture.listed(LIST_OF_STATE[state])
    assert sum(1 in numbers for numbers in picture.lists.values()) == 1
    assert ("job", 1) in picture.stale
    assert (known.HISTORY in picture.stale) == (state == "completed")


def test_counts_follow_what_events_tell_until_the_daemons_own_come() -> None:
    before = picture_of(in_state(1, "running"), queue={**COUNTS, "running": 1, "queued": 9})
    picture = after(before, Happened("job.state", {"state": "paused"}, 1))
    assert [picture.counted(state) for state in ("running", "paused", "queued")] == [0, 1, 9]
    assert after(picture, StatusCame(status())).counted("paused") == 0


def test_progress_changes_a_running_job_and_nothing_else() -> None:
    before = picture_of(in_state(1, "running"), in_state(2, "paused", progress=0.25))
    told = {"progress": 0.5, "done": 5.0, "speed": 4.0, "eta": 2.0, "stage": "writing", "unheard_of": 1}
    picture = after(before, Happened("job.progress", told, 1), Happened("job.progress", told, 2))
    assert picture.jobs[1] == {
        **before.jobs[1],
        "progress": 0.5,
        "done": 5.0,
        "speed": 4.0,
        "eta": 2.0,
        "stage": "writing",
    }
    assert picture.jobs[2] == before.jobs[2]
    assert (picture.lists, picture.stale) == (before.lists, before.stale)


def test_a_job_that_comes_into_the_queue_takes_its_place_there() -> None:
    before = picture_of(*(in_state(number, "queued") for number in (1, 2, 3)))
    picture = after(before, JobsCame((9, 8), (in_state(9, "queued", place=2), in_state(8, "queued", place=None))))
    assert picture.listed(known.QUEUE) == (1, 9, 2, 3, 8)


def test_what_an_answer_leaves_out_is_gone() -> None:
    before = after(picture_of(in_state(1, "queued"), in_state(2, "failed")), BatchesCame((batch(7),)))
    before = after(before, ItemsCame(7, batch(7), (in_state(1, "queued"), in_state(2, "failed"))))
    picture = after(before, JobsCame((1, 2), (in_state(2, "failed"),)))
    assert (set(picture.jobs), picture.items[7], picture.listed(known.QUEUE)) == ({2}, (2,), ())


def test_only_the_last_ended_jobs_are_remembered_but_items_of_batches_always() -> None:
    ended = [in_state(number, "completed", finished_at=f"2026-01-01T00:{number:02}:00.000Z") for number in range(60)]
    items = ItemsCame(7, batch(7), (ended[0],))
    picture = after(picture_of(), items, ListCame(known.ENDED, tuple(ended)))
    assert picture.listed(known.ENDED) == tuple(range(59, 9, -1))
    assert set(picture.jobs) == {0, *range(10, 60)}


def test_a_running_job_that_the_status_does_not_know_is_asked_for() -> None:
    before = picture_of(in_state(1, "running"))
    picture = after(before, StatusCame(status(in_state(2, "running"), workers=[worker("background", job=2)])))
    assert picture.listed(known.RUNNING) == (1, 2)
    assert ("job", 1) in picture.stale
    assert picture.workers["background"]["job"] == 2


def test_asking_makes_fresh_and_what_happens_meanwhile_stays_stale() -> None:
    asked = after(
        picture_of(in_state(1, "running")), Unanswered(frozenset({("job", 1)})), Asked(frozenset({("job", 1)}))
    )
    assert ("job", 1) not in asked.stale
    happened = after(asked, Happened("job.state", {"state": "paused"}, 1), JobsCame((1,), (in_state(1, "running"),)))
    assert ("job", 1) in happened.stale


def test_a_daemon_that_is_gone_leaves_the_picture_and_a_new_one_makes_all_of_it_stale() -> None:
    before = after(picture_of(in_state(1, "running")), ItemsCame(7, batch(7), ()), Ordered((("job", 1),), "pausing…"))
    gone = after(before, Disconnected("it closed the connection", "wait", 10.0), Disconnected("no socket", None, 11.0))
    assert gone.gone is not None
    assert (gone.gone.message, gone.gone.at, gone.jobs, gone.pending) == ("no socket", 10.0, before.jobs, {})
    back = after(replace(gone, unknown=frozenset({"health"})), Connected())
    assert back.gone is None
    assert back.stale == EVERYTHING | {("items", 7)}
    assert back.unknown == frozenset()


def test_a_method_that_the_daemon_lacks_is_remembered() -> None:
    assert after(picture_of(), MethodUnknown("batches")).unknown == {"batches"}


def test_what_was_ordered_is_shown_until_it_is_done_or_answered() -> None:
    before = after(
        picture_of(in_state(1, "running"), in_state(2, "queued")), Ordered((("job", 1), ("job", 2)), "pausing…")
    )
    assert before.pending == {("job", 1): "pausing…", ("job", 2): "pausing…"}
    done = after(before, Happened("job.state", {"state": "paused"}, 1))
    assert done.pending == {("job", 2): "pausing…"}
    assert after(done, Answered((("job", 1), ("job", 2)))).pending == {}


def test_the_queue_is_asked_for_anew_when_a_job_was_moved_in_it_or_it_was_paused() -> None:
    before = picture_of(in_state(1, "queued"))
    moved = after(before, Happened("job.state", {"state": "queued", "reason": "moved to place 1"}, 1))
    paused = after(before, Happened("queue.state", {"paused": True}))
    assert (known.QUEUE, 0) in moved.stale
    assert (known.QUEUE, 0) in paused.stale
    assert paused.paused


def test_batch_events_change_what_they_tell_and_ask_for_unfolded_items() -> None:
    before = after(picture_of(), BatchesCame((batch(7), batch(8))), ItemsCame(7, batch(7), ()))
    moved = after(before, Happened("batch.progress", {"progress": 0.75, "unheard_of": 1}, batch=7))
    assert moved.batches[7] == {**batch(7), "progress": 0.75}
    assert moved.stale == before.stale
    ended = after(before, Happened("batch.state", {"state": "completed", "items": {"failed": 2}}, batch=7))
    assert ended.batches[7] == {**batch(7, "completed"), "items": {**batch(7)["items"], "failed": 2}}
    assert ended.stale == before.stale | {known.BATCHES, ("items", 7)}
    assert after(ended, ItemsCame(7, None, ())).batches == {8: batch(8)}


def test_dictation_shows_level_and_words_while_somebody_speaks_and_forgets_them_after() -> None:
    picture = after(
        picture_of(),
        DictationCame({"state": "idle", "sessions": [], "device": "USB"}),
        Happened("dictate.state", {"session": 1, "state": "opening"}),
        Happened("dictate.state", {"session": 1, "state": "listening"}),
        Happened("dictate.level", {"session": 1, "level": 0.1, "peak": 0.4}),
        Happened("dictate.partial", {"session": 1, "committed": "hello ", "text": "wor"}),
    )
    dictation = picture.dictation
    assert dictation.status is not None
    assert (dictation.status["state"], dictation.status["device"]) == ("listening", "USB")
    assert (dictation.level, dictation.peak, dictation.heard) == (0.1, 0.4, "hello wor")
    thinking = after(picture, Happened("dictate.state", {"session": 1, "state": "thinking"})).dictation
    assert (thinking.status, thinking.level, thinking.heard) == ({**dictation.status, "state": "thinking"}, 0.0, "")
    assert known.DICTATION in picture.stale


def test_the_words_of_the_job_that_is_followed_are_asked_for_whenever_it_has_come_further() -> None:
    words = ({"start": 0.0, "end": 1.0, "text": " hello"},)
    begun = after(picture_of(in_state(1, "running"), in_state(2, "running")), Followed(1))
    assert begun.stale == {("words", 1)}
    asked = after(begun, Asked(begun.stale), WordsCame(1, words), WordsCame(2, ()))
    assert (asked.words, asked.stale) == (words, frozenset())
    moved = after(asked, Happened("job.progress", {"done": 2.0}, 2), Happened("job.progress", {"done": 2.0}, 1))
    assert moved.stale == {("words", 1)}
    assert after(moved, Followed(None)).words == ()


def test_an_event_of_an_unknown_topic_changes_nothing() -> None:
    picture = picture_of(in_state(1, "queued"))
    assert after(picture, Happened("weather.state", {"rain": True}, 1)) == picture


# -- a daemon to whom anything happens --------------------------------------------------------------------------------


class SimulatedDaemon:
    """Jobs that change at random; tells events, and answers what is stale."""

    def __init__(self) -> None:
        self.states: dict[int, str] = {}
        self.queue: list[int] = []
        self.ends = 0
        self._ended_at: dict[int, str] = {}

    def change(self, kind: str, choice: int) -> list[Input]:
        change: Callable[[int], int | None] = getattr(self, f"_{kind}")
        number = change(choice)
        if number is None:
            return []
        return [Happened("job.state", {"state": self.states[number]}, number)]

    def view(self, number: int) -> Any:
        state = self.states[number]
        if state == "queued":
            return in_state(number, state, place=self.queue.index(number) + 1)
        return in_state(number, state, finished_at=self._ended_at.get(number))

    def answers(self, stale: frozenset[known.Subject]) -> list[Input]:
        """To every question about jobs, which are all asked before any is answered."""
        numbers = tuple(number for what, number in stale if what == "job")
        inputs: list[Input] = [
            Asked(stale),
            JobsCame(numbers, tuple(self.view(n) for n in numbers if n in self.states)),
        ]
        inputs += [ListCame(name, tuple(map(self.view, self.listed(name)))) for name in LISTS if (name, 0) in stale]
        return inputs

    def listed(self, name: str) -> list[int]:
        if name == known.QUEUE:
            return self.queue
        return [number for number, state in self.states.items() if LIST_OF_STATE[state] == name]

    def _submit(self, _choice: int) -> int:
        number = len(self.states) + 1
        self.states[number] = "queued"
        self.queue.append(number)
        return number

    def _start(self, _choice: int) -> int | None:
        if not self.queue:
            return None
        number = self.queue.pop(0)
        self.states[number] = "running"
        return number

    def _end(self, choice: int) -> int | None:
        return self._leave("running", choice, ["completed", "failed", "waiting", "paused", "cancelled"][choice % 5])

    def _pause(self, choice: int) -> int | None:
        return self._leave("queued", choice, "paused")

    def _again(self, choice: int) -> int | None:
        number = self._leave(["paused", "failed", "completed"][choice % 3], choice, "queued")
        if number is not None:
            self.queue.append(number)
        return number

    def _move(self, choice: int) -> int | None:
        if not self.queue:
            return None
        number = self.queue.pop(choice % len(self.queue))
        self.queue.insert(0, number)
        return number

    def _leave(self, state: str, choice: int, to: str) -> int | None:
        of_state = [number for number, found in self.states.items() if found == state]
        if not of_state:
            return None
        number = of_state[choice % len(of_state)]
        self.states[number] = to
        if number in self.queue:
            self.queue.remove(number)
        self.ends += 1
        if to in ("completed", "failed", "cancelled"):
            self._ended_at[number] = f"2026-01-01T00:00:00.{self.ends:03}Z"
        else:
            self._ended_at.pop(number, None)
        return number


CHANGES = st.tuples(st.sampled_from(["submit", "submit", "start", "end", "pause", "again", "move"]), st.integers(0, 20))
STEPS = st.lists(CHANGES | st.sampled_from(["ask", "lose"]), max_size=40)


@settings(max_examples=150)
@given(STEPS)
def test_whatever_happens_the_picture_is_the_daemons_once_all_that_is_stale_was_asked_for(steps: list[Any]) -> None:
    daemon = SimulatedDaemon()
    picture = Picture(connected=True)
    late: list[Input] = []
    for step in steps:
        if step == "ask":
            picture = after(picture, *late[1:])
            late = daemon.answers(picture.stale)
            picture = after(picture, late[0])  # the answers come after what happens meanwhile
        elif step == "lose":
            picture = after(picture, *late[1:], EventsLost())
            late = []
        else:
            picture = after(picture, *daemon.change(*step))
            picture = after(picture, *late[1:]) if step[1] % 2 else picture
            late = [] if step[1] % 2 else late
    picture = after(picture, *late[1:])
    while picture.stale:
        picture = after(picture, *daemon.answers(picture.stale))
    assert lists(picture) == lists(
        after(Picture(), *(ListCame(name, tuple(map(daemon.view, daemon.listed(name)))) for name in LISTS))
    )
    assert {number: job["state"] for number, job in picture.jobs.items()} == daemon.states
