r"""The daemon's log: where it goes and what a line looks like.

Owns: setting up the standard library's logging once, and its three forms. Leaves to others: what is worth a line, at
the places where it happens, through `logging.getLogger(__name__)`.

**The rule: no line ever holds spoken text, prompts, hotwords or other vocabulary.** Name the job, the file and the
numbers instead. Whatever would carry text (a transcript, a segment, options with a prompt) is never an argument of a
log call, and never part of a message of our own errors; messages of other exceptions are left out (`tracebacks`).

Facts go into `extra`, so that they are fields in JSON and `name=value` elsewhere: `log.info("job started",
extra={"job": 7})`. Every record begins on a line of its own: line breaks and control characters of a message or a
field are shown as escapes, so that a file's name can't forge a record or steer a terminal; the lines of a traceback
follow, indented, and under systemd each carries the record's priority.
"""

import json
import logging
import os
import sys
from typing import Any, Final, TextIO, cast

from whisperd.config.settings import LogFormat, LogLevel
from whisperd.ops.tracebacks import traceback_lines
from whisperd.printable import printable
from whisperd.wire.times import iso8601

PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""syslog's numbers, which the journal reads from a prefix `<6>` (sd-daemon(3)); what is below is 7, debug."""

# Attributes that every record has; any other one came with `extra`.
_OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(level: LogLevel, form: LogFormat, stream: TextIO | None = None) -> None:
    """Send every record from `level` up to the stream (stderr), and Python's warnings with them.

    `auto` is the journal's form where the stream is connected to it, else text. Calling it again replaces the form.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(form, target))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)


def under_journal(stream: TextIO) -> bool:
    """Whether the stream is systemd's connection to the journal: `JOURNAL_STREAM` names its device and inode.

    The variable alone proves nothing, since children inherit it with other streams (systemd.exec(5)).
    """
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class TextFormatter(logging.Formatter):
    """`2026-03-01T12:00:00.123Z warning store: message job=7`, time and place left to the terminal's reader."""

    def format(self, record: logging.LogRecord) -> str:
        name = record.name.removeprefix("whisperd.")
        return "\n".join(
            [f"{iso8601(record.created)} {_level(record)} {name}: {_sentence(record)}", *self.details(record)]
        )

    def details(self, record: logging.LogRecord) -> list[str]:
        """The traceback, one indented line each."""
        return [f"    {printable(line)}" for line in _traceback(record)]


class JournalFormatter(TextFormatter):
    """`<4>store: message job=7`; the journal knows the time, and every line is an entry of its own with a priority."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_priority(record.levelno)}>"
        name = record.name.removeprefix("whisperd.")
        lines = [f"{name}: {_sentence(record)}", *self.details(record)]
        return "\n".join(prefix + line for line in lines)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, the fields, and `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {
            "time": iso8601(record.created),
            "level": _level(record),
            "logger": record.name,
            "message": _message(record),
        }
        document |= {name: value for name, value in _fields(record).items() if name not in document}
        if traceback := _traceback(record):
            document["exception"] = "\n".join(traceback)
        return json.dumps(_encodable(document), ensure_ascii=False)


def _formatter(form: LogFormat, stream: TextIO) -> logging.Formatter:
    if form == "json":
        return JsonFormatter()
    return JournalFormatter() if form == "auto" and under_journal(stream) else TextFormatter()


# -- parts of a record ------------------------------------------------------------------------------------------------


def _level(record: logging.LogRecord) -> str:
    return record.levelname.lower()


def _priority(level: int) -> int:
    return next((priority for least, priority in PRIORITIES if level >= least), 7)


def _message(record: logging.LogRecord) -> str:
    """The message with its arguments; a mistake in a log call costs the arguments, not the record."""
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return f"{record.msg} (arguments do not fit)"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OWN_ATTRIBUTES}


def _sentence(record: logging.LogRecord) -> str:
    fields = "".join(f" {name}={printable(str(value))}" for name, value in _fields(record).items())
    return printable(_message(record)) + fields


def _traceback(record: logging.LogRecord) -> list[str]:
    error = record.exc_info[1] if record.exc_info else None
    lines = list(traceback_lines(error)) if error else []
    return lines + (record.stack_info.split("\n") if record.stack_info else [])


def _encodable(value: Any) -> Any:
    """The value as strict JSON can hold it: no lone surrogates, no NaN, nothing but JSON's types."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if value - value == 0 else str(value)
        case dict():
            return {_encodable(str(k)): _encodable(v) for k, v in cast("dict[Any, Any]", value).items()}
        case list() | tuple():
            return [_encodable(item) for item in cast("list[Any]", value)]
        case _:
            return str(value).encode("utf-8", "backslashreplace").decode()
