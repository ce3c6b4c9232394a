"""From the command line to an exit status.

Owns: the table of commands, and what becomes of errors. A command's module is imported, and its parser
built, only when it is used, so that starting costs the same however many commands there are. Leaves to others: a
command's own arguments (`whisperctl.arguments`), and what the commands do (`whisperctl.commands`).
"""

import os
import sys
from importlib import import_module

from whisperctl.arguments import parsed
from whisperctl.context import Context
from whisperctl.errors import CommandError, UsageError
from whisperctl.terminal import Output
from whisperd import __version__
from whisperd.wire import names

COMMANDS = {
    "status": ("daemon", "the daemon, its queue and its workers"),
    "health": ("health", "whether all is well; 1 when not"),
    "stats": ("health", "figures by day, source and model"),
    "metrics": ("health", "figures for Prometheus"),
    "doctor": ("daemon", "check the whole chain and say what to do"),
    "shutdown": ("daemon", "stop the daemon; queued work stays queued"),
    "top": ("top", "everything on one screen, live, with keys to act on it"),
    "events": ("events", "what happens, as JSON lines"),
    "transcribe": ("submit", "files, or - for standard input, to text on stdout"),
    "submit": ("submit", "queue files and folders"),
    "job list": ("job", "jobs, newest first"),
    "job show": ("job", "one job and its story"),
    "job text": ("job", "a completed job's transcript"),
    "job wait": ("job", "wait until jobs are done"),
    "job pause": ("job", "hold jobs; what is done is kept"),
    "job resume": ("job", "put paused jobs back into the queue"),
    "job cancel": ("job", "cancel jobs that are not finished"),
    "job retry": ("job", "queue finished jobs again"),
    "job delete": ("job", "remove finished jobs and their transcripts"),
    "job move": ("job", "give queued jobs another place in the queue"),
    "history list": ("history", "finished transcripts, newest first"),
    "history search": ("history", "find words in transcripts"),
    "history show": ("history", "one transcript, as any format"),
    "history edit": ("history", "correct a transcript's text; the original is kept"),
    "history delete": ("history", "remove transcripts for good"),
    "history export": ("history", "transcripts as files, or as JSON lines"),
    "model list": ("model", "models: known, downloaded, loaded; what is used for what"),
    "model pull": ("model", "download a model, or go on with it"),
    "model load": ("model", "load a model before it is needed"),
    "model unload": ("model", "free the memory that idle models take"),
    "model remove": ("model", "delete a downloaded model"),
    "model bench": ("model", "how fast the installed models are here, and which to use"),
    "batch create": ("batch", "make a batch of files and folders"),
    "batch list": ("batch", "batches, newest first"),
    "batch show": ("batch", "one batch and its items"),
    "batch add": ("batch", "add files and folders to a batch"),
    "batch remove": ("batch", "take jobs out of a batch; unfinished ones are cancelled"),
    "batch set": ("batch", "rename a batch, or change how many of its files run at once"),
    "batch start": ("batch", "start drafts"),
    "batch pause": ("batch", "hold batches, over restarts too"),
    "batch resume": ("batch", "let paused batches go on"),
    "batch cancel": ("batch", "cancel what of batches is not done"),
    "batch retry": ("batch", "queue a batch's items again: those named, or all failed ones"),
    "batch delete": ("batch", "remove finished batches and drafts"),
    "queue pause": ("queue", "hold files, over restarts too; dictation goes on"),
    "queue resume": ("queue", "let files run again"),
    "hotkey run": ("hotkey", "dictate while a key is held, anywhere on the desktop"),
    "queue clear": ("queue", "remove finished jobs from the list"),
    "config show": ("config", "the settings in force, or with --default the annotated default file"),
    "config check": ("config", "every mistake in the configuration file"),
    "config path": ("config", "where the configuration file lies"),
    "config reload": ("config", "read the configuration file again; saving it does so too"),
    "dictate start": ("dictate", "listen"),
    "dictate stop": ("dictate", "end the dictation, and type its text"),
    "dictate toggle": ("dictate", "start, or end what listens and type its text"),
    "dictate cancel": ("dictate", "throw the dictation away"),
    "dictate status": ("dictate", "what dictation is doing"),
    "dictate again": ("dictate", "type the last text once more"),
    "dictate devices": ("dictate", "the microphones there are"),
    "completion": ("completion", "completions of commands and options for bash, zsh or fish"),
    "service install": ("service", "have systemd start whisperd when it is needed"),
    "service uninstall": ("service", "stop whisperd and remove its units; all data is kept"),
    "service status": ("service", "the units, and what systemd says of them"),
    "watch list": ("watch", "watched folders, or one with its files"),
    "watch add": ("watch", "watch a folder: audio that lands there is transcribed"),
    "watch set": ("watch", "change a folder's rules"),
    "watch remove": ("watch", "watch a folder no longer"),
    "watch rescan": ("watch", "look at every file now"),
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
        _give_up_stdout()
        return EXIT_BROKEN_PIPE
    except OSError as error:
        _give_up_stdout()
        where = f"{error.filename}: " if error.filename else ""
        Output(json_only=False).complain(f"{where}{error.strerror or error}")
        return names.EXIT_FAILED
    return status


def run(words: "list[str]") -> int:
    """Find the command, parse its arguments, do it. Raises `CommandError`; argparse exits by itself."""
    line = split(words)
    if line.command not in COMMANDS:
        return _without_command(line)
    module = import_module("whisperctl.commands." + COMMANDS[line.command][0])
    verb = line.command.rpartition(" ")[2]
    arguments = parsed(line.command, COMMANDS[line.command][1], getattr(module, verb + "_arguments", None), line.rest)
    context = Context(line.socket or names.socket_path(), Output(line.json))
    try:
        return getattr(module, verb if hasattr(module, verb) else verb + "_")(context, arguments)
    finally:
        context.close()


class Line:
    """A command line, split. `command` is one word, or two of a group; `rest` is what the command itself parses."""

    def __init__(self) -> None:
        self.command = ""
        self.rest: list[str] = []
        self.socket = ""
        self.json = False


def split(words: "list[str]") -> Line:
    """Take the command's name and the options of all commands out of a line, wherever they stand before `--`."""
    line = Line()
    waiting = iter(words)
    for word in waiting:
        if word == "--json":
            line.json = True
        elif word == "--socket" or word.startswith("--socket="):
            line.socket = word[len("--socket=") :] or next(waiting, "")
            if not line.socket:
                raise UsageError("--socket needs a path")
        elif word == "--":
            line.rest += ["--", *waiting]
        elif (not line.command or _is_group(line.command)) and not word.startswith("-"):
            line.command = f"{line.command} {word}".strip()
        else:
            line.rest.append(word)
    return line


def _is_group(name: str) -> bool:
    return any(command.startswith(name + " ") for command in COMMANDS)


def _without_command(line: Line) -> int:
    """Help, the version, or what is wrong with a name that is no command."""
    name, rest = line.command, line.rest
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


def _give_up_stdout() -> None:
    """What is still buffered can't be written; without this Python would try again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
