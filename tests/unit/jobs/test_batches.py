"""The rules of batches: states, ends, and how far one is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.errors import IllegalTransitionError
from whisperd.jobs.batches import (
    TRANSITIONS,
    TYPICAL_BYTES_A_SECOND,
    BatchCommand,
    BatchState,
    ItemTotals,
    begun,
    ended,
    hold_of,
    next_state,
    progress,
)
from whisperd.jobs.job import State

FINAL = [state for state in BatchState if state.final]
UNFINISHED = [state for state in State if not state.final]


# -- states -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", FINAL)
def test_a_finished_batch_is_left_only_by_being_opened_again(state: BatchState) -> None:
    assert set(TRANSITIONS[state]) == {BatchCommand.REOPEN}
    assert begun(state) is BatchCommand.REOPEN
    assert next_state(state, BatchCommand.REOPEN, "batch 1") is BatchState.RUNNING


@pytest.mark.parametrize("state", [state for state in BatchState if not state.final])
def test_items_come_and_go_in_an_unfinished_batch_without_a_change_of_its_state(state: BatchState) -> None:
    assert begun(state) is None


@pytest.mark.parametrize("command", BatchCommand)
def test_every_command_is_legal_somewhere_and_leads_to_one_state(command: BatchCommand) -> None:
    assert len({row[command] for row in TRANSITIONS.values() if command in row}) == 1


@pytest.mark.parametrize(
    ("state", "command", "message", "hint"),
    [
        (
            BatchState.DRAFT,
            BatchCommand.PAUSE,
            "batch 7 is draft; only running batches can be paused",
            "nothing of it runs before it is started",
        ),
        (
            BatchState.DRAFT,
            BatchCommand.RESUME,
            "batch 7 is draft; only paused batches can be resumed",
            "start it instead",
        ),
        (
            BatchState.PAUSED,
            BatchCommand.START,
            "batch 7 is paused; only draft batches can be started",
            "resume it instead",
        ),
        (BatchState.RUNNING, BatchCommand.START, "batch 7 is running; only draft batches can be started", None),
        (
            BatchState.COMPLETED_WITH_ERRORS,
            BatchCommand.CANCEL,
            "batch 7 is completed with errors; only draft, running and paused batches can be cancelled",
            "it runs again when files are added to it or some of its items are retried",
        ),
    ],
)
def test_a_refusal_says_what_the_batch_is_what_it_would_have_to_be_and_what_to_do(
    state: BatchState, command: BatchCommand, message: str, hint: str | None
) -> None:
    with pytest.raises(IllegalTransitionError) as refusal:
        next_state(state, command, "batch 7")
    assert (refusal.value.message, refusal.value.hint) == (message, hint)


@pytest.mark.parametrize("state", BatchState)
def test_drafts_and_paused_batches_hold_their_items_back(state: BatchState) -> None:
    assert (hold_of(state) is not None) == (state in (BatchState.DRAFT, BatchState.PAUSED))


@pytest.mark.parametrize(
    ("items", "end"),
    [
        ({}, None),
        ({State.COMPLETED: 0}, None),
        ({State.COMPLETED: 3}, BatchCommand.COMPLETE),
        ({State.COMPLETED: 2, State.CANCELLED: 1}, BatchCommand.COMPLETE),
        ({State.COMPLETED: 2, State.FAILED: 1}, BatchCommand.COMPLETE_WITH_ERRORS),
        ({State.FAILED: 1}, BatchCommand.COMPLETE_WITH_ERRORS),
        *(({State.COMPLETED: 2, State.FAILED: 1, state: 1}, None) for state in UNFINISHED),
    ],
)
@pytest.mark.parametrize("state", [BatchState.RUNNING, BatchState.PAUSED])
def test_a_batch_ends_with_the_last_of_its_items(
    state: BatchState, items: dict[State, int], end: BatchCommand | None
) -> None:
    assert ended(state, items) is end


@given(st.sampled_from([BatchState.DRAFT, *FINAL]), st.dictionaries(st.sampled_from(State), st.integers(0, 3)))
def test_a_draft_and_a_finished_batch_do_not_end(state: BatchState, items: dict[State, int]) -> None:
    assert ended(state, items) is None


@given(st.sampled_from(BatchState), st.dictionaries(st.sampled_from(State), st.integers(0, 3)))
def test_how_a_batch_ends_is_always_allowed(state: BatchState, items: dict[State, int]) -> None:
    end = ended(state, items)
    if end is not None:
        assert next_state(state, end, "batch 1").final


# -- progress ---------------------------------------------------------------------------------------------------------

SECONDS = st.floats(0, 1e6)


@st.composite
def item_totals(draw: st.DrawFn) -> list[ItemTotals]:
    """Rows as they come from the database: one for each state and whether lengths are known."""
    kinds = draw(st.sets(st.tuples(st.sampled_from(State), st.booleans())))
    return [
        ItemTotals(
            state,
            known,
            count=draw(st.integers(1, 5)),
            size=draw(st.integers(0, 10**9)),
            duration=(duration := draw(SECONDS) if known else 0.0),
            done=draw(st.floats(0, duration)),
            processing_time=draw(SECONDS),
        )
        for state, known in kinds
    ]


def test_a_batch_without_items_has_done_nothing_and_has_nothing_to_do() -> None:
    empty = progress([])
    assert (empty.total, empty.progress, empty.duration, empty.eta, empty.speed) == (0, 0.0, 0.0, None, None)


def test_progress_is_weighted_by_the_length_of_the_audio_not_by_the_number_of_files() -> None:
    found = progress(
        [
            ItemTotals(State.COMPLETED, known=True, count=9, size=900, duration=90, processing_time=9),
            ItemTotals(State.QUEUED, known=True, count=1, size=9_100, duration=910),
        ]
    )
    assert found.progress == pytest.approx(0.09)
    assert found.speed == pytest.approx(10)
    assert found.eta == pytest.approx(91)
    assert found.megabytes_per_second == pytest.approx(10 * 10 / 1e6)
    assert not found.estimated


def test_items_of_unknown_length_are_as_long_as_their_bytes_at_the_rate_of_the_others() -> None:
    known = ItemTotals(State.RUNNING, known=True, count=1, size=1_000, duration=10, done=5, processing_time=1)
    unknown = ItemTotals(State.QUEUED, known=False, count=1, size=3_000)
    found = progress([known, unknown])
    assert (found.duration, found.progress, found.estimated) == (40, 0.125, True)
    assert progress([unknown]).duration == 3_000 / TYPICAL_BYTES_A_SECOND


def test_failed_and_cancelled_items_count_for_their_number_only() -> None:
    done = ItemTotals(State.COMPLETED, known=True, count=1, size=10, duration=10, processing_time=1)
    failed = ItemTotals(State.FAILED, known=False, count=1, size=10**9)
    cancelled = ItemTotals(State.CANCELLED, known=True, count=1, size=10, duration=500, done=100, processing_time=90)
    found = progress([done, failed, cancelled])
    assert (found.total, found.progress, found.duration, found.speed, found.eta) == (3, 1.0, 10, 10, None)
    assert not found.estimated


def test_before_a_speed_was_seen_the_expected_one_tells_the_time_left() -> None:
    waiting = ItemTotals(State.QUEUED, known=True, count=1, size=10, duration=100)
    assert progress([waiting]).eta is None
    assert progress([waiting], expected_factor=0.5).eta == 50


@given(item_totals(), st.none() | st.floats(1e-3, 10))
def test_figures_stay_within_what_they_mean(rows: list[ItemTotals], factor: float | None) -> None:
    found = progress(rows, expected_factor=factor)
    assert found.total == sum(found.items.values())
    assert 0 <= found.progress <= 1
    assert found.done <= found.duration * (1 + 1e-9)
    assert found.eta is None or found.eta >= 0
    assert found.speed is None or found.speed > 0
