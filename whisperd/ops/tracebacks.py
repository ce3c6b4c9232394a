"""Tracebacks that can be logged: where it happened and what kind of error, without what somebody said.

Owns: which exceptions may show their message. Leaves to others: the form of a log line (`logs`). A message of Python or
of a library may quote the value it is about (a UnicodeEncodeError holds the whole text), so only those are shown whose
makers never put values in: our own errors and a few of the standard library's.
"""

import sqlite3
import traceback
from collections.abc import Iterator
from typing import Final, cast

from whisperd.errors import WhisperdError

TELLING: Final = (WhisperdError, sqlite3.Error, ImportError, NotImplementedError)
"""Exceptions whose messages name things and reasons, never contents."""

MAX_DEPTH: Final = 20
"""Causes and groups inside one another that are followed."""


def traceback_lines(error: BaseException, depth: int = 0) -> Iterator[str]:
    """The traceback of an exception, of what caused it, and of all in its group, the cause first as Python has it."""
    if depth > MAX_DEPTH:
        yield "…"
        return
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from traceback_lines(cause, depth + 1)
        yield "which led to:"
    for entry in traceback.format_tb(error.__traceback__):
        yield from entry.rstrip("\n").split("\n")
    yield summary(error)
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from (f"  | {line}" for line in traceback_lines(inner, depth + 1))


def summary(error: BaseException) -> str:
    """The error's type and, where that is safe, its message."""
    name = type(error).__qualname__
    if isinstance(error, TELLING):
        return f"{name}: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror} (errno {error.errno})"
    return f"{name} (its message is not logged: it may hold what was said)"
