"""`events`: what happens in the daemon, as JSON lines."""

from whisperctl.errors import DisconnectedError, RequestFailedError, UsageError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from whisperctl.context import Context
    from whisperctl.follow import Link
    from whisperctl.shapes import Event, Notice, Params

_PATIENCE = 30.0
"""Seconds in which the next stored event must come."""


def events_arguments(parser: "ArgumentParser") -> None:
    parser.description = (
        "Print stored events as JSON lines; with --follow, go on with new ones (progress included) for ever, "
        "over restarts of the daemon."
    )
    parser.add_argument("--follow", "-f", action="store_true", help="from now on, or from --since on")
    parser.add_argument("--topic", metavar="T,…", default="", help=f"only these: {', '.join(names.TOPICS)}")
    parser.add_argument("--job", metavar="ID", nargs="+", help="only of these jobs: numbers, or ranges such as 3-5")
    parser.add_argument("--batch", metavar="ID", nargs="+", help="only of these batches and their items, by number")
    parser.add_argument(
        "--format",
        choices=("json", "waybar"),
        default="json",
        help="waybar: one line for a status bar, and with --follow another at each change of dictation or queue",
    )
    parser.add_argument("--since", type=int, metavar="N", help="only events after the one whose seq is N")


def events(context: "Context", arguments: "Namespace") -> int:
    """Print events until the newest stored one, or with --follow until Ctrl-C."""
    if arguments.format == "waybar":
        return _bar(context, arguments)
    wanted = _wanted(arguments)
    if arguments.follow:
        found = _followed(context.link(), wanted, arguments.since)
    else:
        found = _stored(context, wanted, arguments.since)
    for event in found:
        context.output.value(event)
    return names.EXIT_OK


def _bar(context: "Context", arguments: "Namespace") -> int:
    from whisperctl.statusbar import Watcher

    if _wanted(arguments) or arguments.since is not None:
        raise UsageError("--topic, --job, --batch and --since choose events, and a status bar shows none")
    watcher = Watcher(context.socket, context.output.value)
    if arguments.follow:
        watcher.forever()
    watcher.once()
    return names.EXIT_OK


def _wanted(arguments: "Namespace") -> "Params":
    """The filter, as `events.subscribe` takes it. Raises `UsageError`."""
    wanted: Params = {}
    topics = [topic.strip() for topic in arguments.topic.split(",") if topic.strip()]
    if unknown := [topic for topic in topics if topic not in names.TOPICS]:
        raise UsageError(f"there is no topic {unknown[0]}", f"topics are {', '.join(names.TOPICS)}")
    if topics:
        wanted["topics"] = topics
    if arguments.job or arguments.batch:
        from whisperctl import selection

        wanted |= {"jobs": selection.job_ids(arguments.job)} if arguments.job else {}
        wanted |= {"batches": selection.job_ids(arguments.batch)} if arguments.batch else {}
    return wanted


def _stored(context: "Context", wanted: "Params", since: int | None) -> "Iterator[Event]":
    """Events after `since` up to the newest one at the time of asking.

    They are chosen here, not by the daemon: the newest event of all is what tells that these are all.
    """
    client = context.connect()
    seen = since or 0
    told = client.call(names.EVENTS_SUBSCRIBE, {"since": seen})
    newest: int = told["seq"]
    if since is not None:
        _tell_of_pruned(context.output.note, since, told)
    while seen < newest:
        message = client.event(_PATIENCE)
        if message is None:
            raise DisconnectedError(f"whisperd sent no event after {seen}, though there are some up to {newest}")
        method, event = message
        if method == names.EVENTS_LOST:
            client.call(names.EVENTS_SUBSCRIBE, {"since": seen})
            continue
        seq = event.get("seq")
        if seq is None or not seen < seq <= newest:
            continue
        seen = seq
        if _fits(event, wanted):
            yield event


def _fits(event: "Event", wanted: "Params") -> bool:
    """Whether the event is of the topics, jobs and batches, as the daemon would judge."""
    return (
        event.get("topic") in wanted.get("topics", [event.get("topic")])
        and event.get("job") in wanted.get("jobs", [event.get("job")])
        and event.get("batch") in wanted.get("batches", [event.get("batch")])
    )


def _followed(link: "Link", wanted: "Params", since: int | None) -> "Iterator[Event]":
    """Events from now or from `since` on, for ever; after a restart from the last one that was seen."""
    while True:
        try:
            params = wanted if since is None else {**wanted, "since": since}
            told = link.client.call(names.EVENTS_SUBSCRIBE, params)
            since = told["seq"] if since is None else _tell_of_pruned(link.notice, since, told)
            while (message := link.client.event(None)) is not None and message[0] == names.EVENT:
                event = message[1]
                since = event.get("seq", since)
                yield event
        except (DisconnectedError, RequestFailedError) as error:
            link.outlive(error)


def _tell_of_pruned(notice: "Notice", since: int, told: "Params") -> int:
    """Say which of the events asked for are not kept any more; after which event the rest comes."""
    pruned: int = told.get("pruned", 0)
    if since >= pruned:
        return since
    notice(f"the events up to {pruned:,} are not kept any more; look at the state of things, what follows is newer")
    return pruned
