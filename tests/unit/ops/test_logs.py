"""What a log line looks like on a terminal, in JSON and in the journal."""

import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.errors import OutputError
from whisperd.ops import logs
from whisperd.ops.logs import JournalFormatter, JsonFormatter, TextFormatter

FORMATTERS = [TextFormatter(), JournalFormatter(), JsonFormatter()]


def record(message: str, *args: object, level: int = logging.INFO, exc_info: Any = None, **fields: Any) -> Any:
    made = logging.getLogger("whisperd.store").makeRecord(
        "whisperd.store", level, "store.py", 1, message, args, exc_info, extra=fields
    )
    made.created = 1772366400.1234
    return made


def caught() -> Any:
    try:
        raise OutputError("can't write\n<0>talk.txt")
    except OutputError:
        return sys.exc_info()


@pytest.fixture
def log_set_up() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_text_has_time_level_place_message_and_fields() -> None:
    line = TextFormatter().format(record("job %s", "started", level=logging.WARNING, job=7, model="base"))
    assert line == "2026-03-01T12:00:00.123Z warning store: job started job=7 model=base"


@pytest.mark.parametrize(
    ("level", "prefix"),
    [
        (logging.DEBUG, "<7>"),
        (logging.INFO, "<6>"),
        (logging.WARNING, "<4>"),
        (logging.ERROR, "<3>"),
        (logging.CRITICAL, "<2>"),
    ],
)
def test_the_journal_gets_the_priority_and_no_time(level: int, prefix: str) -> None:
    assert JournalFormatter().format(record("job started", level=level, job=7)) == f"{prefix}store: job started job=7"


def test_every_line_of_a_traceback_carries_the_priority_in_the_journal() -> None:
    lines = JournalFormatter().format(record("failed", level=logging.ERROR, exc_info=caught())).splitlines()
    assert lines[0] == "<3>store: failed"
    assert len(lines) > 3
    assert all(line.startswith("<3>    ") for line in lines[1:])


def test_json_has_one_object_a_line_with_the_fields_and_the_exception() -> None:
    line = JsonFormatter().format(record("failed", level=logging.ERROR, exc_info=caught(), job=7, path=Path("/a")))
    assert "\n" not in line
    document = json.loads(line)
    assert document["exception"].endswith("OutputError: can't write\n<0>talk.txt")
    del document["exception"]
    assert document == {
        "time": "2026-03-01T12:00:00.123Z",
        "level": "error",
        "logger": "whisperd.store",
        "message": "failed",
        "job": 7,
        "path": "/a",
    }


def test_a_field_can_not_replace_what_every_record_has() -> None:
    document = json.loads(JsonFormatter().format(record("real", level_=1, logger="forged", time="forged")))
    assert document["logger"] == "whisperd.store"
    assert document["time"] == "2026-03-01T12:00:00.123Z"


@pytest.mark.parametrize("formatter", FORMATTERS[:2])
def test_a_file_name_forges_no_record_and_steers_no_terminal(formatter: logging.Formatter) -> None:
    evil = os.fsdecode(b"a\n<0>whisperd: all is lost\x1b[2J\xff")
    line = formatter.format(record("can't read %s", evil, path=evil))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert "a\\n<0>whisperd: all is lost\\x1b[2J\\xff" in line


@pytest.mark.parametrize("formatter", FORMATTERS)
@given(message=st.text(st.characters()), field=st.text(st.characters()) | st.floats() | st.lists(st.floats()))
def test_any_text_makes_one_line_that_can_be_written(formatter: logging.Formatter, message: str, field: Any) -> None:
    line = formatter.format(record(message, field=field))
    assert line.encode().count(b"\n") == 0


@given(message=st.text(st.characters()), field=st.recursive(st.floats() | st.text(), st.lists))
def test_json_is_strict(message: str, field: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(JsonFormatter().format(record(message, field=field)), parse_constant=refuse)


def test_a_mistake_in_a_log_call_does_not_lose_the_record() -> None:
    assert "job %d (arguments do not fit)" in TextFormatter().format(record("job %d", "seven"))


def test_levels_below_the_chosen_one_are_not_written(log_set_up: None, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "text", sys.stderr)
    logging.getLogger("whisperd.test").info("quiet")
    logging.getLogger("whisperd.test").warning("loud")
    written = capsys.readouterr().err
    assert "quiet" not in written
    assert "warning test: loud" in written


def test_configuring_twice_writes_each_record_once(log_set_up: None, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text", sys.stderr)
    logs.configure("info", "json", sys.stderr)
    logging.getLogger("whisperd.test").info("once")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "once"


def test_warnings_of_libraries_come_in_the_same_form(log_set_up: None, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json", sys.stderr)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("deprecated\nthing", UserWarning, stacklevel=1)
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["level"] == "warning"


# -- a real process on a real stream ----------------------------------------------------------------------------------

LOG_ONE_LINE = (
    "import logging; from whisperd.ops import logs; logs.configure('info', {form!r});"
    "logging.getLogger('whisperd.daemon').warning('ready', extra={{'pid': 1}})"
)


def stderr_of(form: str, journal_stream: str | None, tmp_path: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "JOURNAL_STREAM"}
    with (tmp_path / "stderr").open("w+b") as file:
        if journal_stream == "its own":
            status = os.fstat(file.fileno())
            environment["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
        elif journal_stream is not None:
            environment["JOURNAL_STREAM"] = journal_stream
        subprocess.run([sys.executable, "-c", LOG_ONE_LINE.format(form=form)], env=environment, stderr=file, check=True)
        file.seek(0)
        return file.read().decode()


def test_a_daemon_whose_stderr_is_the_journal_writes_priorities(tmp_path: Path) -> None:
    assert stderr_of("auto", "its own", tmp_path) == "<4>daemon: ready pid=1\n"


@pytest.mark.parametrize("inherited", [None, "8:12345", "", "nonsense"])
def test_an_inherited_variable_alone_makes_no_journal(tmp_path: Path, inherited: str | None) -> None:
    assert stderr_of("auto", inherited, tmp_path).endswith("Z warning daemon: ready pid=1\n")


def test_a_form_that_was_asked_for_wins_over_the_journal(tmp_path: Path) -> None:
    assert json.loads(stderr_of("json", "its own", tmp_path))["message"] == "ready"
    assert "Z warning daemon: ready" in stderr_of("text", "its own", tmp_path)


def test_a_closed_stream_is_not_the_journal(tmp_path: Path) -> None:
    file = (tmp_path / "closed").open("w")
    file.close()
    assert not logs.under_journal(file)
