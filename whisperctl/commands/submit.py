"""Sending audio to the daemon: `submit` and `transcribe`."""

import os

from whisperctl import files, outcome, render
from whisperctl.arguments import listed, speech_arguments
from whisperctl.delivery import Delivery, follow_to_end
from whisperctl.errors import CommandError, UsageError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.follow import Link
    from whisperctl.shapes import FileParam, Job, Params

_REQUEST_BYTES = names.MAX_REQUEST // 2
"""Of files in one request: less than the limit by what the options can take."""
_REQUEST_FILES = 500

# fmt: off
_OPTIONS = (
    "language", "multilingual", "chinese", "model", "task", "prompt", "hotwords", "words", "beam_size", "audio_context",
    "compute_type",
)
# fmt: on
"""Options that are called the same on the wire."""


def submit_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("files", nargs="+", metavar="FILE|DIR", help="audio; of a folder, the audio files in it")
    option_arguments(parser, dictation=True)
    parser.add_argument("--batch", metavar="NAME", help="make them items of this batch")
    parser.add_argument(
        "--wait", action="store_true", help="wait until all are done, and print the texts of dictations"
    )


def transcribe_arguments(parser: "ArgumentParser") -> None:
    parser.description = (
        "Transcribe files and print their texts in the order given, each as soon as it is there. "
        "On a terminal several texts have a heading each. Ctrl-C leaves the jobs running."
    )
    parser.add_argument("files", nargs="+", metavar="FILE|DIR|-", help="audio; - is standard input")
    option_arguments(parser, dictation=False)


def option_arguments(parser: "ArgumentParser", dictation: bool) -> None:
    """How files are to be transcribed, and how they are queued."""
    transcribing_arguments(parser)
    add = parser.add_argument
    add("--key", metavar="KEY", help="sending one file twice with one key makes one job")
    add("--again", action="store_true", help="also what is queued or running already with the same options")
    urgency = parser.add_mutually_exclusive_group()
    urgency.add_argument("--low", action="store_true", help="after everything else")
    if dictation:
        urgency.add_argument("--dictation", action="store_true", help="short speech, before all files")


def transcribing_arguments(parser: "ArgumentParser") -> None:
    """How files are to be transcribed."""
    add = parser.add_argument
    speech_arguments(parser)
    add("--model", metavar="NAME", help="a model's name or folder; chosen by default")
    add("--task", choices=("transcribe", "translate"), help="translate: into English")
    add("--format", metavar="F,…", help="files to write beside the audio: txt, srt, vtt, json, tsv")
    add("--output-dir", metavar="DIR", help="write them there instead")
    add("--prompt", metavar="TEXT", help="text that sets style and vocabulary")
    add("--hotwords", metavar="WORDS", help="words to expect")
    add("--words", action="store_true", default=None, help="times of words")
    add("--beam-size", type=int, metavar="N")
    add("--audio-context", choices=("full", "fit"), help="fit: faster on short audio")
    add("--compute-type", metavar="TYPE", help="such as int8, float16")


def submit(context: "Context", arguments: "Namespace") -> int:
    """Queue files; with --wait, stay until they are done. Dictations that are waited for end as `transcribe` does."""
    if files.STDIN in arguments.files:
        raise UsageError("submit takes files", "standard input is for `whisperctl transcribe -`")
    output = context.output
    link = context.link()
    if arguments.batch and (arguments.low or arguments.dictation):
        raise UsageError("a batch's items are low work: give --batch without --low and --dictation")
    jobs = _queue(link, files.found(arguments.files, output.note), arguments)
    if arguments.wait and arguments.dictation:
        return Delivery(output, link, jobs, {}).run()
    if arguments.wait:
        jobs = follow_to_end(output, link, [job["id"] for job in jobs])
    if output.json_only:
        output.value({"jobs": jobs})
    for job in jobs:
        output.line(outcome.job_line(job, output.out.paint))
    if arguments.wait:
        return outcome.status(jobs)
    failed = [job for job in jobs if job["state"] == "failed"]
    for job in failed:
        outcome.report(output, job, render.base_name(job["path"]))
    return names.EXIT_FAILED if failed else names.EXIT_OK


def transcribe(context: "Context", arguments: "Namespace") -> int:
    """Queue files, show their progress, print their texts."""
    output = context.output
    link = context.link()
    named = [[b""] if name == files.STDIN else files.found([name], output.note) for name in arguments.files]
    paths = [path for part in named for path in part]
    if paths.count(b"") > 1:
        raise UsageError("standard input can be read only once: give - once")
    spooled = files.spool(0) if b"" in paths else None
    try:
        jobs = _queue(link, [path or spooled or b"" for path in paths], arguments)
    except CommandError:
        if spooled:
            os.unlink(spooled)
        raise
    special = {job["id"]: "standard input" for job, path in zip(jobs, paths, strict=True) if not path}
    delivery = Delivery(output, link, jobs, special)
    try:
        status = delivery.run()
    finally:
        if spooled and not _still_needed(spooled, [delivery.jobs.get(job["id"], job) for job in jobs]):
            os.unlink(spooled)
    if spooled and os.path.exists(spooled):
        output.note(f"the audio from standard input is kept in {render.safe(os.fsdecode(spooled))}")
    return status


def _still_needed(spooled: bytes, jobs: "list[Job]") -> bool:
    """Whether a job may still read spooled audio; a failed one may be tried again."""
    name = os.fsdecode(b"/" + os.path.basename(spooled))
    return any(job["path"].endswith(name) and job["state"] not in ("completed", "cancelled") for job in jobs)


def _queue(link: "Link", paths: "list[bytes]", arguments: "Namespace") -> "list[Job]":
    """Submit files, as items of a batch where one is named."""
    if arguments.key and len(paths) != 1:
        raise UsageError(f"--key names one file's job, and there are {len(paths)} files")
    batch: str | None = getattr(arguments, "batch", None)
    if batch is None:
        return send(link, names.JOB_SUBMIT, paths, _wishes(arguments), arguments.key)
    from whisperctl.selection import batch_ref

    wishes: Params = {"id": batch_ref(batch), "again": arguments.again}
    options = options_of(arguments)
    if options:
        wishes["options"] = options
    return send(link, names.BATCH_ADD, paths, wishes, arguments.key)


def send(link: "Link", method: str, paths: "list[bytes]", wishes: "Params", key: "str | None" = None) -> "list[Job]":
    """Send files in requests under the limits. Each file has a key: sending one again is harmless."""
    random = os.urandom(12).hex()
    keys = [key or f"{random}-{number}" for number in range(len(paths))]
    params = [files.file_param(path, key) for path, key in zip(paths, keys, strict=True)]
    jobs: list[Job] = []
    try:
        for part in _parts(params):
            jobs += link.call(method, {"files": part, **wishes})["jobs"]
    except KeyboardInterrupt:
        link.notice(outcome.goes_on([job["id"] for job in jobs]))
        raise
    _tell_of_known(link, jobs, keys)
    return jobs


def _tell_of_known(link: "Link", jobs: "list[Job]", keys: "list[str]") -> None:
    """A job that has another key than the one that was sent with its file was there before."""
    known = {job["id"]: None for job, key in zip(jobs, keys, strict=True) if job["key"] not in (None, key)}
    if known:
        shown = f"{'job' if len(known) == 1 else 'jobs'} {render.id_ranges(list(known))}"
        link.notice(f"already on the way: {shown}; --again queues a file once more")


def _parts(params: "list[FileParam]") -> "list[list[FileParam]]":
    parts: list[list[FileParam]] = [[]]
    taken = 0
    for param in params:
        cost = sum(len(key) + 6 * len(str(value)) + 8 for key, value in param.items())
        if parts[-1] and (taken + cost > _REQUEST_BYTES or len(parts[-1]) == _REQUEST_FILES):
            parts.append([])
            taken = 0
        parts[-1].append(param)
        taken += cost
    return parts


def _wishes(arguments: "Namespace") -> "Params":
    """Everything in a request but its files."""
    wishes: Params = {"options": options_of(arguments)}
    if getattr(arguments, "dictation", False):
        wishes["kind"] = "dictation"
    return wishes | {name: True for name in ("low", "again") if getattr(arguments, name)}


def options_of(arguments: "Namespace") -> "Params":
    """The options of `transcribing_arguments` as they go over the wire."""
    options: Params = {name: value for name in _OPTIONS if (value := getattr(arguments, name)) is not None}
    if arguments.format:
        options["formats"] = [part.strip() for part in arguments.format.split(",")]
    if arguments.languages is not None:
        options["languages"] = listed(arguments.languages)
    if arguments.output_dir is not None:
        options["output_dir"] = files.of_person(arguments.output_dir)
    if arguments.model is not None:
        options["model"] = files.model_param(arguments.model)
    return options
