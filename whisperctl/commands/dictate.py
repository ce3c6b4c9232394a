"""Dictation: `dictate start|stop|toggle|cancel|status|again|devices`, made for key bindings.

Owns: what each prints, and that a text is delivered as `--output` says. Leaves to others: delivering
(`whisperctl.insert`), recording and transcribing (the daemon).
"""

from importlib import import_module

from whisperctl import render
from whisperctl.arguments import listed
from whisperctl.errors import CommandError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.insert import Output as Place
    from whisperctl.shapes import DictateResult, DictateStart, DictateStatus, DictateToggle, InputDevice, Json, Params

OUTPUTS = ("type", "clipboard", "stdout", "none")

_STARTING = ("language", "model", "prompt", "hotwords", "device")
"""Options of `start` and `toggle` that go to the daemon as they are."""


def start_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--language", metavar="L", help="en, pt-BR, German … or auto")
    parser.add_argument("--languages", metavar="L,…", help="find out among these only")
    parser.add_argument("--model", metavar="M", help="a model's name, a model folder, or auto")
    parser.add_argument("--prompt", metavar="TEXT", help="text that sets style and spelling")
    parser.add_argument("--hotwords", metavar="WORDS", help="words to listen for")
    parser.add_argument("--device", metavar="D", help="the microphone, by its name or a part of it; or wav:FILE")
    parser.add_argument("--private", action="store_true", help="keep nothing: no recording, no history")


def start(context: "Context", arguments: "Namespace") -> int:
    """Listen until `dictate stop`."""
    result: DictateStart = context.call(names.DICTATE_START, _asked(arguments))
    return _listening(context, result, result)


def stop_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("session", type=int, nargs="?", metavar="SESSION", help="which one; else the one that listens")
    _output_argument(parser)


def stop(context: "Context", arguments: "Namespace") -> int:
    """End the dictation, and deliver its text."""
    params: Params = {"session": arguments.session} if arguments.session else {}
    result: DictateResult = _text(context, names.DICTATE_STOP, params)
    return _deliver(context, arguments, result, result)


def toggle_arguments(parser: "ArgumentParser") -> None:
    start_arguments(parser)
    _output_argument(parser)


def toggle(context: "Context", arguments: "Namespace") -> int:
    """Start a dictation, or end the one that listens and deliver its text."""
    result: DictateToggle = _text(context, names.DICTATE_TOGGLE, _asked(arguments))
    if result["start"]:
        return _listening(context, result["start"], result)
    assert result["result"]
    return _deliver(context, arguments, result["result"], result)


def cancel_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("session", type=int, nargs="?", metavar="SESSION", help="which one; else the one that listens")


def cancel(context: "Context", arguments: "Namespace") -> int:
    """Throw the dictation away."""
    params: Params = {"session": arguments.session} if arguments.session else {}
    result: DictateResult = context.call(names.DICTATE_CANCEL, params)
    context.output.result(result, "cancelled; nothing is kept of it")
    return names.EXIT_OK


def status(context: "Context", _arguments: object) -> int:
    """What dictation is doing."""
    result: DictateStatus = context.call(names.DICTATE_STATUS)
    output = context.output
    if output.json_only:
        output.value(result)
        return names.EXIT_OK
    output.line(result["state"])
    for session in result["sessions"]:
        facts = [session["state"], render.duration(session["duration"])]
        facts += [session["device"]] if session["device"] else []
        facts += ["private"] if session["private"] else []
        output.line(f"  {session['session']}  {render.safe(', '.join(facts))}")
    if error := result["error"]:
        output.complain(render.safe(error["message"] or error["kind"]), error["hint"])
    return names.EXIT_OK


def again_arguments(parser: "ArgumentParser") -> None:
    _output_argument(parser)


def again(context: "Context", arguments: "Namespace") -> int:
    """Deliver the last text once more."""
    result: DictateResult = context.call(names.DICTATE_AGAIN)
    return _deliver(context, arguments, result, result)


def devices(context: "Context", _arguments: object) -> int:
    """The microphones there are; the default has a star."""
    found: list[InputDevice] = context.call(names.DICTATE_DEVICES)["devices"]
    output = context.output
    if output.json_only:
        output.value({"devices": found})
        return names.EXIT_OK
    if not found:
        output.note("no microphone was found")
    for device in found:
        mark = "*" if device["default"] else " "
        shape = f"{device['host']}, {render.counted(device['channels'], 'channel')}, {device['rate']:g} Hz"
        output.line(f"{mark} {render.safe(device['name'])}  ({render.safe(shape)})")
    return names.EXIT_OK


def _output_argument(parser: "ArgumentParser") -> None:
    help_text = "where the text goes (default: type in a graphical session, else stdout)"
    parser.add_argument("--output", choices=OUTPUTS, help=help_text)


def _asked(arguments: "Namespace") -> "Params":
    asked: Params = {name: value for name in _STARTING if (value := getattr(arguments, name))}
    if arguments.languages:
        asked["languages"] = listed(arguments.languages)
    return {**asked, "private": True} if arguments.private else asked


def _text(context: "Context", method: str, params: "Params") -> "Json":
    """The answer, as long as it takes; what delivers a text is imported while the daemon thinks."""
    client = context.connect()
    client.ask(method, params)
    import_module("whisperctl.insert")
    return client.answer(method, timeout=None)


def _listening(context: "Context", started: "DictateStart", result: "DictateStart | DictateToggle") -> int:
    context.output.result(result, f"listening to {render.safe(started['device'])}")
    return names.EXIT_OK


def _deliver(
    context: "Context", arguments: "Namespace", result: "DictateResult", answer: "DictateResult | DictateToggle"
) -> int:
    """Put the text where it is to go. With `--json` the answer is what stdout gets, and nothing is typed unasked."""
    from whisperctl import insert

    output = context.output
    place: Place = arguments.output or ("none" if output.json_only else insert.default_output())
    if output.json_only:
        output.value(answer)
        place = "none" if place == "stdout" else place
    if result["state"] == "failed":
        error = result["error"]
        message = error["message"] if error else None
        raise CommandError(f"there is no text: {message or 'the dictation failed'}", error["hint"] if error else None)
    if error := result["error"]:
        output.complain(render.safe(error["message"] or error["kind"]), error["hint"])
    if not result["text"]:
        output.note("cancelled" if result["state"] == "cancelled" else "nothing heard")
        return names.EXIT_OK
    delivered = insert.deliver(result["text"], place, write=lambda text: output.line(text.rstrip(" ")))
    if problem := delivered.problem(place):
        raise CommandError(problem)
    return names.EXIT_OK
