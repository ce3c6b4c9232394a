"""Which question comes next, and which verb is for what."""

from dataclasses import replace

import pytest

from tests.unit.whisperctl.tui.making import batch, in_state, picture_of
from whisperctl.tui import picture as known
from whisperctl.tui import verbs
from whisperctl.tui.advance import advance
from whisperctl.tui.inputs import BatchesCame, Disconnected
from whisperctl.tui.inquiry import choose
from whisperctl.tui.picture import Subject
from whisperd.jobs.job import State
from whisperd.jobs.transitions import TRANSITIONS, Command


def anything(_subject: Subject) -> bool:
    return True


def test_changed_jobs_are_asked_for_together_and_before_everything_else() -> None:
    picture = replace(picture_of(), stale=frozenset({known.STATUS, ("job", 2), ("job", 1), (known.QUEUE, 0)}))
    assert choose(picture, anything, {}, 0.0) == (frozenset({("job", 1), ("job", 2)}), None)


def test_a_kind_that_was_just_asked_for_waits_while_others_go_on() -> None:
    picture = replace(picture_of(), stale=frozenset({known.STATUS, (known.QUEUE, 0)}))
    assert choose(picture, anything, {"status": 5.0}, 4.0) == (frozenset({(known.QUEUE, 0)}), None)
    assert choose(picture, anything, {"status": 5.0, known.QUEUE: 7.0}, 4.0) == (frozenset(), 1.0)


def test_what_nobody_sees_is_not_asked_for() -> None:
    picture = replace(picture_of(), stale=frozenset({known.HISTORY}))
    assert choose(picture, lambda subject: subject != known.HISTORY, {}, 0.0) == (frozenset(), None)


def test_a_daemon_that_is_gone_is_asked_nothing() -> None:
    picture = advance(replace(picture_of(), stale=frozenset({known.STATUS})), [Disconnected("gone", None, 0.0)])
    assert choose(picture, anything, {}, 0.0) == (frozenset(), None)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", [Command.PAUSE, Command.RESUME, Command.CANCEL, Command.RETRY])
def test_a_verb_is_offered_where_the_daemon_allows_it(state: State, command: Command) -> None:
    picture = picture_of(in_state(1, state.value))
    offered = bool(verbs.meant(verbs.BY_NAME[command.value], picture, (("job", 1),)))
    assert offered == (command in TRANSITIONS[state])


@pytest.mark.parametrize("state", State)
def test_deleting_is_offered_for_finished_jobs(state: State) -> None:
    picture = picture_of(in_state(1, state.value))
    assert bool(verbs.meant(verbs.BY_NAME["delete"], picture, (("job", 1),))) == state.final


def test_of_a_selection_a_verb_takes_what_it_is_for() -> None:
    picture = advance(
        picture_of(in_state(1, "running"), in_state(2, "paused")), [BatchesCame((batch(7), batch(8, "draft")))]
    )
    chosen: tuple[Subject, ...] = (("job", 1), ("job", 2), ("job", 99), ("batch", 7), ("batch", 8))
    assert verbs.meant(verbs.BY_NAME["pause"], picture, chosen) == (("job", 1), ("batch", 7))
    assert verbs.meant(verbs.BY_NAME["start"], picture, chosen) == (("batch", 8),)


def test_only_jobs_with_a_place_can_be_moved_and_go_in_the_queues_order() -> None:
    picture = picture_of(
        in_state(1, "queued", place=1),
        in_state(2, "queued", place=2, priority="low"),
        in_state(3, "queued", place=3, priority="low"),
        in_state(4, "queued", place=None),
    )
    assert verbs.movable(picture, tuple(("job", number) for number in (4, 3, 1))) == (1, 3)
    assert [verbs.place_in_class(picture, number) for number in (1, 2, 3)] == [1, 1, 2]


def test_a_question_names_what_it_is_about_and_what_stays() -> None:
    picture = picture_of(*(in_state(number, "queued", path=f"/a/{number}.wav") for number in range(1, 6)))
    subjects: tuple[Subject, ...] = tuple(("job", number) for number in range(1, 6))
    assert verbs.described(subjects) == "5 jobs"
    assert verbs.described((("job", 1), ("batch", 7))) == "job 1 and batch 7"
    told = verbs.consequences(verbs.BY_NAME["cancel"], picture, subjects)
    assert told == "1.wav, 2.wav, 3.wav, …. What was transcribed so far is kept for a retry."
