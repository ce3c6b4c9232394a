"""The speech models: `model list|pull|load|unload|remove|bench`."""

import time

from whisperctl import render
from whisperctl.arguments import add_yes
from whisperctl.errors import CommandError
from whisperctl.terminal import Live
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.client import Client
    from whisperctl.context import Context
    from whisperctl.shapes import Event, Json, Model, ModelChoice, ModelList, Params
    from whisperctl.terminal import Output

LOAD_TIMEOUT = 360.0
"""Seconds to load a model from a slow disk."""
BENCH_TIMEOUT = 6 * 3_600.0
"""Seconds to measure every installed model; the largest take minutes each."""

_QUIET = 5.0
"""Seconds between two plain lines about a download."""

_STATES = {"installed": "green", "pulling": "yellow", "available": "dim"}


def list_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--installed", action="store_true", help="only the models that are on this machine")


def list_(context: "Context", arguments: "Namespace") -> int:
    """Which models there are, which are here and loaded, and what each kind of work is done with."""
    output = context.output
    result: ModelList = context.call(names.MODEL_LIST)
    if output.json_only:
        output.value(result)
        return names.EXIT_OK
    shown = [model for model in result["models"] if model["state"] != "available" or not arguments.installed]
    rows = [_row(model) for model in shown]
    header = ["MODEL", "STATE", "DISK", "MEMORY", "SPEECH", "USED FOR"]
    output.lines(render.table(header, rows, output.out.size()[0], output.out.paint, "<<>>"))
    output.line("")
    output.lines([_choice_line(choice) for choice in result["choices"]])
    return names.EXIT_OK


def _row(model: "Model") -> "list[tuple[str, str]]":
    pull = model["pull"]
    state = f"pulling {render.percent(pull['progress'])}" if pull else "loaded" if model["loaded"] else model["state"]
    size, estimated = model["size"], model["disk_mb"]
    disk = render.size(size) if size is not None else f"~{render.size(estimated * 1_000_000)}" if estimated else ""
    resident, memory = model["resident"], model["memory_mb"]
    taken = render.size(resident) if resident else f"~{render.size(memory * 1_000_000)}" if memory else ""
    speech = {"en": "English", "all": "all languages"}.get(model["languages"] or "", "")
    return [
        (render.safe(model["name"]), "bold" if model["used_for"] else ""),
        (state, _STATES[model["state"]]),
        (disk, ""),
        (taken, ""),
        (speech, ""),
        (", ".join(model["used_for"]), ""),
    ]


def _choice_line(choice: "ModelChoice") -> str:
    reason = render.safe(choice["reason"])
    if choice["model"] is None:
        hint = f": {render.safe(choice['hint'])}" if choice["hint"] else ""
        return f"{choice['kind']:<9}  none: {reason}{hint}"
    return f"{choice['kind']:<9}  {render.safe(choice['model'])}: {reason}"


# -- downloading ------------------------------------------------------------------------------------------------------


def pull_arguments(parser: "ArgumentParser") -> None:
    parser.description = (
        "Download a model, or go on with a download that was interrupted. Ctrl-C ends the waiting only; "
        "`whisperctl model remove` ends the download too."
    )
    parser.add_argument("model", metavar="MODEL", help="a name that `model list` shows, or OWNER/NAME on the hub")
    parser.add_argument("--no-wait", action="store_true", help="don't wait until it is there")


def pull(context: "Context", arguments: "Namespace") -> int:
    """Download a model and show how far it is."""
    client = context.connect()
    topics = [names.TOPIC_MODEL_STATE, names.TOPIC_MODEL_PROGRESS]
    client.call(names.EVENTS_SUBSCRIBE, {"topics": topics})
    result: Json = client.call(names.MODEL_PULL, {"model": arguments.model})
    name, output = result["model"], context.output
    if arguments.no_wait or result["state"] == "installed":
        if output.json_only:
            output.value(result)
        words = "is installed" if result["state"] == "installed" else "is being downloaded; `whisperctl model list`"
        output.line(f"{render.safe(name)} {words}")
        return names.EXIT_OK
    data = _await_end(client, name, output)
    if output.json_only:
        output.value(data)
    if data["state"] != "installed":
        error: Params = data.get("error") or {"message": "the model was removed meanwhile", "hint": None}
        raise CommandError(f"{name} could not be downloaded: {error['message']}", error["hint"])
    output.line(f"{render.safe(name)} is installed")
    return names.EXIT_OK


def _await_end(client: "Client", name: str, output: "Output") -> "Params":
    """Show how far the download is until it ends; the event that says how."""
    live = Live(output.err)
    said = 0.0
    while True:
        message = client.event(None)
        event: Event = message[1] if message else {}
        data: Params = event.get("data", {})
        if data.get("model") != name:
            continue
        if event.get("topic") == names.TOPIC_MODEL_STATE and data["state"] != "pulling":
            live.clear()
            return data
        if event.get("topic") == names.TOPIC_MODEL_PROGRESS:
            line = _progress_line(output, name, data)
            if output.err.live:
                live.draw([render.fit(line, output.err.size()[0] - 1)])
            elif (now := time.monotonic()) - said >= _QUIET:
                said = now
                output.note(line)


def _progress_line(output: "Output", name: str, data: "Params") -> str:
    if not data["total"]:
        return f"{render.safe(name)}  asking the hub…"
    eta = f"  {render.duration(data['eta'])} left" if data["eta"] is not None else ""
    bar = output.err.bar(data["progress"], 20)
    sizes = f"{render.size(data['done'])} of {render.size(data['total'])}"
    speed = f"  {render.size(int(data['speed']))}/s" if data["speed"] else ""
    return f"{render.safe(name)}  {bar} {render.percent(data['progress'])}  {sizes}{speed}{eta}"


def remove_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("model", metavar="MODEL", help="a downloaded model, or one whose download is to end")
    add_yes(parser)


def remove(context: "Context", arguments: "Namespace") -> int:
    """Delete a downloaded model, or what there is of one."""
    if not arguments.yes:
        from whisperctl import consent

        consent.obtain(context.output, f"delete the model {render.safe(arguments.model)}")
    result: Json = context.call(names.MODEL_REMOVE, {"model": arguments.model})
    freed = render.size(result["freed"])
    context.output.result(result, f"{render.safe(result['model'])} is deleted, {freed} are free again")
    return names.EXIT_OK


# -- workers ----------------------------------------------------------------------------------------------------------


def load_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("model", metavar="MODEL", nargs="?", help="without it, the one that the work is done with")
    parser.add_argument("--lane", choices=("interactive", "background"), default="interactive", help="whose worker")


def load(context: "Context", arguments: "Namespace") -> int:
    """Load a model before it is needed."""
    params: Params = {"lane": arguments.lane, **({"model": arguments.model} if arguments.model else {})}
    result: Json = context.connect().call(names.MODEL_LOAD, params, timeout=LOAD_TIMEOUT)
    took = f" in {render.duration(result['seconds'])}" if result["seconds"] else " already"
    where = f"{result['lane']} lane: {result['device']}, {result['compute_type']}, {result['backend']}"
    context.output.result(result, f"{render.safe(result['model'])} is loaded{took} ({where})")
    return names.EXIT_OK


def unload_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("model", metavar="MODEL", nargs="?", help="without it, every model that is loaded")


def unload(context: "Context", arguments: "Namespace") -> int:
    """Free the memory that idle models take."""
    params: Params = {"model": arguments.model} if arguments.model else {}
    result: Json = context.call(names.MODEL_UNLOAD, params)
    lanes = ", ".join(result["lanes"])
    context.output.result(result, f"unloaded: {lanes}" if lanes else "nothing was loaded")
    return names.EXIT_OK


# -- measuring --------------------------------------------------------------------------------------------------------


def bench_arguments(parser: "ArgumentParser") -> None:
    parser.description = (
        "Measure installed models on this machine: minutes for large ones, best while nothing else runs"
    )
    parser.add_argument("models", metavar="MODEL", nargs="*", help="without one, every installed model")
    parser.add_argument("--anyway", action="store_true", help="though jobs are running, which makes the figures worse")


def bench(context: "Context", arguments: "Namespace") -> int:
    """How fast the installed models are here, and which ones to use."""
    output = context.output
    output.note("measuring; Ctrl-C ends the waiting…")
    params: Params = {"models": arguments.models, "anyway": arguments.anyway}
    result: Json = context.connect().call(names.MODEL_BENCH, params, timeout=BENCH_TIMEOUT)
    if output.json_only:
        output.value(result)
    else:
        header = ["MODEL", "DEVICE", "PRECISION", "LOAD", "SPEED", "DICTATION", "MEMORY"]
        rows = [_bench_row(row) for row in result["models"] if not row["error"]]
        output.lines(render.table(header, rows, output.out.size()[0], output.out.paint, "<<<>>>>"))
        output.line("")
        output.lines([_choice_line(one) for one in result["recommended"]])
    failed = [row for row in result["models"] if row["error"]]
    for row in failed:
        output.complain(f"{row['model']} could not be measured: {row['error']}")
    return names.EXIT_FAILED if failed else names.EXIT_OK


def _bench_row(row: "Json") -> "list[tuple[str, str]]":
    return [
        (render.safe(row["model"]), ""),
        (row["device"], ""),
        (row["compute_type"], ""),
        (render.duration(row["load"]), ""),
        (render.speed(1 / row["real_time_factor"]), ""),
        (f"{row['latency']:.2f} s", ""),
        (render.size(row["memory"] or 0), ""),
    ]
