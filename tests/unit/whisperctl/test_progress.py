"""A job's line for every state and width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripted_daemon import job
from whisperctl import progress, render
from whisperctl.shapes import Bar


def plain(style: str, text: str) -> str:
    return text


def blocks(fraction: float, columns: int) -> str:
    return render.bar(fraction, columns)


def hashes(fraction: float, columns: int) -> str:
    return render.bar(fraction, columns, blocks=False)


def no_bar(fraction: float, columns: int) -> str:
    return ""


RUNNING = job(1, "running", stage="transcribing", progress=0.47, done=47.0, duration=100.0, speed=12.4, eta=160.0)


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (80, "meeting.wav transcribing  ██████████████░░░░░░░░░░░░░░░░  47%   12×    2:40 left"),
        (60, "meeting.wav transcribing  ███████▌░░░░░░░░  47%    2:40 left"),
        (40, "meeting.wav ████▋░░░░░  47%    2:40 left"),
        (24, "meeting.wav ███▎░░░  47%"),
        (16, "meeting.wav  47%"),
    ],
)
def test_a_running_job_shows_less_in_fewer_columns(columns: int, line: str) -> None:
    assert progress.line(RUNNING, "meeting.wav", columns, plain, blocks, left=160.0) == line


def test_without_bars_the_facts_remain() -> None:
    line = progress.line(RUNNING, "meeting.wav", 80, plain, no_bar, left=160.0)
    assert line == "meeting.wav transcribing   47%   12×    2:40 left"


STATES = st.sampled_from(["queued", "running", "waiting", "paused", "completed", "failed", "cancelled"])
STAGES = st.none() | st.sampled_from([*progress.STAGES, "something_new"])
SECONDS = st.none() | st.floats(0, 1e6)


@given(
    STATES,
    STAGES,
    st.floats(0, 1),
    SECONDS,
    SECONDS,
    SECONDS,
    st.integers(30, 200),
    st.sampled_from([blocks, hashes, no_bar]),
)
def test_no_line_is_wider_than_it_may_be(
    state: str, stage: str | None, part: float, duration: float | None, speed: float | None, left: float | None,
    columns: int, bar: Bar,
) -> None:  # fmt: skip
    error = {"kind": "io", "message": "the disk\nis on fire " * 9, "hint": None} if state == "failed" else None
    facts = job(1, state, stage=stage, progress=part, duration=duration, speed=speed, error=error, processing_time=2.0)
    label = render.fit_name("meeting with 会議 in its name.wav", progress.label_columns(["x" * 99], columns))
    line = progress.line(facts, label, columns, plain, bar, left)
    assert render.width(line) <= columns
    assert "\n" not in line


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (job(1, "queued", place=1_203), "queued, place 1,203"),
        (job(1, "queued"), "queued"),
        (job(1, "queued", place=2, starts_in=160.0), "queued, place 2, starts in 2:40"),
        (job(1, "queued", place=2, starts_in=160.0, hold="the queue is paused"), "queued, the queue is paused"),
        (RUNNING, "transcribing, 47%, 12×, 2:40 left"),
        (job(1, "running", stage="loading_model"), "loading model, 0%"),
        (job(1, "running"), "running, 0%"),
        (
            job(1, "waiting", error={"kind": "io", "message": "read\x1b failed", "hint": None}),
            "waiting, try 1 after: read\\x1b failed",
        ),
        (job(1, "waiting", attempts=1, retry_at="not a time"), "waiting, try 2 at not a time"),
        (job(1, "paused"), "paused"),
        (job(1, "failed", error={"kind": "io", "message": "no such file", "hint": None}), "failed: no such file"),
        (job(1, "completed"), "completed"),
        (job(1, "completed", duration=3_900.0, processing_time=312.0), "completed, 1:05:00 of audio in 5 m 12 s (12×)"),
        (job(1, "cancelled"), "cancelled"),
    ],
)
def test_a_job_in_words(facts: dict[str, object], words: str) -> None:
    assert progress.situation(facts) == words


def test_the_total_counts_files_until_all_lengths_are_known() -> None:
    first = job(1, "completed", duration=300.0, progress=1.0)
    assert progress.fraction([first, job(2)]) == 0.5
    assert progress.fraction([first, job(2, duration=900.0)]) == 0.25


def test_the_total_leaves_out_what_failed() -> None:
    jobs = [job(1, "running", progress=0.5, duration=10.0), job(2, "failed"), job(3, "cancelled")]
    assert progress.fraction(jobs) == 0.5
    assert progress.total(jobs, 60, plain, hashes) == "0 of 3 done, 1 failed, 1 cancelled ##########..........  50%"
    assert progress.fraction(jobs[1:]) == 1.0


def test_a_narrow_total_has_no_bar() -> None:
    assert progress.total([job(1), job(2)], 18, plain, blocks) == "0 of 2 done"


def test_running_jobs_and_the_next_ones_are_shown_where_there_is_no_room_for_all() -> None:
    jobs = [
        job(1, "completed"),
        job(2, "failed"),
        job(3, "running"),
        job(4, place=2),
        job(5, place=1),
        job(6, "waiting"),
    ]
    assert [shown["id"] for shown in progress.visible(jobs, 3)] == [3, 5, 6]
    assert progress.visible(jobs, 6) == jobs
