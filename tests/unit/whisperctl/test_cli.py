"""The command line: which words are the command, and what is said of words that are none."""

import argparse
import inspect
from importlib import import_module

import pytest

from whisperctl import arguments, cli
from whisperctl.errors import UsageError
from whisperd import __version__
from whisperd.wire import names


@pytest.mark.parametrize(
    ("words", "command", "rest"),
    [
        ("status", "status", []),
        ("job list", "job list", []),
        ("--json job list --limit 3", "job list", ["--limit", "3"]),
        ("job --json list", "job list", []),
        ("job list --json", "job list", []),
        ("--socket /s status", "status", []),
        ("transcribe a.wav --language en b.wav", "transcribe", ["a.wav", "--language", "en", "b.wav"]),
        ("transcribe -- --json -", "transcribe", ["--", "--json", "-"]),
        ("transcribe -", "transcribe", ["-"]),
        ("job", "job", []),
        ("", "", []),
        ("job nonsense x", "job nonsense", ["x"]),
    ],
)
def test_the_command_is_told_from_its_options(words: str, command: str, rest: list[str]) -> None:
    line = cli.split(words.split())
    assert (line.command, line.rest) == (command, rest)


@pytest.mark.parametrize(
    "words", [["--socket", "/s", "status"], ["status", "--socket=/s"], ["--json", "status", "--socket", "/s"]]
)
def test_the_socket_may_be_named_anywhere(words: list[str]) -> None:
    assert cli.split(words).socket == "/s"


@pytest.mark.parametrize("words", [["status", "--socket"], ["--socket="]])
def test_a_socket_without_a_path_is_a_usage_error(words: list[str]) -> None:
    with pytest.raises(UsageError, match="needs a path"):
        cli.split(words)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_its_function_and_parser(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = import_module("whisperctl.commands." + cli.COMMANDS[name][0])
    verb = name.rpartition(" ")[2]
    function = getattr(module, verb, None) or getattr(module, verb + "_")
    assert len(inspect.signature(function).parameters) == 2
    with pytest.raises(SystemExit) as ended:
        cli.main([*name.split(), "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: whisperctl {name} ")


@pytest.mark.parametrize("name", ["job list", "events", "queue clear", "status"])
def test_without_words_the_arguments_are_those_that_argparse_gives(name: str) -> None:
    add_arguments = getattr(
        import_module("whisperctl.commands." + cli.COMMANDS[name][0]), name.rpartition(" ")[2] + "_arguments", None
    )
    parser = argparse.ArgumentParser()
    if add_arguments:
        add_arguments(parser)
    ours = vars(arguments.parsed(name, "", add_arguments, []))
    assert {option: ours[option] for option in ours if option not in ("lacking", "description")} == vars(
        parser.parse_args([])
    )


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == names.EXIT_OK
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in cli.COMMANDS)


def test_help_of_a_group_lists_only_its_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["job", "--help"]) == names.EXIT_OK
    shown = capsys.readouterr().out
    assert "job cancel" in shown
    assert "doctor" not in shown


@pytest.mark.parametrize("words", [[], ["job"], ["--json"]])
def test_without_a_command_the_help_goes_to_stderr(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == names.EXIT_USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("usage: whisperctl")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["statuss"], "did you mean `whisperctl status`?"),
        (["job", "lst"], "did you mean `whisperctl job list`?"),
        (["fhqwhgads"], "`whisperctl --help` lists the commands"),
        (["\x1b[31m"], "there is no command '\\x1b[31m'"),
    ],
)
def test_a_word_that_is_no_command_gets_advice(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == names.EXIT_USAGE
    assert said in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == names.EXIT_OK
    assert capsys.readouterr().out == f"whisperctl {__version__}\n"


@pytest.mark.parametrize(
    "words", [["status", "extra"], ["job", "show", "twelve"], ["job", "move", "1"], ["submit", "a", "--no"]]
)
def test_wrong_arguments_are_usage_errors(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == names.EXIT_USAGE
