"""How the daemon does: `health`, `stats`, `metrics`."""

from whisperctl import render
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.shapes import Json, Paint

_STYLES = {"ok": "green", "degraded": "yellow", "failing": "red"}
_EXIT = {"ok": names.EXIT_OK, "degraded": names.EXIT_OK}


def health_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--strict", action="store_true", help="exit with 1 when degraded, too")


def health(context: "Context", arguments: "Namespace") -> int:
    """`ok`, `degraded` or `failing`, and why. 0 while work is done, 1 when it can't be."""
    result: Json = context.call(names.DAEMON_HEALTH)
    if context.output.json_only:
        context.output.value(result)
    paint = context.output.out.paint
    context.output.line(paint(_STYLES.get(result["state"], ""), render.safe(result["state"])))
    for reason in result["reasons"]:
        context.output.line(f"{paint(_STYLES.get(reason['level'], ''), reason['level'])}: {_told(reason)}", hang=2)
    if arguments.strict and result["state"] != "ok":
        return names.EXIT_FAILED
    return _EXIT.get(result["state"], names.EXIT_FAILED)


def _told(reason: "Json") -> str:
    message = "; ".join(reason["message"].splitlines())
    return f"{render.safe(message)}; {render.safe(reason['hint'])}"


def stats_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--days", type=int, default=7, metavar="N", help="the last N days, today included (default 7)")


def stats(context: "Context", arguments: "Namespace") -> int:
    """Tables by day, source and model, and what the state folder takes."""
    result: Json = context.call(names.DAEMON_STATS, {"days": arguments.days})
    if context.output.json_only:
        context.output.value(result)
    for line in stats_lines(result, context.output.out.size()[0], context.output.out.paint):
        context.output.line(line)
    return names.EXIT_OK


_HEADER = ["", "jobs", "failed", "an hour", "audio", "work/audio", "wait", "latency", "p95", "confidence"]


def stats_lines(result: "Json", columns: int, paint: "Paint") -> "list[str]":
    """One table of all groups."""
    rows = [_row(result["total"], f"{result['days']} days")]
    for title in ("by_day", "by_source", "by_model"):
        rows += [_row(figures, figures["name"]) for figures in result[title]]
    lines = render.table(_HEADER, rows, columns, paint, right="<>>>>>>>>>")
    storage: Json = result["storage"]
    parts = [f"{name} {render.size(size)}" for name, size in storage.items()]
    return [*lines, "", f"state folder: {', '.join(parts)}"]


def _row(figures: "Json", name: str) -> "list[tuple[str, str]]":
    def number(key: str, text: "Json") -> str:
        return "-" if figures[key] is None else text(figures[key])

    return [
        (render.safe(name), ""),
        (f"{figures['jobs']:,}", ""),
        (f"{figures['failures']:,}", "red" if figures["failures"] else ""),
        (f"{figures['jobs_per_hour']:.1f}", ""),
        (render.duration(figures["audio"]), ""),
        (number("real_time_factor", "{:.2f}".format), ""),
        (number("queue_wait", render.duration), ""),
        (number("latency", "{:.2f} s".format), ""),
        (number("latency_p95", "{:.2f} s".format), ""),
        (number("confidence", "{:.2f}".format), ""),
    ]


def metrics(context: "Context", _arguments: object) -> int:
    """Prometheus's text format, for a collector of text files or a small web server."""
    result: Json = context.call(names.DAEMON_METRICS)
    if context.output.json_only:
        context.output.value(result)
    else:
        context.output.out.write(result["text"])
    return names.EXIT_OK
