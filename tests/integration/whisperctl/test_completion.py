"""Completions, asked of the shells themselves, for every command of the table."""

import subprocess
from pathlib import Path

import pytest

from tests.harness import PATIENCE
from whisperctl import completion
from whisperctl.cli import COMMANDS

FIRST = sorted({command.partition(" ")[0] for command in COMMANDS})
GROUPS = {first: [c.partition(" ")[2] for c in COMMANDS if c.startswith(first + " ")] for first in FIRST}


WITH_FILES = {command for command in COMMANDS if completion.arguments_of(command).files}
"""Their options are offered once a dash is typed."""


def answers(shell: list[str], program: str, script: str, folder: Path) -> list[set[str]]:
    """What a shell offers, a set for each line that the program prints."""
    (folder / "script").write_text(script)
    ran = subprocess.run([*shell, program], cwd=folder, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert ran.stderr == ""
    return [set(line.split()) for line in ran.stdout.splitlines()]


def bash_question(words: str) -> str:
    line = f"COMP_WORDS=(whisperctl {words} '{'--' if words in WITH_FILES else ''}')"
    return f"{line}; COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); COMPREPLY=(); _whisperctl; echo ${{COMPREPLY[@]}}"


def zsh_question(words: str) -> str:
    return f"words=(whisperctl {words} ''); CURRENT=$#words; PREFIX=; _whisperctl; print"


def fish_question(words: str) -> str:
    """fish offers options once a dash is typed."""
    line = f"whisperctl {words}{' --' if words in COMMANDS else ' ' if words else ''}"
    return f"echo (complete -C '{line}' | string replace -r '\\t.*' '')"


ZSH_MENU = """
compdef() {}
_files() {}
compadd() { shift; print -rn -- $@ }
_describe() { print -rn -- "${(@)found%%:*}" }
"""
"""The functions that draw zsh's menu are replaced by ones that print what it would hold."""

SHELLS = {
    "bash": (["bash", "-c"], "source ./script\ncomplete -p whisperctl >/dev/null\n", bash_question),
    "zsh": (["zsh", "-fc"], f"{ZSH_MENU}source ./script\n", zsh_question),
    "fish": (["fish", "--no-config", "-c"], "source ./script\n", fish_question),
}
SCRIPTS = {"bash": completion.bash, "zsh": completion.zsh, "fish": completion.fish}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_its_options_and_their_values_are_offered(shell: str, tmp_path: Path) -> None:
    start, prelude, question = SHELLS[shell]
    options = {command: completion.arguments_of(command) for command in COMMANDS}
    questions = ["", *FIRST, *COMMANDS, "submit --audio-context", "--socket /x job", "completion"]
    program = prelude + "\n".join(map(question, questions))
    found = dict(zip(questions, answers(start, program, SCRIPTS[shell](), tmp_path), strict=True))
    assert set(FIRST) <= found[""]
    assert {first: set(verbs) - found[first] for first, verbs in GROUPS.items() if verbs} == {
        first: set() for first, verbs in GROUPS.items() if verbs
    }
    missing = {c: {option.text for option in takes.options} - found[c] for c, takes in options.items()}
    assert missing == {command: set() for command in COMMANDS}
    assert {"full", "fit"} <= found["submit --audio-context"]
    if shell != "fish":
        assert set(GROUPS["job"]) <= found["--socket /x job"]
        assert {"bash", "zsh", "fish"} <= found["completion"]


def test_the_arguments_are_those_of_the_commands_own_parsers() -> None:
    takes = completion.arguments_of("submit")
    assert {"--language", "--format", "--low"} <= {option.text for option in takes.options}
    assert takes.files
    assert not completion.arguments_of("job show").files
