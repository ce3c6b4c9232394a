"""Jobs: `job list|show|text|wait|pause|resume|cancel|retry|delete|move`."""

from whisperctl import outcome, progress, render
from whisperctl.arguments import add_yes
from whisperctl.terminal import STATE_STYLES
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.shapes import Answer, Bar, Job, JobList, JobStory, Json, Paint, Params

_BAR_COLUMNS = 10
_PROGRESS_COLUMNS = 28
"""The longest that is told of a job's prospects beside its name."""
_LAST_PLACE = 2**31
"""The largest number the daemon takes for a place; what is beyond the queue's end is its end."""
_MANY_TIMEOUT = 600.0
"""Seconds for a verb on a page of jobs, each of which is a commit of its own."""


def list_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--state", metavar="S,…", help="only in these states, such as queued,running")
    parser.add_argument("--kind", metavar="K,…", help="only of these kinds: dictation, file, batch, watch")
    parser.add_argument("--order", choices=("newest", "queue"), help="queue: what is queued, the next to start first")
    parser.add_argument("--batch", metavar="NAME", help="only the items of this batch")
    parser.add_argument("--limit", type=int, metavar="N", help=f"at most so many ({names.DEFAULT_PAGE})")
    parser.add_argument("--cursor", metavar="C", help="go on where the page that named it ended")


def list_(context: "Context", arguments: "Namespace") -> int:
    """A page of jobs, newest first or as the queue goes."""
    params: Params = {}
    if arguments.state:
        params["states"] = arguments.state.split(",")
    if arguments.kind:
        params["kinds"] = arguments.kind.split(",")
    if arguments.order:
        params["order"] = arguments.order
    if arguments.batch:
        from whisperctl.selection import batch_ref

        params["batch"] = batch_ref(arguments.batch)
    if arguments.limit is not None:
        params["limit"] = arguments.limit
    if arguments.cursor:
        params["cursor"] = arguments.cursor
    result: JobList = context.call(names.JOB_LIST, params)
    output = context.output
    if output.json_only:
        output.value(result)
        return names.EXIT_OK
    if result["jobs"]:
        output.lines(job_table(result["jobs"], output.out.paint, output.out.bar, output.out.size()[0]))
    else:
        output.note("no jobs")
    if result["next_cursor"]:
        output.note(f"there are more: --cursor {render.safe(result['next_cursor'])}")
    return names.EXIT_OK


def job_table(jobs: "list[Job]", paint: "Paint", bar: "Bar", columns: int) -> "list[str]":
    """The lines of `job list`; a column in which no job has anything is left out."""
    table = [
        ("id", ">", [(str(job["id"]), "") for job in jobs]),
        ("state", "<", [(render.safe(job["state"]), STATE_STYLES.get(job["state"], "")) for job in jobs]),
        ("progress", "<", [(_progress(job, bar), "cyan" if job["state"] == "running" else "") for job in jobs]),
        ("kind", "<", [(_kind(job), "") for job in jobs]),
        ("length", ">", [(_clock(job["duration"]), "") for job in jobs]),
        ("left", ">", [(_clock(job["eta"]), "") for job in jobs]),
        ("name", "<", [(render.base_name(job["path"]), "") for job in jobs]),
    ]
    shown = [column for column in table if any(text for text, _ in column[2])]
    rows = [list(row) for row in zip(*(cells for _, _, cells in shown), strict=True)]
    sides = "".join(side for _, side, _ in shown)
    return render.table([title for title, _, _ in shown], rows, columns, paint, sides)


def _clock(seconds: float | None) -> str:
    return "" if seconds is None else render.clock(seconds)


def _kind(job: "Job") -> str:
    """The kind, and the class where a person chose another than the kind's."""
    kind = render.safe(job["kind"])
    return kind if job["priority"] == progress.CLASSES.get(job["kind"]) else f"{kind}, {render.safe(job['priority'])}"


def _progress(job: "Job", bar: "Bar") -> str:
    """How far a job is, or what it waits for."""
    state = job["state"]
    told: list[str] = []
    if state == "running":
        told.append(f"{bar(job['progress'], _BAR_COLUMNS)} {render.percent(job['progress']):>4}".strip())
    elif 0 < job["progress"] < 1:
        told.append(render.percent(job["progress"]))
    if state == "queued":
        told += progress.prospects(job, "in")
    elif state == "waiting":
        told.append(progress.next_try(job))
    elif state == "failed" and job["attempts"] > 1:
        told.append(f"{job['attempts']} tries")
    return render.fit(", ".join(told), _PROGRESS_COLUMNS)


def show_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("id", type=int, metavar="ID", help="a job's number")


def show(context: "Context", arguments: "Namespace") -> int:
    """One job and its story."""
    result: JobStory = context.call(names.JOB_SHOW, {"id": arguments.id})
    if context.output.json_only:
        context.output.value(result)
        return names.EXIT_OK
    from whisperctl import card

    output = context.output
    output.lines(card.facts(result["job"], output.out.paint, output.out.bar), card.FACT_COLUMN)
    if result["story"]:
        output.lines(["", output.out.paint("bold", "Story")])
        output.lines(card.story(result, output.out.paint), card.STORY_COLUMN)
    return names.EXIT_OK


def text_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("id", type=int, metavar="ID", help="a job's number")
    parser.add_argument("--format", metavar="F", help="as a file would have it: txt, srt, vtt, json, tsv")
    parser.add_argument("--so-far", action="store_true", help="of a job that is not finished, what is done of it")


def text(context: "Context", arguments: "Namespace") -> int:
    """A completed job's transcript, or what there is of another's."""
    params: Params = {"id": arguments.id}
    if arguments.so_far:
        params["so_far"] = True
    if arguments.format:
        params["format"] = arguments.format
    result: Json = context.call(names.JOB_TEXT, params)
    shown: str = result["rendered"] if arguments.format else result["transcript"]["text"]
    if context.output.json_only:
        context.output.value(result)
    elif shown:
        context.output.text(shown, wrapped=not arguments.format)
    if not result["transcript"]["text"]:
        context.output.note(f"no speech was found in the audio of job {arguments.id}")
    return names.EXIT_OK


def wait_arguments(parser: "ArgumentParser") -> None:
    _selection_arguments(parser, "wait")


def wait(context: "Context", arguments: "Namespace") -> int:
    """Show progress until all are done; 1 when one was not completed."""
    from whisperctl import selection
    from whisperctl.delivery import follow_to_end

    output = context.output
    wanted = selection.chosen(arguments, "wait")
    link = context.link()
    ids = wanted if isinstance(wanted, list) else selection.listed(link.client, wanted)
    jobs = follow_to_end(output, link, ids) if ids else []
    if output.json_only:
        output.value({"jobs": jobs})
    for job in jobs:
        output.line(outcome.job_line(job, output.out.paint))
    return outcome.status(jobs)


def pause_arguments(parser: "ArgumentParser") -> None:
    _selection_arguments(parser, "pause")


def pause(context: "Context", arguments: "Namespace") -> int:
    """Hold jobs; a running one ends its batch, and what is done is kept."""
    return _carry_out(context, names.JOB_PAUSE, arguments)


def resume_arguments(parser: "ArgumentParser") -> None:
    _selection_arguments(parser, "resume")


def resume(context: "Context", arguments: "Namespace") -> int:
    """Put paused jobs back into the queue."""
    return _carry_out(context, names.JOB_RESUME, arguments)


def cancel_arguments(parser: "ArgumentParser") -> None:
    _selection_arguments(parser, "cancel")
    add_yes(parser)


def cancel(context: "Context", arguments: "Namespace") -> int:
    """Cancel jobs that are not finished. Asks when they are described instead of named."""
    return _carry_out(context, names.JOB_CANCEL, arguments)


def retry_arguments(parser: "ArgumentParser") -> None:
    _selection_arguments(parser, "retry")


def retry(context: "Context", arguments: "Namespace") -> int:
    """Queue finished jobs again."""
    return _carry_out(context, names.JOB_RETRY, arguments)


def delete_arguments(parser: "ArgumentParser") -> None:
    _selection_arguments(parser, "delete")
    add_yes(parser)


def delete(context: "Context", arguments: "Namespace") -> int:
    """Remove finished jobs and their transcripts. Asks."""
    return _carry_out(context, names.JOB_DELETE, arguments)


def move_arguments(parser: "ArgumentParser") -> None:
    _selection_arguments(parser, "move")
    parser.add_argument(
        "--to",
        type=place,
        required=True,
        metavar="first|last|N",
        help="place among the jobs of the same class; several jobs take places that follow each other",
    )


def move(context: "Context", arguments: "Namespace") -> int:
    """Give queued jobs another place in the queue."""
    return _carry_out(context, names.JOB_MOVE, arguments)


def place(word: str) -> int:
    """`first`, `last` or a number from 1. Raises ValueError, which argparse makes a message of."""
    number = {"first": 1, "last": _LAST_PLACE}.get(word) or int(word)
    if not 1 <= number <= _LAST_PLACE:
        raise ValueError
    return number


# -- a verb for several jobs ------------------------------------------------------------------------------------------


def _selection_arguments(parser: "ArgumentParser", verb: str) -> None:
    from whisperctl import selection

    selection.add_arguments(parser, verb)


def _carry_out(context: "Context", method: str, arguments: "Namespace") -> int:
    """Find the jobs, ask where the verb destroys something, and show what became of each."""
    from whisperctl import answers, selection

    verb = method.partition(".")[2]
    wanted = selection.chosen(arguments, verb)
    client = context.connect()
    described = not isinstance(wanted, list)
    ids = selection.listed(client, wanted) if not isinstance(wanted, list) else wanted
    output = context.output
    if ids and not getattr(arguments, "yes", True):
        _ask(context, verb, len(ids), described)
    given: list[Answer] = []
    if described and verb == "move":
        ids.sort()  # they keep their order among each other
    for start in range(0, len(ids), names.MAX_PAGE):
        params: Params = {"ids": ids[start : start + names.MAX_PAGE]}
        if verb == "move":
            params["place"] = min(arguments.to + start, _LAST_PLACE)
        given += client.call(method, params, timeout=_MANY_TIMEOUT)["jobs"]
    if output.json_only:
        output.value({"jobs": given})
    if not ids:
        output.note(f"there is no job to {verb}")
    return answers.report(output, verb, given, described)


def _ask(context: "Context", verb: str, count: int, described: bool) -> None:
    """Cancelling jobs that were named is not asked about; deleting them is, on a terminal."""
    from whisperctl import consent

    if verb == "delete":
        with_what = "its transcript" if count == 1 else "their transcripts"
        consent.obtain(context.output, f"delete {render.counted(count, 'job')} and {with_what}", insist=described)
    elif described:
        consent.obtain(context.output, f"cancel {render.counted(count, 'job')}")
