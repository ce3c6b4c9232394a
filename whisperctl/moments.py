"""Moments as a person gives them, as the wire takes them.

Owns: dates and times of day of this machine's time zone, and spans before now. ISO 8601 with an offset comes out.
"""

import datetime
import re

from whisperctl.errors import UsageError

_SPAN = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def since(words: str, now: "datetime.datetime | None" = None) -> str:
    """The first moment that is meant. Raises `UsageError`."""
    return _moment(words, now)[0].isoformat()


def until(words: str, now: "datetime.datetime | None" = None) -> str:
    """The moment just after what is meant: of a day, its end. Raises `UsageError`."""
    moment, whole_day = _moment(words, now)
    if whole_day:  # by the calendar, since a day may have 23 or 25 hours
        moment = (moment.replace(tzinfo=None) + datetime.timedelta(days=1)).astimezone()
    return moment.isoformat()


def _moment(words: str, now: "datetime.datetime | None") -> "tuple[datetime.datetime, bool]":
    """A moment with its time zone, and whether it stands for a day."""
    now = now or datetime.datetime.now().astimezone()
    if span := _SPAN.fullmatch(words):
        return now - datetime.timedelta(**{_UNITS[span[2]]: int(span[1])}), False
    try:
        days = {"today": 0, "yesterday": 1}.get(words)
        day = datetime.date.fromisoformat(words) if days is None else now.date() - datetime.timedelta(days=days)
        return datetime.datetime.combine(day, datetime.time()).astimezone(), True
    except ValueError:
        pass
    try:
        given = datetime.datetime.fromisoformat(words)
        return given if given.tzinfo else given.astimezone(), False
    except ValueError:
        raise UsageError(
            f"{words!r} is not a time", 'such are 2026-01-31, "2026-01-31 14:30", yesterday, 90m, 12h, 7d'
        ) from None
