"""A command's own arguments.

Owns: parsing them, without argparse where none is given: it takes a third of an everyday verb's time. Leaves to
others: which arguments there are (`whisperctl.commands`), but for those that mean the same everywhere.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from whisperctl.shapes import Json


def parsed(command: str, summary: str, add_arguments: "Callable[[Json], None] | None", words: "list[str]") -> "Json":
    """The arguments as attributes; what is wrong with them, or their help, ends the program as argparse does it."""
    if not words:
        defaults = _Defaults()
        if add_arguments:
            add_arguments(defaults)
        if not defaults.lacking:
            return defaults
    import argparse

    parser = argparse.ArgumentParser(
        prog=f"whisperctl {command}",
        description=summary,
        epilog="--socket P names another socket; --json prints the result as JSON, and nothing else.",
        allow_abbrev=False,
    )
    if add_arguments:
        add_arguments(parser)
    return parser.parse_intermixed_args(words)


def add_yes(parser: "ArgumentParser") -> None:
    """The option of every command that asks before it destroys something (`whisperctl.consent`)."""
    parser.add_argument("--yes", "-y", action="store_true", help="don't ask")


def speech_arguments(parser: "ArgumentParser") -> None:
    """Which languages are spoken, and how they are written."""
    add = parser.add_argument
    add("--language", metavar="L", help="of the speech: en, pt-BR, German …; found out by default")
    add("--languages", metavar="L,…", help="find out among these only")
    add("--multilingual", action="store_true", default=None, help="it changes: find it out for each part")
    add("--chinese", choices=("simplified", "traditional"), help="the characters of Chinese; as it comes by default")


def listed(text: str) -> "list[str]":
    """What stands between the commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


class _Defaults:
    """Takes an `ArgumentParser`'s place where no word is given: every option's default, as an attribute.

    `lacking`: the command takes more than options, which is for argparse to judge.
    """

    def __init__(self) -> None:
        self.lacking = False

    def add_argument(self, *flags: str, **settings: "Json") -> None:
        option = next((flag for flag in flags if flag.startswith("--")), None)
        if option is None or settings.get("required"):
            self.lacking = True
            return
        default = False if settings.get("action") == "store_true" else None
        setattr(self, option[2:].replace("-", "_"), settings.get("default", default))

    def add_mutually_exclusive_group(self) -> "_Defaults":
        return self
