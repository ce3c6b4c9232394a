"""From the command line to an exit status.

Owns: the table of commands, parsing, and what becomes of errors. A command's module is imported, and its parser
built, only when it is used, so that starting costs the same however many commands there are. Leaves to others: what
the commands do (`whisperctl.commands`).
"""

import argparse
import os
import sys
from importlib import import_module

from whisperctl.context import Context
from whisperctl.errors import CommandError, UsageError
from whisperctl.terminal import Output
from whisperd import __version__
from whisperd.wire import names

COMMANDS = {
    "status": ("daemon", "the daemon, its queue and its workers"),
    "doctor": ("daemon", "check the whole chain and say what to do"),
    "shutdown": ("daemon", "stop the daemon; queued work stays queued"),
    "events": ("events", "what happens, as JSON lines"),
    "transcribe": ("submit", "files, or - for standard input, to text on stdout"),
    "submit": ("submit", "queue files and folders"),
    "job list": ("job", "jobs, newest first"),
    "job show": ("job", "one job and its story"),
    "job text": ("job", "a completed job's transcript"),
    "job wait": ("job", "wait until jobs are done"),
    "job cancel": ("job", "cancel jobs that are not finished"),
}
"""Command → its module in `whisperctl.commands`, and what it does. The last word is the function's name."""

_STATUSES = "0 done, 1 the work failed, 2 usage, 3 no daemon, 4 no such thing, 5 refused now, 130 interrupted"
EXIT_BROKEN_PIPE = 141
"""What a shell reports for a program that SIGPIPE ended (128 + 13)."""


def main(argv: "list[str] | None" = None) -> int:
    """Run a command line (that of the process by default); the exit status."""
    _replace_closed_streams()
    try:
        status = run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except CommandError as error:
        Output(json_only=False).complain(error.message, error.hint)
        return error.status
    except KeyboardInterrupt:
        return names.EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
        return EXIT_BROKEN_PIPE
    return status


def run(words: "list[str]") -> int:
    """Find the command, parse its arguments, do it. Raises `CommandError`; argparse exits by itself."""
    name, rest = split(words)
    if name not in COMMANDS:
        return _without_command(name, rest)
    module_name, summary = COMMANDS[name]
    module = import_module("whisperctl.commands." + module_name)
    verb = name.rpartition(" ")[2]
    parser = argparse.ArgumentParser(prog=f"whisperctl {name}", description=summary, allow_abbrev=False)
    parser.add_argument("--socket", metavar="P", help="whisperd's socket")
    parser.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else")
    if hasattr(module, verb + "_arguments"):
        getattr(module, verb + "_arguments")(parser)
    arguments = parser.parse_intermixed_args(rest)
    context = Context(arguments.socket or names.socket_path(), Output(arguments.json))
    return getattr(module, verb if hasattr(module, verb) else verb + "_")(context, arguments)


def split(words: "list[str]") -> "tuple[str, list[str]]":
    """The command's name (one word, or two of a group) and everything else; options may stand before and between."""
    name, rest = "", list(words)
    position = 0
    while position < len(rest):
        word = rest[position]
        if word.startswith("-") and word != "-":
            position += 2 if word == "--socket" else 1
            continue
        name = f"{name} {word}" if name else word
        del rest[position]
        if not _is_group(name):
            break
    return name, rest


def _is_group(name: str) -> bool:
    return any(command.startswith(name + " ") for command in COMMANDS)


def _without_command(name: str, rest: "list[str]") -> int:
    """Help, the version, or what is wrong with a name that is no command."""
    if "--version" in rest and not name:
        print(f"whisperctl {__version__}")
        return names.EXIT_OK
    if name and not _is_group(name):
        from difflib import get_close_matches

        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `whisperctl {near[0]}`?" if near else "`whisperctl --help` lists the commands"
        raise UsageError(f"there is no command {name!r}", hint)
    asked = "-h" in rest or "--help" in rest
    print(usage(name), file=sys.stdout if asked else sys.stderr)
    return names.EXIT_OK if asked else names.EXIT_USAGE


def usage(group: str = "") -> str:
    """The commands (of a group), a line each, and what holds for all of them."""
    prefix = f"{group} " if group else ""
    shown = {name: summary for name, (_, summary) in COMMANDS.items() if name.startswith(prefix)}
    longest = max(map(len, shown))
    return "\n".join(
        [
            f"usage: whisperctl [--socket P] [--json] {prefix}COMMAND …",
            "",
            *(f"  {name:<{longest}}  {summary}" for name, summary in shown.items()),
            "",
            f"`whisperctl {prefix}COMMAND --help` shows a command's options.",
            f"exit status: {_STATUSES}",
        ]
    )


def _replace_closed_streams() -> None:
    """A stream that was closed by who started us would be None, and its number be given to the next file opened."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 (open to the end)
