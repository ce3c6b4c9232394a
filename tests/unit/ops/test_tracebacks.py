"""Tracebacks in the log tell where and what kind, and never what somebody said."""

import logging
import sqlite3
import sys
from collections.abc import Callable

import pytest

from whisperd.errors import OutputError
from whisperd.ops.logs import JournalFormatter, JsonFormatter, TextFormatter
from whisperd.ops.tracebacks import summary, traceback_lines

SECRET = "my password is swordfish"


def raised(fail: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as caught:
        fail()
    return caught.value


def value_error() -> None:
    raise ValueError(f"bad text: {SECRET}"[:100])


def chained() -> None:
    try:
        value_error()
    except ValueError as error:
        raise OutputError("can't write talk.txt") from error


def grouped() -> None:
    raise ExceptionGroup("tasks", [raised(value_error), raised(chained)])  # type: ignore[list-item]


def unencodable() -> None:
    (SECRET + "\udc80").encode()


def missing_key() -> None:
    {}[SECRET]


@pytest.mark.parametrize("fail", [value_error, chained, grouped, unencodable, missing_key, lambda: int(SECRET)])
@pytest.mark.parametrize("formatter", [TextFormatter(), JournalFormatter(), JsonFormatter()])
def test_what_somebody_said_is_not_in_the_log_of_an_exception(
    fail: Callable[[], object], formatter: logging.Formatter
) -> None:
    try:
        fail()
    except Exception:
        record = logging.LogRecord("whisperd", logging.ERROR, "", 1, "failed", None, sys.exc_info())
    line = formatter.format(record)
    assert "swordfish" not in line
    assert "test_tracebacks.py" in line


def test_cause_comes_before_what_it_led_to() -> None:
    lines = list(traceback_lines(raised(chained)))
    assert lines.index("which led to:") > next(n for n, line in enumerate(lines) if line.startswith("ValueError"))
    assert lines[-1] == "OutputError: can't write talk.txt"


def test_every_exception_of_a_group_is_shown() -> None:
    text = "\n".join(traceback_lines(raised(grouped)))
    assert "  | ValueError (its message is not logged" in text
    assert "  | OutputError: can't write talk.txt" in text


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OutputError("the disk is full"), "OutputError: the disk is full"),
        (sqlite3.OperationalError("database is locked"), "OperationalError: database is locked"),
        (FileNotFoundError(2, "No such file", "/a"), "FileNotFoundError: No such file (errno 2)"),
        (KeyError(SECRET), "KeyError (its message is not logged: it may hold what was said)"),
        (OSError(SECRET), "OSError (its message is not logged: it may hold what was said)"),
    ],
)
def test_messages_that_name_reasons_only_are_shown(error: Exception, shown: str) -> None:
    assert summary(error) == shown


def test_endless_causes_are_cut_off() -> None:
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    lines = list(traceback_lines(first))
    assert "…" in lines
    assert len(lines) < 100
