"""The queue as a whole: `queue pause|resume|clear`."""

from whisperctl import render
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.shapes import Json, QueueState


def pause(context: "Context", _arguments: object) -> int:
    """Hold files, over restarts too; dictation goes on."""
    result: QueueState = context.call(names.QUEUE_PAUSE)
    held = render.counted(result["queue"]["queued"] + result["queue"]["waiting"], "job")
    return _told(context, result, f"the queue is paused: {held} held, dictation goes on; `whisperctl queue resume`")


def resume(context: "Context", _arguments: object) -> int:
    """Let files run again."""
    result: QueueState = context.call(names.QUEUE_RESUME)
    return _told(context, result, f"the queue goes on with {render.counted(result['queue']['queued'], 'queued job')}")


def clear_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--yes", "-y", action="store_true", help="don't ask")


def clear(context: "Context", arguments: "Namespace") -> int:
    """Remove finished jobs from the list; their transcripts are kept."""
    if not arguments.yes:
        from whisperctl import consent

        counts = context.call(names.DAEMON_STATUS)["queue"]
        finished = sum(counts[state] for state in names.FINAL_STATES)
        consent.obtain(context.output, f"remove {render.counted(finished, 'finished job')} from the list")
    result: Json = context.call(names.QUEUE_CLEAR)
    removed = render.counted(result["removed"], "finished job")
    return _told(context, result, f"removed {removed}; transcripts are kept")


def _told(context: "Context", result: "Json", words: str) -> int:
    if context.output.json_only:
        context.output.value(result)
    context.output.line(words)
    return names.EXIT_OK
