"""The configuration: `config show|check|path|reload`."""

from whisperctl import render
from whisperctl.errors import NoDaemonError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.shapes import Json, Paint

_EFFECTS = {
    "live": "holds now",
    "worker": "workers are replaced, each when its job is done",
    "daemon": "needs a restart of the daemon",
}


def show_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--default", action="store_true", help="the default file with every setting explained")


def show(context: "Context", arguments: "Namespace") -> int:
    """The settings in force, as TOML; those at their defaults are comments."""
    if arguments.default:
        return _run("whisperd.config.default")
    result: Json = context.call(names.CONFIG_SHOW)
    if context.output.json_only:
        context.output.value(result)
    for line in show_lines(result, context.output.out.paint):
        context.output.line(line)
    return names.EXIT_OK


def show_lines(result: "Json", paint: "Paint") -> "list[str]":
    """Where the settings come from, what is wrong with that, and the settings."""
    lines = [f"# {render.safe(result['path'])}{'' if result['exists'] else ': not there, the defaults apply'}"]
    lines += [f"# {paint('red', render.safe(line))}" for line in (result["error"] or "").splitlines()]
    for line in result["toml"].splitlines():
        lines.append(paint("dim" if line.startswith("#") else "", render.safe(line)))
    return lines


def check_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="another file than the daemon's own")


def check(context: "Context", arguments: "Namespace") -> int:
    """Every mistake with file, line and key; 1 when there is one. Without a daemon, as `whisperd check-config` does."""
    import os

    path = os.path.abspath(arguments.file) if arguments.file else None
    try:
        result: Json = context.call(names.CONFIG_CHECK, {"path": path} if path else {})
    except NoDaemonError:
        if context.output.json_only:
            raise
        return _run("whisperd", "check-config", *([path] if path else []))
    if context.output.json_only:
        context.output.value(result)
    for problem in result["problems"]:
        place = f"{result['path']}:{problem['line']}" if problem["line"] else result["path"]
        key = f"{problem['key']}: " if problem["key"] else ""
        context.output.line(render.safe(f"{place}: {key}{problem['message']}"))
    if result["ok"]:
        context.output.line(f"{render.safe(result['path'])}: ok")
    return names.EXIT_OK if result["ok"] else names.EXIT_FAILED


def path(context: "Context", _arguments: object) -> int:
    """The daemon's file, or where one that starts now would look."""
    try:
        found: str = context.call(names.CONFIG_SHOW)["path"]
    except NoDaemonError:
        found = names.config_file()
    context.output.result({"path": found}, render.safe(found))
    return names.EXIT_OK


def reload(context: "Context", _arguments: object) -> int:
    """Read the file again; a mistake changes nothing, and is told."""
    result: Json = context.call(names.CONFIG_RELOAD)
    if context.output.json_only:
        context.output.value(result)
    for change in result["changed"]:
        context.output.line(render.safe(f"{change['key']}: {_EFFECTS.get(change['effect'], change['effect'])}"))
    if not result["changed"]:
        context.output.line("nothing has changed")
    return names.EXIT_OK


def _run(module: str, *arguments: str) -> int:
    """A part of the daemon's package, which this program does not import, as a program of its own."""
    import subprocess
    import sys

    return subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode
