"""Shell completions, made from the commands' own definitions.

Owns: reading the table of commands and every command's arguments, and the three shells' scripts. Leaves to others: the
definitions (`whisperctl.cli`, `whisperctl.commands`), printing (`whisperctl.commands.completion`).

The scripts hold all words, so that pressing Tab starts no program.
"""

import argparse
from importlib import import_module

from whisperctl.cli import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json

FOR_ALL = {"--socket": "another control socket", "--json": "print the result as JSON", "--help": "show help"}
"""The options that every command takes."""


class Word:
    """An option or a choice: `text`, `help`, and whether it takes a `value`, of `choices` if they are given."""

    def __init__(self, text: str, help: str, value: bool = False, choices: "tuple[str, ...]" = ()) -> None:  # noqa: A002
        self.text = text
        self.help = help
        self.value = value
        self.choices = choices


class Arguments:
    """What a command takes: `options`, and the `choices` of its own arguments; `files` where these are paths."""

    def __init__(self) -> None:
        self.options = [Word(text, told, text == "--socket") for text, told in FOR_ALL.items()]
        self.choices: list[str] = []
        self.files = False


def arguments_of(command: str) -> Arguments:
    """The arguments of a command, from the same function that its parser is made with."""
    module = import_module("whisperctl.commands." + COMMANDS[command][0])
    define: Json = getattr(module, command.rpartition(" ")[2] + "_arguments", None)
    found = Arguments()
    if define is None:
        return found
    parser = argparse.ArgumentParser(add_help=False)
    define(parser)
    actions: list[argparse.Action] = parser._actions  # pyright: ignore[reportPrivateUsage]
    for action in actions:
        choices = tuple(str(choice) for choice in action.choices or ())
        if action.option_strings:
            text = next((flag for flag in action.option_strings if flag.startswith("--")), action.option_strings[0])
            found.options.append(Word(text, _plain(action.help), action.nargs != 0, choices))
        elif choices:
            found.choices += choices
        elif any(word in str(action.metavar or action.dest).upper() for word in ("FILE", "DIR", "PATH")):
            found.files = True
    return found


def _plain(help: "str | None") -> str:  # noqa: A002
    """The help on one line, without what a shell would read."""
    text = " ".join((help or "").replace("%%", "%").split())
    return "".join(char for char in text if char.isalnum() or char in " ,.-/()+;=_").strip()


def groups() -> "dict[str, dict[str, str]]":
    """The second words of each first word, with their summaries; a command of one word has none."""
    found: dict[str, dict[str, str]] = {}
    for command, (_, summary) in COMMANDS.items():
        first, _, second = command.partition(" ")
        verbs = found.setdefault(first, {})
        if second:
            verbs[second] = _plain(summary)
    return found


def summary_of(first: str) -> str:
    """What a first word is for: its summary, or the verbs of the group."""
    return _plain(COMMANDS[first][1]) if first in COMMANDS else ", ".join(groups()[first])


# -- the shells -------------------------------------------------------------------------------------------------------


def bash() -> str:
    """A script for bash: `eval "$(whisperctl completion bash)"`."""
    lines = [
        "# bash completion for whisperctl",
        "_whisperctl() {",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word command= words= files= skip=",
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        "        if [[ $skip ]]; then skip=; continue; fi",
        "        case $word in",
        "            --socket) skip=1;;",
        "            -*) ;;",
        '            *) case "$command" in',
        '                "") command=$word;;',
        f'                {"|".join(name for name, verbs in groups().items() if verbs)}) command="$command $word";;',
        "            esac;;",
        "        esac",
        "    done",
        '    case "$command/$prev" in',
    ]
    for command in COMMANDS:
        for option in arguments_of(command).options:
            if option.value:
                found = f'COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$cur"))'
                files = 'COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null'
                lines.append(f'        "{command}/{option.text}") {found if option.choices else files}; return;;')
    lines += ["    esac", '    case "$command" in', f'        "") words="{" ".join([*groups(), *FOR_ALL])}";;']
    lines += [f'        "{first}") words="{" ".join(verbs)}";;' for first, verbs in groups().items() if verbs]
    for command in COMMANDS:
        takes = arguments_of(command)
        words = " ".join([*takes.choices, *(option.text for option in takes.options)])
        lines.append(f'        "{command}") words="{words}" files={"1" if takes.files else ""};;')
    lines += [
        "    esac",
        '    if [[ $files && $cur != -* ]]; then COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null',
        '    else COMPREPLY=($(compgen -W "$words" -- "$cur")); fi',
        "}",
        "complete -F _whisperctl whisperctl",
    ]
    return "\n".join(lines) + "\n"


def zsh() -> str:
    """A script for zsh: in a folder of `fpath` as `_whisperctl`, or `eval "$(whisperctl completion zsh)"`."""
    lines = [
        "#compdef whisperctl",
        "_whisperctl() {",
        "    local -a found",
        '    local word command="" skip=""',
        '    for word in "${(@)words[2,CURRENT-1]}"; do',
        '        if [[ -n $skip ]]; then skip=""; continue; fi',
        '        case "$word" in',
        "            --socket) skip=1;;",
        "            -*) ;;",
        '            *) case "$command" in',
        '                "") command="$word";;',
        f'                {"|".join(name for name, verbs in groups().items() if verbs)}) command="$command $word";;',
        "            esac;;",
        "        esac",
        "    done",
        '    case "$command/${words[CURRENT-1]}" in',
    ]
    for command in COMMANDS:
        for option in arguments_of(command).options:
            if option.value:
                offer = f"compadd -- {' '.join(option.choices)}" if option.choices else "_files"
                lines.append(f'        "{command}/{option.text}") {offer}; return;;')
    lines += ["    esac", '    case "$command" in', '        "") found=(']
    lines += [f"            '{first}:{summary_of(first)}'" for first in groups()]
    lines += ["        );;"]
    for first, verbs in groups().items():
        if verbs:
            described = " ".join(f"'{verb}:{summary}'" for verb, summary in verbs.items())
            lines.append(f'        "{first}") found=({described});;')
    for command in COMMANDS:
        takes = arguments_of(command)
        described = " ".join([*takes.choices, *(f"'{option.text}:{option.help}'" for option in takes.options)])
        files = "[[ $PREFIX == -* ]] || _files; " if takes.files else ""
        lines.append(f'        "{command}") {files}found=({described});;')
    lines += ["    esac", "    _describe -o command found", "}", "compdef _whisperctl whisperctl"]
    return "\n".join(lines) + "\n"


def fish() -> str:
    """A script for fish: `whisperctl completion fish > ~/.config/fish/completions/whisperctl.fish`."""
    lines = ["# fish completion for whisperctl", "complete -c whisperctl -f"]
    for first, verbs in groups().items():
        lines.append(f"complete -c whisperctl -n __fish_use_subcommand -a {first} -d '{summary_of(first)}'")
        seen = f"__fish_seen_subcommand_from {first}"
        others = " ".join(verbs)
        for verb, summary in verbs.items():
            condition = f"{seen}; and not __fish_seen_subcommand_from {others}"
            lines.append(f"complete -c whisperctl -n '{condition}' -a {verb} -d '{summary}'")
    for command in COMMANDS:
        first, _, second = command.partition(" ")
        condition = f"__fish_seen_subcommand_from {first}"
        condition += f"; and __fish_seen_subcommand_from {second}" if second else ""
        takes = arguments_of(command)
        lines += [f"complete -c whisperctl -n '{condition}' -a {choice}" for choice in takes.choices]
        if takes.files:
            lines.append(f"complete -c whisperctl -n '{condition}' -F")
        for option in takes.options:
            value = f" -x -a '{' '.join(option.choices)}'" if option.choices else " -r -F" if option.value else ""
            lines.append(f"complete -c whisperctl -n '{condition}' -l {option.text[2:]}{value} -d '{option.help}'")
    return "\n".join(lines) + "\n"
