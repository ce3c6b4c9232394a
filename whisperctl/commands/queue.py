"""The queue as a whole: `queue pause|resume|clear`."""

from whisperctl import render
from whisperctl.arguments import add_yes
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
    context.output.result(result, f"the queue is paused: {held} held, dictation goes on; `whisperctl queue resume`")
    return names.EXIT_OK


def resume(context: "Context", _arguments: object) -> int:
    """Let files run again."""
    result: QueueState = context.call(names.QUEUE_RESUME)
    context.output.result(result, f"the queue goes on with {render.counted(result['queue']['queued'], 'queued job')}")
    return names.EXIT_OK


def clear_arguments(parser: "ArgumentParser") -> None:
    add_yes(parser)


def clear(context: "Context", arguments: "Namespace") -> int:
    """Remove finished jobs from the list; their transcripts are kept."""
    if not arguments.yes:
        from whisperctl import consent

        counts = context.call(names.DAEMON_STATUS)["queue"]
        finished = sum(counts[state] for state in names.FINAL_STATES)
        consent.obtain(context.output, f"remove {render.counted(finished, 'finished job')} from the list")
    result: Json = context.call(names.QUEUE_CLEAR)
    removed = render.counted(result["removed"], "finished job")
    context.output.result(result, f"removed {removed}; transcripts are kept")
    return names.EXIT_OK
