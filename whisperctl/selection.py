"""Which jobs a verb is for: numbers and ranges, or all that fit a description.

Owns: those arguments, what `--all` means for each verb, and finding the jobs, page by page (the daemon filters).
Leaves to others: what is done to them (`whisperctl.commands.job`).
"""

from whisperctl.errors import UsageError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.client import Client
    from whisperctl.shapes import JobList, Params

_UNFINISHED = ("queued", "running", "waiting", "paused")
APPLICABLE = {
    "pause": ("queued", "running", "waiting"),
    "resume": ("paused",),
    "cancel": _UNFINISHED,
    "retry": names.FINAL_STATES,
    "delete": names.FINAL_STATES,
    "move": ("queued",),
    "wait": _UNFINISHED,
}
"""The states in which a verb can do anything to a job."""
_ALL = APPLICABLE | {"retry": ("failed", "cancelled")}
"""The states that are meant where none is named: a transcript that is there is not thrown away by the way."""


def add_arguments(parser: "ArgumentParser", verb: str) -> None:
    """`ID…`, or a description: `--all`, `--failed` where the verb is for such, `--state`, `--kind`."""
    add = parser.add_argument
    add("ids", nargs="*", metavar="ID", help="a job's number, or a range such as 3-5")
    add("--all", action="store_true", help=f"every {_either(_ALL[verb])} job")
    if "failed" in APPLICABLE[verb]:
        add("--failed", action="store_true", help="every failed job")
    if len(APPLICABLE[verb]) > 1:
        add("--state", metavar="S,…", help=f"every job in these states: {', '.join(APPLICABLE[verb])}")
    add("--kind", metavar="K,…", help="only of these kinds: dictation, file, batch, watch")
    add("--batch", metavar="NAME", help="only the items of this batch")


def chosen(arguments: "Namespace", verb: str) -> "list[int] | Params":
    """The numbers given, or the filter for `job.list` that the description stands for. Raises `UsageError`."""
    given: str = getattr(arguments, "state", None) or ""
    named = [state.strip() for state in given.split(",") if state.strip()]
    named += ["failed"] if getattr(arguments, "failed", False) else []
    if not (arguments.all or named or arguments.kind or arguments.batch):
        if not arguments.ids:
            raise UsageError(f"which jobs are to {verb}?", f"give their numbers, or --all: `job {verb} --help`")
        return job_ids(arguments.ids)
    if arguments.ids:
        raise UsageError("give either the numbers of jobs or a description of them, not both")
    for state in named:
        if state not in APPLICABLE[verb]:
            raise UsageError(f"`job {verb}` is for {_either(APPLICABLE[verb])} jobs, not for {state!r}")
    filters: Params = {"states": named or list(_ALL[verb])}
    if arguments.kind:
        filters["kinds"] = arguments.kind.split(",")
    if arguments.batch:
        filters["batch"] = batch_ref(arguments.batch)
    return filters


def batch_ref(word: str) -> "int | str":
    """A batch as the daemon is asked for it: by its id where the word is a number, else by its name."""
    return int(word) if word.isdecimal() else word


def listed(client: "Client", filters: "Params") -> "list[int]":
    """The jobs that fit now, newest first: what is queued comes before what runs."""
    ids: list[int] = []
    cursor: Params = {}
    while True:
        page: JobList = client.call(names.JOB_LIST, {**filters, "limit": names.MAX_PAGE, **cursor})
        ids += [job["id"] for job in page["jobs"]]
        if not page["next_cursor"]:
            return ids
        cursor = {"cursor": page["next_cursor"]}


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


def _either(states: "tuple[str, ...]") -> str:
    return " or ".join(filter(None, (", ".join(states[:-1]), states[-1])))
