"""Asking before something is destroyed.

Owns: who is asked, and what happens where nobody can be.
"""

import sys

from whisperctl.errors import CommandError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.terminal import Output


def obtain(output: "Output", what: str, insist: bool = True) -> None:
    """Ask on a terminal whether to do `what`, such as `cancel 3 jobs`; returns if so.

    Raises `CommandError` when the answer is not yes, and `UsageError` where nobody can be asked and we `insist`.
    """
    if sys.stdin.isatty() and output.err.terminal:
        output.err.write(f"{what}? [y/N] ")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was done")
    elif insist:
        raise UsageError(f"this would {what}, and there is no terminal to ask on", "give --yes to do it")
