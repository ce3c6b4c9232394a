"""Completions for a shell: `completion bash|zsh|fish`."""

from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context


def completion_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell that reads the script")


def completion(context: "Context", arguments: "Namespace") -> int:
    """The script on stdout; `eval "$(whisperctl completion bash)"` in the shell's own configuration."""
    from whisperctl import completion as shells

    script = {"bash": shells.bash, "zsh": shells.zsh, "fish": shells.fish}[arguments.shell]()
    if context.output.json_only:
        context.output.value({"shell": arguments.shell, "script": script})
    else:
        context.output.out.write(script)
    return names.EXIT_OK
