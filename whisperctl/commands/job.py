"""Jobs: `job list|show|text|wait|cancel`."""

from whisperctl import outcome, render
from whisperctl.errors import UsageError
from whisperctl.terminal import STATE_STYLES
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.shapes import Answer, Bar, Job, JobList, JobStory, Json, Paint, Params

_BAR_COLUMNS = 10


def list_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--state", metavar="S,…", help="only in these states, such as queued,running")
    parser.add_argument("--kind", metavar="K,…", help="only of these kinds: dictation, file, batch, watch")
    parser.add_argument("--limit", type=int, metavar="N", help=f"at most so many ({names.DEFAULT_PAGE})")
    parser.add_argument("--cursor", metavar="C", help="go on where the page that named it ended")


def list_(context: "Context", arguments: "Namespace") -> int:
    """A page of jobs, newest first."""
    params: Params = {}
    if arguments.state:
        params["states"] = arguments.state.split(",")
    if arguments.kind:
        params["kinds"] = arguments.kind.split(",")
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
    """The lines of `job list`."""
    rows = [
        [
            (str(job["id"]), ""),
            (render.safe(job["state"]), STATE_STYLES.get(job["state"], "")),
            (_progress(job, bar), "cyan" if job["state"] == "running" else ""),
            (render.safe(job["kind"]), ""),
            (render.clock(job["duration"]) if job["duration"] is not None else "", ""),
            (render.clock(job["eta"]) if job["eta"] is not None else "", ""),
            (render.base_name(job["path"]), ""),
        ]
        for job in jobs
    ]
    return render.table(["id", "state", "progress", "kind", "length", "left", "name"], rows, columns, paint, "><<<>><")


def _progress(job: "Job", bar: "Bar") -> str:
    if job["state"] == "running" or 0 < job["progress"] < 1:
        return f"{bar(job['progress'], _BAR_COLUMNS)} {render.percent(job['progress']):>4}".lstrip()
    return f"place {job['place']:,}" if job["state"] == "queued" and job["place"] else ""


def _id_argument(parser: "ArgumentParser", many: bool) -> None:
    if many:
        parser.add_argument("ids", nargs="+", metavar="ID", help="a job's number, or a range such as 3-5")
    else:
        parser.add_argument("id", type=int, metavar="ID", help="a job's number")


def job_ids(words: "list[str]") -> "list[int]":
    """The numbers in `3-5 9`, each once, in the order given. Raises `UsageError` for what is no number or range."""
    ids: dict[int, None] = {}
    for word in words:
        first, dash, last = word.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise UsageError(f"{word} is not a job's number", "`whisperctl job list` shows them")
        start, end = int(first), int(last or first)
        if not start <= end < start + names.MAX_FILES:
            raise UsageError(f"{word} is not a range of at most {names.MAX_FILES:,} jobs")
        ids.update(dict.fromkeys(range(start, end + 1)))
    return list(ids)


def show_arguments(parser: "ArgumentParser") -> None:
    _id_argument(parser, many=False)


def show(context: "Context", arguments: "Namespace") -> int:
    """One job and its story."""
    result: JobStory = context.call(names.JOB_SHOW, {"id": arguments.id})
    if context.output.json_only:
        context.output.value(result)
        return names.EXIT_OK
    from whisperctl import card

    context.output.lines(card.lines(result, context.output.out.paint, context.output.out.bar))
    return names.EXIT_OK


def text_arguments(parser: "ArgumentParser") -> None:
    _id_argument(parser, many=False)
    parser.add_argument("--format", metavar="F", help="as a file would have it: txt, srt, vtt, json, tsv")


def text(context: "Context", arguments: "Namespace") -> int:
    """A completed job's transcript."""
    params: Params = {"id": arguments.id}
    if arguments.format:
        params["format"] = arguments.format
    result: Json = context.call(names.JOB_TEXT, params)
    if context.output.json_only:
        context.output.value(result)
    else:
        context.output.text(result["rendered"] if arguments.format else result["transcript"]["text"])
    return names.EXIT_OK


def wait_arguments(parser: "ArgumentParser") -> None:
    _id_argument(parser, many=True)


def wait(context: "Context", arguments: "Namespace") -> int:
    """Show progress until all are done; 1 when one was not completed."""
    from whisperctl.delivery import follow_to_end

    output = context.output
    ids = job_ids(arguments.ids)
    jobs = follow_to_end(output, context.link(), ids)
    if output.json_only:
        output.value({"jobs": jobs})
    for job in jobs:
        output.line(outcome.job_line(job, output.out.paint))
    return outcome.status(jobs)


def cancel_arguments(parser: "ArgumentParser") -> None:
    _id_argument(parser, many=True)


def cancel(context: "Context", arguments: "Namespace") -> int:
    """Cancel jobs that are not finished; an answer for each."""
    return _answered(context, names.JOB_CANCEL, job_ids(arguments.ids))


def _answered(context: "Context", method: str, ids: "list[int]") -> int:
    """Give a verb for jobs and show what became of each; the exit status is that of the first that it failed for."""
    answers: list[Answer] = []
    for start in range(0, len(ids), names.MAX_PAGE):
        answers += context.call(method, {"ids": ids[start : start + names.MAX_PAGE]})["jobs"]
    output = context.output
    if output.json_only:
        output.value({"jobs": answers})
    status = names.EXIT_OK
    for answer in answers:
        if answer["ok"]:
            if answer["job"]:
                output.line(outcome.job_line(answer["job"], output.out.paint))
            continue
        error = answer["error"]
        if not output.json_only:
            message = (error and error["message"]) or "nothing was done"
            output.complain(f"job {answer['id']}: {message}", error["hint"] if error else None)
        not_found = bool(error and error["kind"] == "not_found")
        status = status or (names.EXIT_NOT_FOUND if not_found else names.EXIT_REFUSED)
    return status
