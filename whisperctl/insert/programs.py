"""Running the programs that type: with a time limit, and with an eye on those that only pretend.

Owns: one run and why it counts as failed. Leaves to others: which program and what for. Text goes in by standard input,
never as an argument, which every user of the machine could read.
"""

import os
import subprocess
import tempfile
import time

TIME_LIMIT = 5.0
"""Seconds for a program, besides the time that its key strokes take."""
_COMPLAINTS = (
    "error",
    "failed",
    "fail to",
    "cannot",
    "can't",
    "unable",
    "unavailable",
    "not support",
    "denied",
    "no such file",
    "invalid",
)
"""What programs say on stderr that exit with 0 all the same."""


class ProgramError(Exception):
    """A program did not do what it was started for. The message says which and why."""


def run(command: "list[str]", given: bytes = b"", at_least: float = 0.0) -> bytes:
    """Its output. Raises `ProgramError` when it fails, complains, takes too long, or less than `at_least` seconds.

    A program that waits between key strokes can't be done sooner than these waits take: it typed nothing.
    """
    name = command[0]
    started = time.monotonic()
    limit = TIME_LIMIT + 10 * at_least
    try:
        status, output, said = _finished(command, given, limit)
    except FileNotFoundError:
        raise ProgramError(f"{name} is not installed") from None
    except OSError as error:
        raise ProgramError(f"{name} can't be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{name} did not finish within {limit:.0f} s") from None
    if status:
        raise ProgramError(f"{name} failed: {first_line(said) or status_in_words(status)}")
    if any(word in said.lower() for word in _COMPLAINTS):
        raise ProgramError(f"{name} said: {first_line(said)}")
    if (took := time.monotonic() - started) < at_least:
        raise ProgramError(f"{name} was done after {took * 1000:.0f} ms, too soon to have typed anything")
    return output


def _finished(command: "list[str]", given: bytes, limit: float) -> "tuple[int, bytes, str]":
    """Exit status, stdout and stderr. Both go to files: a pipe would stay open in what the program leaves running."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        done = subprocess.run(
            command, input=given, stdout=out, stderr=err, timeout=limit, check=False, env=environment()
        )
        out.seek(0)
        err.seek(0)
        return done.returncode, out.read(), err.read().decode(errors="replace").strip()


def environment() -> "dict[str, str]":
    """Ours, with an encoding that knows every character: xdotool refuses what the locale's does not know."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def first_line(said: str) -> str:
    return said.splitlines()[0][:200] if said else ""


def status_in_words(status: int) -> str:
    return f"signal {-status} ended it" if status < 0 else f"exit status {status}"
