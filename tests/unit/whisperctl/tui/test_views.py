"""Which rows a view has, and where the cursor goes when they change."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.whisperctl.tui.making import batch, in_state, picture_of
from whisperctl.tui import picture as known
from whisperctl.tui import views
from whisperctl.tui.advance import advance
from whisperctl.tui.inputs import BatchesCame, ItemsCame, TranscriptsCame
from whisperctl.tui.picture import Transcripts
from whisperctl.tui.views import CHOOSABLE, Key, kept_place, rows_of, section_of


def test_the_queue_has_a_section_for_everything_unfinished_and_for_what_ended() -> None:
    picture = picture_of(in_state(1, "running"), in_state(2, "queued"), in_state(3, "completed"), in_state(4, "failed"))
    assert rows_of(picture, views.QUEUE, "", ()).keys == (
        ("heading", "running"), ("job", 1), ("space", "queue"), ("heading", "queue"), ("job", 2), ("space", "ended"),
        ("heading", "ended"), ("job", 3),
    )  # fmt: skip
    assert rows_of(picture, views.FAILED, "", ()).keys == (("job", 4),)


def test_a_filter_lets_names_through_that_have_all_its_words_and_counts_what_it_hides() -> None:
    picture = picture_of(
        in_state(1, "queued", path="/a/Meeting One.wav"),
        in_state(2, "queued", path="/a/meeting two.wav"),
        in_state(3, "running", path="/meeting/one/else.wav"),
    )
    rows = rows_of(picture, views.QUEUE, "ONE meet", ())
    assert (rows.keys, rows.hidden) == ((("heading", "queue"), ("job", 1)), 2)


def test_batches_are_the_newest_first_and_unfold_into_their_items() -> None:
    picture = advance(
        picture_of(),
        [BatchesCame((batch(1), batch(2))), ItemsCame(1, batch(1), (in_state(5, "queued"), in_state(6, "failed")))],
    )
    assert rows_of(picture, views.BATCHES, "", ()).keys == (("batch", 2), ("batch", 1))
    unfolded = rows_of(picture, views.BATCHES, "", {1}).keys
    assert unfolded == (("batch", 2), ("batch", 1), ("job", 5), ("job", 6))
    assert [views.batch_of(unfolded, index) for index in range(4)] == [2, 1, 1, 1]
    assert rows_of(picture, views.BATCHES, "batch 2", {1}).keys == (("batch", 2),)


def test_history_has_transcripts_and_folders_of_watched_files() -> None:
    rows = ({"id": 7}, {"folder": "/inbox", "at": ""})
    picture = advance(picture_of(), [TranscriptsCame(Transcripts("", rows, None, known=True))])
    assert rows_of(picture, views.HISTORY, "", ()).keys == (("transcript", 7), ("folder", "/inbox"))


def test_what_is_not_loaded_of_a_long_list_is_counted() -> None:
    jobs = [in_state(number, "queued") for number in range(1, known.LOADED + 1)]
    picture = picture_of(*jobs, queue={**dict.fromkeys(("running", "waiting", "paused"), 0), "queued": 100_000})
    assert rows_of(picture, views.QUEUE, "", ()).keys[-1] == ("more", known.QUEUE)
    assert views.beyond(picture, known.QUEUE) == 100_000 - known.LOADED


RUNNING: Key = ("heading", known.RUNNING)
QUEUE: Key = ("heading", known.QUEUE)
PAUSED: Key = ("heading", known.PAUSED)
ENDED: Key = ("heading", known.ENDED)
A: Key
A, B, C = ("job", 1), ("job", 2), ("job", 3)


@pytest.mark.parametrize(
    ("before", "cursor", "after", "expected"),
    [
        ((RUNNING, A, QUEUE, B, C), B, (RUNNING, A, B, QUEUE, C), B),  # it starts: the cursor goes along
        ((RUNNING, A, QUEUE, B, C), A, (QUEUE, B, C, ENDED, A), B),  # it ends: the cursor stays where it was
        ((QUEUE, A, B, C), B, (QUEUE, A, C, PAUSED, B), C),
        ((QUEUE, A, B, C), C, (QUEUE, A, B, PAUSED, C), B),
        ((QUEUE, A, B, C), B, (QUEUE, C, B, A), B),  # it was moved
        ((PAUSED, A, B), A, (PAUSED, B, A), A),
        ((QUEUE, A), A, (PAUSED, A), A),  # there is nothing else
        ((A, B, C), B, (A, C), C),
        ((A, B, C), C, (A, B), B),
        ((A, B), A, (QUEUE, C), C),
    ],
)
def test_the_cursor_keeps_its_place(
    before: tuple[Key, ...], cursor: Key, after: tuple[Key, ...], expected: Key
) -> None:
    assert after[kept_place(before, before.index(cursor), after)] == expected


def test_without_rows_that_can_be_chosen_there_is_no_cursor() -> None:
    assert kept_place((A,), 0, (("note", "nothing"),)) == -1
    assert kept_place((), -1, (QUEUE, A)) == 1


ROWS = st.lists(st.sampled_from([RUNNING, QUEUE, ENDED, *(("job", n) for n in range(8))]), unique=True, max_size=10)


@given(ROWS, ROWS, st.integers(0, 9))
def test_the_cursor_is_always_on_a_row_that_can_be_chosen_where_there_is_one(
    before: list[Key], after: list[Key], index: int
) -> None:
    place = kept_place(before, index, after)
    if any(key[0] in CHOOSABLE for key in after):
        assert after[place][0] in CHOOSABLE
    else:
        assert place == -1


@given(ROWS, st.integers(0, 9))
def test_rows_that_do_not_change_leave_the_cursor_alone(rows: list[Key], index: int) -> None:
    assume(index < len(rows) and rows[index][0] in CHOOSABLE)
    assert kept_place(rows, index, rows) == index


def test_a_row_stands_in_the_section_above_it() -> None:
    assert [section_of((A, RUNNING, B, QUEUE, C), index) for index in range(5)] == [
        "",
        "",
        "running",
        "running",
        "queue",
    ]
