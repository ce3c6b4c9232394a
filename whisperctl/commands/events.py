"""`events`: what happens in the daemon, as JSON lines."""

from whisperctl.errors import DisconnectedError, RequestFailedError, UsageError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from whisperctl.client import Client
    from whisperctl.context import Context
    from whisperctl.follow import Link
    from whisperctl.shapes import Event, Params

_PATIENCE = 30.0
"""Seconds in which the next stored event must come."""


def events_arguments(parser: "ArgumentParser") -> None:
    parser.description = (
        "Print stored events as JSON lines; with --follow, go on with new ones (progress included) for ever, "
        "over restarts of the daemon."
    )
    parser.add_argument("--follow", "-f", action="store_true", help="from now on, or from --since on")
    parser.add_argument("--topic", metavar="T,…", default="", help=f"only these: {', '.join(names.TOPICS)}")
    parser.add_argument("--since", type=int, metavar="N", help="only events after the one whose seq is N")


def events(context: "Context", arguments: "Namespace") -> int:
    """Print events until the newest stored one, or with --follow until Ctrl-C."""
    topics = [topic.strip() for topic in arguments.topic.split(",") if topic.strip()]
    unknown = [topic for topic in topics if topic not in names.TOPICS]
    if unknown:
        raise UsageError(f"there is no topic {unknown[0]}", f"topics are {', '.join(names.TOPICS)}")
    if arguments.follow:
        found = _followed(context.link(), topics, arguments.since)
    else:
        found = _stored(context.connect(), topics, arguments.since or 0)
    for event in found:
        context.output.value(event)
    return names.EXIT_OK


def _stored(client: "Client", topics: "list[str]", since: int) -> "Iterator[Event]":
    """Events after `since` up to the newest one at the time of asking.

    The topics are chosen here, not by the daemon: the newest event of all is what tells that these are all.
    """
    newest = client.call(names.EVENTS_SUBSCRIBE, {"since": since})["seq"]
    while since < newest:
        message = client.event(_PATIENCE)
        if message is None:
            raise DisconnectedError(f"whisperd sent no event after {since}, though there are some up to {newest}")
        method, event = message
        if method == names.EVENTS_LOST:
            client.call(names.EVENTS_SUBSCRIBE, {"since": since})
            continue
        seq = event.get("seq")
        if seq is None or not since < seq <= newest:
            continue
        since = seq
        if not topics or event.get("topic") in topics:
            yield event


def _followed(link: "Link", topics: "list[str]", since: int | None) -> "Iterator[Event]":
    """Events from now or from `since` on, for ever; after a restart from the last one that was seen."""
    while True:
        try:
            params: Params = {"topics": topics} if since is None else {"topics": topics, "since": since}
            newest: int = link.client.call(names.EVENTS_SUBSCRIBE, params)["seq"]
            since = newest if since is None else since
            while (message := link.client.event(None)) is not None and message[0] == names.EVENT:
                event = message[1]
                since = event.get("seq", since)
                yield event
        except (DisconnectedError, RequestFailedError) as error:
            link.outlive(error)
