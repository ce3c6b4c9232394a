"""`whisperd`: the daemon's command line.

Owns: flags, how they and the configuration make the settings, and exit statuses. Leaves to others: everything that
happens then (`whisperd.app`).
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from whisperd import __version__, app
from whisperd.config.current import Current
from whisperd.config.flags import Flags, read
from whisperd.config.load import check_config
from whisperd.config.paths import config_file
from whisperd.errors import AlreadyRunningError, WhisperdError
from whisperd.ops import logs
from whisperd.rpc.socket import check_free
from whisperd.wire import names

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 stopped as asked, 1 it could not start or go on, 2 wrong usage or configuration, 5 another daemon
    runs."""
    options = _parser().parse_args(arguments)
    if options.command == "check-config":
        return check_config(options.file)
    if options.command == "check-socket":
        return _check_socket(options.path)
    try:
        flags = _flags(options)
        current = Current(read(flags), flags)
    except WhisperdError as error:
        _complain(error)
        return names.EXIT_USAGE
    logs.configure(current.settings.log.level, current.settings.log.format)
    try:
        anyio.run(app.run, current)
    except BaseExceptionGroup as group:
        error = _first_of_ours(group)
        if error is None:
            raise
        return _complain(error)
    except WhisperdError as error:
        return _complain(error)
    return names.EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="whisperd", description="The speech-to-text daemon of one user.")
    parser.add_argument("--version", action="version", version=f"whisperd {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the daemon in the foreground")
    run.add_argument("--config", type=Path, metavar="F", help=f"configuration file (default {config_file()})")
    run.add_argument("--socket", type=Path, metavar="P", help="control socket")
    run.add_argument("--state-dir", type=Path, metavar="D", help="database, models and lock")
    run.add_argument("--model", metavar="M", help="model for every kind of work: a name or a folder")
    run.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    run.add_argument("--log-format", choices=["auto", "text", "json"])
    check = commands.add_parser("check-config", help="check a configuration file and say what is wrong with it")
    check.add_argument("file", nargs="?", type=Path, metavar="F")
    free = commands.add_parser("check-socket", help="fail where a daemon listens already (for the socket unit)")
    free.add_argument("path", type=Path, metavar="P")
    return parser


def _check_socket(path: Path) -> int:
    try:
        check_free(path)
    except WhisperdError as error:
        return _complain(error)
    return names.EXIT_OK


def _flags(options: argparse.Namespace) -> Flags:
    def absolute(path: Path | None) -> Path | None:
        return None if path is None else path.absolute()

    return Flags(
        config=absolute(options.config),
        socket=absolute(options.socket),
        state_dir=absolute(options.state_dir),
        model=options.model,
        log_level=options.log_level,
        log_format=options.log_format,
    )


def _first_of_ours(group: BaseExceptionGroup[BaseException]) -> WhisperdError | None:
    """The error that a person should read, when everything in the group is one of ours."""
    ours, others = group.split(WhisperdError)
    if ours is None or others is not None:
        return None
    error: BaseException = ours
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, WhisperdError)
    return error


def _complain(error: WhisperdError) -> int:
    """Print the error; the exit status it stands for."""
    print(f"whisperd: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)
    return names.EXIT_REFUSED if isinstance(error, AlreadyRunningError) else names.EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
