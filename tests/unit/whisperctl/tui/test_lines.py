"""Rows and panels as lines: no wider than the screen, and true."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.whisperctl.tui.making import batch, in_state, picture_of, worker
from whisperctl import render
from whisperctl.tui import details, frame, keys, panels, rows, views
from whisperctl.tui.advance import advance
from whisperctl.tui.background import colour_of, is_bright, palette_name
from whisperctl.tui.frame import KeyHint
from whisperctl.tui.inputs import DictationCame, Disconnected, Happened, HealthCame, MethodUnknown
from whisperctl.tui.line import Line, Piece, columns_of, fitted, plain, spread, wrapped
from whisperctl.tui.picture import LIST_OF_STATE, Picture
from whisperctl.tui.rows import Moment

TEXTS = st.text(max_size=60) | st.sampled_from(["会議の録音", "e\u0301" * 30, "a\x1b[31mred", "x" * 200])
SECONDS = st.none() | st.floats(0, 10_000_000)


@st.composite
def jobs(draw: st.DrawFn) -> Any:
    error = {"kind": "io", "message": draw(TEXTS), "hint": draw(st.none() | TEXTS)}
    return in_state(
        draw(st.integers(1, 10**9)),
        draw(st.sampled_from(list(LIST_OF_STATE))),
        path="/audio/" + draw(TEXTS),
        stage=draw(st.none() | st.just("detecting_language")),
        progress=draw(st.floats(0, 1)),
        duration=draw(SECONDS),
        eta=draw(SECONDS),
        speed=draw(SECONDS),
        starts_in=draw(SECONDS),
        processing_time=draw(SECONDS),
        place=draw(st.none() | st.integers(1, 10**9)),
        hold=draw(st.none() | TEXTS),
        error=draw(st.sampled_from([None, error])),
        confidence=draw(st.none() | st.floats(0, 1)),
        partial=draw(st.booleans()),
        kind=draw(st.sampled_from(["file", "dictation", "batch", "watch"])),
    )


@given(jobs(), st.integers(1, 200), st.none() | st.integers(1, 10**9), st.none() | st.just("cancelling…"))
def test_a_jobs_row_is_never_wider_than_the_screen_and_acts_on_no_terminal(
    job: Any, columns: int, place: int | None, pending: str | None
) -> None:
    row = rows.job_row(job, columns, Moment(place, 3.0, pending))
    assert columns_of(row) <= columns
    assert render.safe(plain(row)) == plain(row)


@given(jobs(), st.integers(24, 120))
def test_a_jobs_details_are_never_wider_than_their_panel(job: Any, columns: int) -> None:
    for line in details.job(job, columns):
        assert columns_of(line) <= columns
        assert render.safe(plain(line)) == plain(line)


@given(
    TEXTS, st.integers(1, 200), st.booleans(), SECONDS, st.integers(0, 10**6),
    st.sampled_from(["draft", "running", "paused", "completed", "completed_with_errors", "cancelled"]),
)  # fmt: skip
def test_a_batchs_row_is_never_wider_than_the_screen(
    name: str, columns: int, unfolded: bool, eta: float | None, failed: int, state: str
) -> None:
    counts = {**batch(1)["items"], "failed": failed, "completed": 3}
    found = batch(1, state, name=name, eta=eta, speed=eta, items=counts, total=failed + 3)
    row = rows.batch_row(found, columns, Moment(), unfolded=unfolded)
    assert columns_of(row) <= columns
    assert render.safe(plain(row)) == plain(row)


@given(st.lists(st.tuples(TEXTS, st.just("dim")), max_size=5), st.integers(0, 100))
def test_a_line_is_fitted_into_its_columns(parts: list[tuple[str, str]], columns: int) -> None:
    line = tuple(Piece(render.safe(text), style) for text, style in parts)
    assert columns_of(fitted(line, columns)) <= columns
    assert fitted(line, columns_of(line)) == line


@given(TEXTS, st.integers(2, 40))
def test_wrapped_text_loses_nothing_but_spaces(text: str, columns: int) -> None:
    lines = wrapped(text, columns)
    assert all(columns_of(line) <= columns for line in lines)
    assert "".join("".join(map(plain, lines)).split()) == "".join(render.safe_lines(text).split())


def text_of(line: Line) -> str:
    return " ".join(plain(line).split())


@pytest.mark.parametrize(
    ("job", "moment", "expected"),
    [
        (
            in_state(1, "running", progress=0.5, speed=5.2, eta=32.0),
            Moment(aged=2.0),
            "▶ meeting.wav transcribing ████──── 50% 5.2× 0:30",
        ),
        (in_state(1, "queued", starts_in=100.0, place=10), Moment(place=5), "· 5 meeting.wav file starts in 0:50"),
        (in_state(1, "queued", hold="queue is paused"), Moment(place=1), "· 1 meeting.wav file queue is paused"),
        (in_state(1, "paused", progress=0.43), Moment(), "‖ meeting.wav paused at 43%"),
        (in_state(1, "paused"), Moment(pending="resuming…"), "‖ meeting.wav resuming…"),
        (
            in_state(1, "failed", error={"kind": "io", "message": "/audio/meeting.wav does not exist", "hint": None}),
            Moment(),
            "✗ 00:00 meeting.wav does not exist",
        ),
        (
            in_state(1, "completed", duration=60.0, processing_time=10.0, partial=True),
            Moment(),
            "✓ 00:00 meeting.wav 1:00 of audio in 10 s (6.0×) partial",
        ),
        (in_state(3, "queued", kind="dictation", place=None), Moment(), "· dictation 3 normal"),
    ],
)
def test_a_row_says_what_is_worth_saying_of_a_job_in_its_state(
    job: Any, moment: Moment, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "local_time", lambda moment, date=True: moment[11:19])
    assert text_of(rows.job_row(job, 79, moment)) == expected


def test_columns_of_rows_of_a_kind_stand_below_each_other() -> None:
    lines = [
        rows.job_row(in_state(n, "queued", path=f"/a/{'long ' * n}.wav", starts_in=60.0), 79, Moment(n)) for n in (1, 9)
    ]
    first, second = (plain(line).index("starts in") for line in lines)
    assert first == second


WORKING = picture_of(in_state(1, "running", speed=4.0), queue={**batch(1)["items"], "running": 1, "queued": 1_234})


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (picture_of(), "whisperd ○ idle"),
        (WORKING, "whisperd ▶ working 1 running 1,234 queued 4.0× real time"),
        (picture_of(paused=True), "whisperd ‖ queue paused"),
        (picture_of(trouble="the disk is full"), "whisperd ! trouble"),
        (advance(WORKING, [Disconnected("no socket", None, 5.0)]), "whisperd ✗ gone for 7.0 s"),
        (Picture(), "whisperd connecting…"),
    ],
)
def test_the_title_says_what_the_daemon_does(picture: Picture, expected: str) -> None:
    assert text_of(frame.title(picture, 12.0, 80)) == expected


@pytest.mark.parametrize("columns", [20, 40, 80, 160])
@pytest.mark.parametrize("view", views.VIEWS)
def test_nothing_around_the_list_is_wider_than_the_screen(columns: int, view: str) -> None:
    workers = [
        worker("interactive"),
        worker("background", state="busy", model="/m/" + "x" * 50, memory=10**9, error="e" * 90),
    ]
    picture = advance(
        picture_of(in_state(1, "running"), workers=workers, trouble="t" * 100),
        [
            DictationCame({"state": "idle", "sessions": [], "device": "d" * 100}),
            Happened("dictate.state", {"state": "listening"}),
            Happened("dictate.partial", {"committed": "word " * 50, "text": ""}),
            Disconnected("gone " * 40, "wait " * 40, 0.0),
        ],
    )
    hints = keys.hints(picture, view, ("job", 1), (("job", 1),), filtered=True, chosen=3)
    around = [frame.title(picture, 1.0, columns), frame.tabs(picture, view, columns), frame.footer(hints, columns)]
    around += [*panels.strip(picture, columns), *panels.system(picture, columns), *panels.aside(picture, columns)]
    around += frame.banner(picture, columns)
    assert [plain(line) for line in around if columns_of(line) > columns] == []


def test_the_footer_keeps_help_and_drops_what_does_not_fit() -> None:
    hints = [KeyHint("p", "pause", ""), KeyHint("c", "a long thing to do", ""), KeyHint("?", "help", "")]
    assert text_of(frame.footer(hints, 80)) == "p pause c a long thing to do ? help"
    assert text_of(frame.footer(hints, 20)) == "p pause ? help"


def test_the_footer_offers_what_makes_sense_for_the_row() -> None:
    def offered(state: str) -> str:
        picture = picture_of(in_state(1, state))
        return "".join(hint.key for hint in keys.hints(picture, views.QUEUE, ("job", 1), (("job", 1),)))

    assert [offered(state)[:3] for state in ("running", "paused", "completed")] == ["p⏎c", "r⏎c", "t⏎d"]
    assert "m" in offered("queued")


@pytest.mark.parametrize(("level", "expected"), [(0.0, 0.0), (0.001, 0.0), (0.0316227766, 0.5), (1.0, 1.0), (2.0, 1.0)])
def test_the_meter_shows_decibels(level: float, expected: float) -> None:
    assert panels.loudness(level) == pytest.approx(expected, abs=1e-6)


def test_an_older_daemon_without_batches_is_named_as_the_reason_for_an_empty_list() -> None:
    picture = advance(picture_of(), [MethodUnknown("batches"), MethodUnknown("history")])
    assert "older" in " ".join(frame.empty(picture, views.BATCHES, False))
    assert "older" in " ".join(frame.empty(picture, views.HISTORY, False))


def test_the_page_of_the_system_says_what_is_wrong_and_what_to_do() -> None:
    reason = {"kind": "disk", "level": "degraded", "message": "the disk is nearly full", "hint": "free some space"}
    picture = advance(picture_of(), [HealthCame({"state": "degraded", "reasons": [reason]})])
    told = [text_of(line) for line in panels.system(picture, 80)]
    assert told[told.index("! degraded") :][:3] == ["! degraded", "the disk is nearly full", "→ free some space"]


def test_what_does_not_fit_beside_a_title_is_left_out() -> None:
    assert plain(spread((Piece("left"),), (Piece("right"),), 12)) == "left   right"
    assert plain(spread((Piece("left"),), (Piece("right"),), 9)) == "left"


@pytest.mark.parametrize(
    ("answer", "bright"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62c", True),
        (b"\x1b]11;rgb:1e/1e/2e\x07", False),
        (b"\x1b]11;rgba:f/f/0/f\x07", True),
        (b"\x1b[?62;4c", None),
    ],
)
def test_a_terminals_answer_tells_whether_it_is_bright(answer: bytes, bright: bool | None) -> None:
    colour = colour_of(answer)
    assert (None if colour is None else is_bright(colour)) is bright


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"NO_COLOR": "1"}, "terminal"),
        ({"TERM": "linux"}, "terminal"),
        ({"COLORFGBG": "0;15"}, "bright"),
        ({"COLORFGBG": "15;0"}, "dark"),
        ({}, "dark"),
    ],
)
def test_without_an_answer_the_environment_tells_it(environment: dict[str, str], expected: str, tmp_path: Path) -> None:
    with (tmp_path / "no-terminal").open("w") as file:
        assert palette_name(environment, file.fileno()) == expected
