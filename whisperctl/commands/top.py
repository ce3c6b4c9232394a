"""`top`: the live view."""

import os
import sys
from importlib.util import find_spec

from whisperctl.errors import CommandError, UsageError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context


def top_arguments(parser: "ArgumentParser") -> None:
    parser.description = (
        "Everything that whisperd does, on one screen, with keys and mouse to act on it; ? shows the keys."
    )
    parser.add_argument(
        "--colours",
        choices=("auto", "dark", "bright", "terminal"),
        default="auto",
        help="auto asks the terminal for its background; terminal uses its own sixteen colours, as NO_COLOR does",
    )


def top(context: "Context", arguments: "Namespace") -> int:
    """Show it until the person quits."""
    if context.output.json_only:
        raise UsageError("top has no JSON", "`whisperctl status --json` and `whisperctl events --follow` have")
    if not (sys.stdin.isatty() and context.output.out.live and context.output.err.terminal):
        raise UsageError("top needs a terminal", "`whisperctl status` prints a summary anywhere")
    if find_spec("textual") is None:
        hint = f"run `{sys.executable} -m pip install textual`, or use `whisperctl status` and `whisperctl job list`"
        raise CommandError("top needs the Python package textual, which is not installed", hint)
    context.connect().call(names.DAEMON_PING)  # who starts it without a daemon is told so, as by every command
    from whisperctl.tui.app import Top
    from whisperctl.tui.background import palette_name
    from whisperctl.tui.palette import PALETTES

    chosen = arguments.colours
    if chosen == "auto":
        chosen = palette_name(dict(os.environ), sys.stdin.fileno())
    app = Top(context.socket, PALETTES[chosen])
    app.run()
    return app.return_code or names.EXIT_OK
