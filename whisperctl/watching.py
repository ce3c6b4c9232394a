"""A view that stays: asked for again whenever an event says that something has changed, and redrawn in place.

Owns: when it is asked for. Leaves to others: what it says (`whisperctl.batches`), redrawing (`whisperctl.terminal`).
"""

import time

from whisperctl import render
from whisperctl.errors import DisconnectedError, RequestFailedError
from whisperctl.follow import RECHECK
from whisperctl.terminal import Live
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from whisperctl.context import Context
    from whisperctl.follow import Link
    from whisperctl.shapes import Json, Params
    from whisperctl.terminal import Stream

_AT_MOST = 0.5
"""Seconds between two drawings at least: progress comes no faster."""
_TOPICS = [names.TOPIC_BATCH_STATE, names.TOPIC_BATCH_PROGRESS, names.TOPIC_JOB_STATE]


def watch(context: "Context", method: str, params: "Params", lines: "Callable[[Json, Stream], list[str]]") -> int:
    """Show what the method answers, and again after each change, until Ctrl-C; over restarts of the daemon too.

    On a terminal lines are redrawn; elsewhere each state follows the last, with --json as one value a line.
    """
    output, link = context.output, context.link()
    live = Live(output.out)
    shown: list[str] = []
    for result in _results(link, method, params):
        if output.json_only:
            output.value(result)
            continue
        columns, height = output.out.size()
        now = lines(result, output.out)
        if output.out.live:
            live.draw([render.fit(line, columns - 1) if "\x1b" not in line else line for line in now[: height - 1]])
        elif now != shown:
            output.lines(now)
        shown = now
    return names.EXIT_OK


def _results(link: "Link", method: str, params: "Params") -> "Iterator[Json]":
    """What the method answers now, and after each event; it ends with its batch, where it is about one."""
    while True:
        try:
            link.client.call(names.EVENTS_SUBSCRIBE, {"topics": _TOPICS})
            while True:
                result: Json = link.client.call(method, params)
                yield result
                if "batch" in result and result["batch"]["state"] in names.FINAL_BATCH_STATES:
                    return
                _await_change(link)
        except (DisconnectedError, RequestFailedError) as error:
            link.outlive(error)


def _await_change(link: "Link") -> None:
    """Return some time after the next event, with those that came meanwhile taken in."""
    message = link.client.event(RECHECK)
    until = time.monotonic() + _AT_MOST
    while message is not None and (left := until - time.monotonic()) > 0:
        if message[0] == names.EVENTS_LOST:
            link.client.call(names.EVENTS_SUBSCRIBE, {"topics": _TOPICS})
        message = link.client.event(left)
