"""Values as text: tables of examples, and what holds for every value."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperctl import render
from whisperctl.selection import job_ids

ACTS_ON_A_TERMINAL = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("meeting.wav", "meeting.wav"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("gpj.\u202egnp", "gpj.\\u202egnp"),
        ("line\u2028separator", "line\\u2028separator"),
        ("caf\udce9", "caf\\xe9"),
        ("日本\u3000語 très\u00a0bien", "日本\u3000語 très\u00a0bien"),
    ],
)
def test_what_acts_on_a_terminal_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert render.safe(text) == shown


@given(st.text())
def test_safe_text_is_one_line_without_controls(text: str) -> None:
    shown = render.safe(text)
    assert not {unicodedata.category(char) for char in shown} & ACTS_ON_A_TERMINAL
    assert not any("\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in shown)


@given(st.text())
def test_safe_lines_keep_only_line_ends_and_tabs(text: str) -> None:
    shown = render.safe_lines(text)
    assert shown.count("\n") == text.count("\n")
    assert not {unicodedata.category(char) for char in shown if char not in "\n\t"} & ACTS_ON_A_TERMINAL


@pytest.mark.parametrize(
    ("text", "columns"), [("meeting", 7), ("会議", 4), ("cafe\u0301", 4), ("", 0), ("ｗｉｄｅ", 8)]
)
def test_width_counts_terminal_columns(text: str, columns: int) -> None:
    assert render.width(text) == columns


@given(st.text(st.characters(exclude_categories=["C"])), st.integers(0, 40), st.integers(0, 12))
def test_fitted_text_never_takes_more_columns(text: str, columns: int, tail: int) -> None:
    fitted = render.fit(text, columns, tail)
    assert render.width(fitted) <= columns
    assert fitted == text or render.width(text) > columns


@given(st.text(st.characters(exclude_categories=["C"])), st.integers(1, 40), st.booleans())
def test_padded_and_fitted_text_takes_exactly_its_columns(text: str, columns: int, right: bool) -> None:
    assert render.width(render.pad(render.fit_name(text, columns), columns, right)) == columns


def test_a_long_file_name_keeps_its_end() -> None:
    assert render.fit_name("interview with a very long name, take 7.m4a", 24) == "interview with …ke 7.m4a"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.42, "0.4 s"),
        (9.99, "10.0 s"),
        (45.4, "45 s"),
        (59.6, "1 m 00 s"),
        (160, "2 m 40 s"),
        (11_520, "3 h 12 m"),
        (183_600, "2 d 3 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert render.duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(-3, "0:00"), (7.9, "0:07"), (160, "2:40"), (3_900, "1:05:00")])
def test_clock_times(seconds: float, text: str) -> None:
    assert render.clock(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_500, "1.5 kB"),
        (9_960, "10 kB"),
        (41_234_567, "41 MB"),
        (999_600_000, "1.0 GB"),
        (1_200_000_000, "1.2 GB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert render.size(count) == text


@pytest.mark.parametrize(("fraction", "text"), [(-1, "0%"), (0.29, "29%"), (0.999, "99%"), (1, "100%"), (7, "100%")])
def test_percent_is_100_only_when_done(fraction: float, text: str) -> None:
    assert render.percent(fraction) == text


@pytest.mark.parametrize(
    ("fraction", "blocks", "text"),
    [
        (0, True, "░░░░"),
        (0.5, True, "██░░"),
        (0.55, True, "██▏░"),
        (1, True, "████"),
        (0.5, False, "##.."),
    ],
)
def test_bars(fraction: float, blocks: bool, text: str) -> None:
    assert render.bar(fraction, 4, blocks) == text


@given(st.floats(-1, 2), st.integers(0, 60), st.booleans())
def test_a_bar_takes_exactly_its_columns(fraction: float, columns: int, blocks: bool) -> None:
    assert len(render.bar(fraction, columns, blocks)) == columns


@pytest.mark.parametrize(("factor", "text"), [(0.84, "0.8×"), (12.4, "12×")])
def test_speeds(factor: float, text: str) -> None:
    assert render.speed(factor) == text


def test_counts_have_the_right_noun() -> None:
    assert render.counted(1, "job") == "1 job"
    assert render.counted(1_200, "job") == "1,200 jobs"


@pytest.mark.parametrize(("ids", "text"), [([], ""), ([7], "7"), ([3, 4, 5, 9], "3-5 9"), ([5, 4], "5 4")])
def test_id_ranges(ids: list[int], text: str) -> None:
    assert render.id_ranges(ids) == text


@given(st.lists(st.integers(1, 60), unique=True, min_size=1))
def test_commands_take_the_ranges_that_are_shown(ids: list[int]) -> None:
    assert job_ids(render.id_ranges(ids).split()) == ids


@pytest.mark.parametrize(
    ("path", "name"), [("/a/b.wav", "b.wav"), ("/a/b/", "b"), ("/", "/"), ("/a/new\nline", "new\\nline")]
)
def test_base_names(path: str, name: str) -> None:
    assert render.base_name(path) == name


def test_a_table_is_aligned_and_its_last_column_fits() -> None:
    rows = [[("1", ""), ("queued", ""), ("short.wav", "")], [("12", ""), ("running", "cyan"), ("x" * 80, "")]]
    lines = render.table(["id", "state", "name"], rows, 40, lambda style, text: text, "><<")
    assert lines == [
        "id  state    name",
        " 1  queued   short.wav",
        "12  running  " + "x" * 18 + "…" + "x" * 8,
    ]


def test_moments_are_shown_in_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    assert render.local_time("2026-01-31T20:00:00.500Z") == "2026-02-01 01:45:00"
    assert render.local_time("not a time") == "not a time"
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("it fits", ["it fits"]),
        ("label  some words here", ["label  some", "      words", "      here"]),
        ("\x1b[31mred words\x1b[0m here", ["\x1b[31mred words\x1b[0m", "      here"]),
        ("see /a/long/path/to/a/file now", ["see /a/long/path/to/a/file", "      now"]),
        ("会議 会議 会議", ["会議 会議", "      会議"]),
    ],
)
def test_lines_are_broken_at_words(line: str, lines: list[str]) -> None:
    assert render.wrap(line, 13, hang=6) == lines


@given(st.lists(st.text("ab会", min_size=1, max_size=9), min_size=1), st.integers(10, 40), st.integers(0, 20))
def test_broken_lines_have_all_words_and_fit_where_their_words_do(words: list[str], columns: int, hang: int) -> None:
    lines = render.wrap(" ".join(words), columns, hang)
    assert " ".join(lines).split() == words
    room = columns - (hang if hang <= columns // 2 else 4)
    if all(render.width(word) <= room for word in words):
        assert all(render.width(line) <= columns for line in lines)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_on_a_terminal_means_the_same_and_acts_on_nothing(value: object) -> None:
    shown = render.safe_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(shown) == value
    assert all(char.isprintable() or char in render._KEPT for char in shown)


def test_controls_that_json_lets_through_are_escaped_on_a_terminal() -> None:
    assert render.safe_json('"a\x9b31m\u202e\U000e0001é"') == '"a\\u009b31m\\u202e\\udb40\\udc01é"'
