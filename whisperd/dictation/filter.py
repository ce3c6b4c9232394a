"""The person's own program that a text goes through before it is delivered.

Owns: running it with a time limit, and the rule that a text is never lost to it: whatever goes wrong, the text stays as
it was, and the person is told. Leaves to others: the other rules (`rules`).
"""

import logging
import subprocess
from collections.abc import Sequence

import anyio
import anyio.abc

from whisperd.programs import end_group

_log = logging.getLogger(__name__)

LONGEST = 1 << 20
"""Bytes of an answer; more is no text of a dictation."""


async def run_filter(command: Sequence[str], text: str, limit: float) -> tuple[str, str | None]:
    """What the program made of the text, and what went wrong (then the text is as it was)."""
    problem = None
    try:
        with anyio.fail_after(limit):
            changed = await _run(command, text.encode())
        return changed.decode().rstrip("\n"), None
    except TimeoutError:
        problem = f"took longer than {limit:g} s"
    except UnicodeDecodeError:
        problem = "answered with what is no UTF-8"
    except OSError as error:
        problem = f"can't be started: {error.strerror}"
    except ValueError as error:  # an argument with a NUL
        problem = f"can't be started: {error}"
    except _FailedError as error:
        problem = str(error)
    problem = f"the filter {command[0]} {problem}; the text is as it was"
    _log.warning("%s", problem)
    return text, problem


class _FailedError(Exception):
    """The program did not do its work."""


async def _run(command: Sequence[str], text: bytes) -> bytes:
    process = await anyio.open_process(
        list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    answer = bytearray()
    async with process:
        assert process.stdin is not None and process.stdout is not None
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_feed, process.stdin, text)
                async for part in process.stdout:
                    answer += part
                    if len(answer) > LONGEST:
                        process.kill()
                        break
            status = await process.wait()
        finally:
            end_group(process.pid)  # what it has started ends with it
    if len(answer) > LONGEST:
        raise _FailedError(f"answered with more than {LONGEST >> 20} MB")
    if status != 0:
        raise _FailedError(f"ended with status {status}")
    return bytes(answer)


async def _feed(stdin: anyio.abc.ByteSendStream, text: bytes) -> None:
    """A program that does not read all of it may still answer."""
    try:
        await stdin.send(text)
        await stdin.aclose()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return
