"""Batches: `batch create|list|show|add|remove|set|start|pause|resume|cancel|retry|delete`."""

from whisperctl import batches, outcome, render
from whisperctl.arguments import add_yes
from whisperctl.commands import submit
from whisperctl.errors import UsageError
from whisperctl.selection import batch_ref, job_ids
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.follow import Link
    from whisperctl.shapes import Answer, Batch, BatchAnswer, BatchStory, Job, Json, Params

_MANY_TIMEOUT = 600.0
"""Seconds for a verb on a page of items, each of which is a commit of its own."""


# -- making and filling -----------------------------------------------------------------------------------------------


def create_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("name", metavar="NAME", help="unlike that of any other unfinished batch, and no number")
    _files_arguments(parser, "*")
    parser.add_argument("--concurrency", type=int, metavar="N", help="files in progress at once")
    parser.add_argument("--start", action="store_true", help="start it at once instead of leaving a draft")
    parser.add_argument("--wait", action="store_true", help="start it, and stay until it is done")
    submit.transcribing_arguments(parser)


def create(context: "Context", arguments: "Namespace") -> int:
    """Make a draft, fill it, and start it where that is asked for."""
    output, link = context.output, context.link()
    paths = _paths(context, arguments)
    params: Params = {"name": arguments.name, "options": submit.options_of(arguments)}
    if arguments.concurrency is not None:
        params["concurrency"] = arguments.concurrency
    batch: Batch = link.client.call(names.BATCH_CREATE, params)["batch"]
    jobs = submit.send(link, names.BATCH_ADD, paths, {"id": batch["id"]}) if paths else []
    if arguments.start or arguments.wait:
        link.call(names.BATCH_START, {"ids": [batch["id"]]})
    if arguments.wait:
        return _wait(context, link, batch, jobs)
    batch = link.call(names.BATCH_SHOW, {"id": batch["id"], "limit": 1})["batch"]
    output.result({"batch": batch}, batches.line(batch))
    if batch["state"] == "draft":
        output.note(f"nothing of it runs before `whisperctl batch start {batch['id']}`")
    _report_failed(context, jobs)
    return names.EXIT_OK


def _wait(context: "Context", link: "Link", batch: "Batch", jobs: "list[Job]") -> int:
    """A line for each file and a total until all are done; how it ended."""
    from whisperctl.delivery import follow_to_end

    output = context.output
    ended = follow_to_end(output, link, [job["id"] for job in jobs]) if jobs else []
    shown: BatchStory = link.call(names.BATCH_SHOW, {"id": batch["id"], "limit": 1})
    output.result({"batch": shown["batch"], "jobs": ended}, batches.line(shown["batch"]))
    return outcome.status(ended)


def add_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("batch", metavar="BATCH", help="a batch's name or number")
    _files_arguments(parser, "+")
    parser.add_argument("--again", action="store_true", help="also what is an unfinished item already")


def add(context: "Context", arguments: "Namespace") -> int:
    """Add files and folders to a batch; a finished one goes on with them."""
    output, link = context.output, context.link()
    wishes: Params = {"id": batch_ref(arguments.batch), "again": arguments.again}
    jobs = submit.send(link, names.BATCH_ADD, _paths(context, arguments), wishes)
    output.result({"jobs": jobs}, f"added {render.counted(len(jobs), 'file')} to batch {render.safe(arguments.batch)}")
    _report_failed(context, jobs)
    return names.EXIT_OK


def _files_arguments(parser: "ArgumentParser", count: str) -> None:
    parser.add_argument("files", nargs=count, metavar="FILE|DIR", help="audio; of a folder, the audio files in it")
    parser.add_argument("--pattern", metavar="GLOB", help="of a folder only files of such names, as '*.flac'")


def _paths(context: "Context", arguments: "Namespace") -> "list[bytes]":
    from whisperctl import files

    return files.found(arguments.files, context.output.note, arguments.pattern)


def _report_failed(context: "Context", jobs: "list[Job]") -> None:
    for job in jobs:
        if job["state"] == "failed":
            outcome.report(context.output, job, render.base_name(job["path"]))


def remove_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("batch", metavar="BATCH", help="a batch's name or number")
    parser.add_argument("ids", nargs="+", metavar="ID", help="a job's number, or a range such as 3-5")


def remove(context: "Context", arguments: "Namespace") -> int:
    """Take jobs out of a batch; those that are not finished are cancelled."""
    return _items(context, "remove", arguments.batch, job_ids(arguments.ids))


def retry_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("batch", metavar="BATCH", help="a batch's name or number")
    parser.add_argument("ids", nargs="*", metavar="ID", help="an item's number, or a range; all failed ones without it")


def retry(context: "Context", arguments: "Namespace") -> int:
    """Queue items again: those named, or all failed ones."""
    return _items(context, "retry", arguments.batch, job_ids(arguments.ids))


def _items(context: "Context", verb: str, batch: str, ids: "list[int]") -> int:
    from whisperctl import answers

    client = context.connect()
    given: list[Answer] = []
    for start in range(0, max(len(ids), 1), names.MAX_PAGE):
        params: Params = {"id": batch_ref(batch), "jobs": ids[start : start + names.MAX_PAGE]}
        given += client.call(f"batch.{verb}", params, timeout=_MANY_TIMEOUT)["jobs"]
    if context.output.json_only:
        context.output.value({"jobs": given})
    if not given:
        context.output.note(f"batch {render.safe(batch)} has no item to {verb}")
    return answers.report(context.output, verb, given, described=not ids)


# -- looking ----------------------------------------------------------------------------------------------------------


def list_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--state", metavar="S,…", help="only in these states, such as running,paused")
    _page_arguments(parser)


def list_(context: "Context", arguments: "Namespace") -> int:
    """A page of batches, newest first; with --watch, redrawn as they change."""
    return _look(context, names.BATCH_LIST, _page(arguments), arguments.watch)


def show_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("batch", metavar="BATCH", help="a batch's name or number")
    parser.add_argument("--state", metavar="S,…", help="only items in these states, such as failed,running")
    _page_arguments(parser)


def show(context: "Context", arguments: "Namespace") -> int:
    """A batch, a page of its items, and why some have failed; with --watch, redrawn as they change."""
    params: Params = {"id": batch_ref(arguments.batch), **_page(arguments)}
    return _look(context, names.BATCH_SHOW, params, arguments.watch)


def _page_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--limit", type=int, metavar="N", help=f"at most so many ({names.DEFAULT_PAGE})")
    parser.add_argument("--cursor", metavar="C", help="go on where the page that named it ended")
    parser.add_argument("--watch", action="store_true", help="stay, and show every change until Ctrl-C")


def _page(arguments: "Namespace") -> "Params":
    params: Params = {}
    if arguments.state:
        params["states"] = arguments.state.split(",")
    if arguments.limit is not None:
        params["limit"] = arguments.limit
    if arguments.cursor:
        params["cursor"] = arguments.cursor
    return params


def _look(context: "Context", method: str, params: "Params", stay: bool) -> int:
    output = context.output
    if stay:
        from whisperctl import watching

        return watching.watch(context, method, params, batches.lines)
    result: Json = context.call(method, params)
    if output.json_only:
        output.value(result)
        return names.EXIT_OK
    output.lines(batches.lines(result, output.out))
    if result["next_cursor"]:
        output.note(f"there are more: --cursor {render.safe(result['next_cursor'])}")
    return names.EXIT_OK


# -- changing ---------------------------------------------------------------------------------------------------------


def set_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("batch", metavar="BATCH", help="a batch's name or number")
    parser.add_argument("--name", metavar="NAME", help="its new name")
    parser.add_argument("--concurrency", type=int, metavar="N", help="files in progress at once")


def set_(context: "Context", arguments: "Namespace") -> int:
    """Rename a batch, or change its concurrency, while it runs too."""
    params: Params = {"id": batch_ref(arguments.batch)}
    wanted = {name: value for name in ("name", "concurrency") if (value := getattr(arguments, name)) is not None}
    if not wanted:
        raise UsageError("what is to be set?", "give --name or --concurrency")
    batch: Batch = context.call(names.BATCH_SET, params | wanted)["batch"]
    context.output.result({"batch": batch}, batches.line(batch))
    return names.EXIT_OK


def start_arguments(parser: "ArgumentParser") -> None:
    _names_argument(parser)


def start(context: "Context", arguments: "Namespace") -> int:
    """Start drafts."""
    return _each(context, names.BATCH_START, arguments)


def pause_arguments(parser: "ArgumentParser") -> None:
    _names_argument(parser)


def pause(context: "Context", arguments: "Namespace") -> int:
    """Hold batches; what is done is kept."""
    return _each(context, names.BATCH_PAUSE, arguments)


def resume_arguments(parser: "ArgumentParser") -> None:
    _names_argument(parser)


def resume(context: "Context", arguments: "Namespace") -> int:
    """Let paused batches go on."""
    return _each(context, names.BATCH_RESUME, arguments)


def cancel_arguments(parser: "ArgumentParser") -> None:
    _names_argument(parser)


def cancel(context: "Context", arguments: "Namespace") -> int:
    """Cancel what is not done, and keep what is."""
    return _each(context, names.BATCH_CANCEL, arguments)


def delete_arguments(parser: "ArgumentParser") -> None:
    _names_argument(parser)
    parser.add_argument("--transcripts", action="store_true", help="delete what was transcribed too")
    add_yes(parser)


def delete(context: "Context", arguments: "Namespace") -> int:
    """Remove finished batches and drafts with their jobs. Asks."""
    if not arguments.yes:
        from whisperctl import consent

        what = "with its transcripts" if arguments.transcripts else "and keep its transcripts"
        consent.obtain(context.output, f"delete {render.counted(len(arguments.batches), 'batch')} {what}", insist=False)
    return _each(context, names.BATCH_DELETE, arguments, {"transcripts": arguments.transcripts})


def _names_argument(parser: "ArgumentParser") -> None:
    parser.add_argument("batches", nargs="+", metavar="BATCH", help="a batch's name or number")


def _each(context: "Context", method: str, arguments: "Namespace", more: "Params | None" = None) -> int:
    """Give the verb to each batch, and show what became of it; one that is refused does not stop the others."""
    output = context.output
    params: Params = {"ids": [batch_ref(name) for name in arguments.batches], **(more or {})}
    given: list[BatchAnswer] = context.connect().call(method, params, timeout=_MANY_TIMEOUT)["batches"]
    if output.json_only:
        output.value({"batches": given})
    status = names.EXIT_OK
    for answer in given:
        if answer["ok"]:
            batch = answer["batch"]
            output.line(batches.line(batch) if batch else f"deleted batch {render.safe(str(answer['id']))}")
            continue
        error = answer["error"]
        output.complain(error["message"] or "nothing was done", error["hint"]) if error else None
        missing = error is not None and error["kind"] == "not_found"
        status = status or (names.EXIT_NOT_FOUND if missing else names.EXIT_REFUSED)
    return status
