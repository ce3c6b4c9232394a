"""`hotkey run`: the agent in the foreground, which a systemd unit keeps running."""

import signal
import sys

from whisperctl import config_file
from whisperctl.errors import UsageError
from whisperctl.feedback import SHOWN, Feedback
from whisperctl.hotkey import agent, bindings
from whisperctl.hotkey.choose import BACKENDS, chosen
from whisperctl.insert import OUTPUTS
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.shapes import Params


def run_arguments(parser: "ArgumentParser") -> None:
    parser.description = (
        "Watch keys of the whole desktop, dictate while they are held (or from one press to the next), and put the "
        "text at the cursor. Without --keys, by the [[binding]] tables of the configuration, else "
        f"{bindings.DEFAULT_KEYS} to hold."
    )
    add = parser.add_argument
    add("--keys", metavar="KEYS", help="one binding, such as ctrl+space, in place of the configuration's")
    add("--mode", choices=bindings.MODES, help="of --keys: hold (the default), toggle, cancel or again")
    add("--output", choices=OUTPUTS, help="of --keys: where the text goes; typed by default")
    add("--language", metavar="L", help="of --keys: en, pt-BR, German …")
    add("--model", metavar="NAME", help="of --keys")
    add("--prompt", metavar="TEXT", help="of --keys: text that sets style and vocabulary")
    add("--hotwords", metavar="WORDS", help="of --keys: words to expect")
    add("--device", metavar="NAME", help="of --keys: the microphone")
    add("--private", action="store_true", help="of --keys: keep neither recording nor text")
    add("--backend", choices=("auto", *BACKENDS), help="what watches the keys")
    add("--notifications", choices=SHOWN, help="which notifications there are")
    add("--silent", action="store_true", help="no sounds")
    add("--config", metavar="F", help="another configuration file")


def run(context: "Context", arguments: "Namespace") -> int:
    """Until it is ended; a dictation that listens ends with it."""
    settings = config_file.section("hotkey", arguments.config)
    made = _bindings(arguments)
    shown = arguments.notifications or settings.get("notifications", "problems")
    if shown not in SHOWN:
        raise UsageError(f"there are no notifications {shown!r}", f"there are {', '.join(SHOWN)}")
    backend = chosen(arguments.backend or settings.get("backend", "auto"))
    signal.signal(signal.SIGTERM, _end)
    feedback = Feedback(shown, audible=settings.get("sounds", True) and not arguments.silent)
    return agent.run(context.socket, made, backend, feedback)


def _end(_signal: int, _frame: object) -> None:
    """SIGTERM is how a service manager ends it: nothing went wrong."""
    sys.exit(names.EXIT_OK)


def _bindings(arguments: "Namespace") -> "tuple[bindings.Binding, ...]":
    options = ("mode", "output", "language", "model", "prompt", "hotwords", "device", "private")
    given: Params = {name: value for name in options if (value := getattr(arguments, name))}
    if arguments.keys:
        return (bindings.binding(arguments.keys, **given),)
    if given:
        raise UsageError(f"--{next(iter(given))} is an option of one binding", "give its keys with --keys")
    return bindings.configured(config_file.tables("binding", arguments.config))
