"""The completion hook: a program of the person's own, told of every finished transcript.

Owns: filling in its arguments, running it in a child with a time limit. Leaves to others: when (the scheduler and
dictation). Its output goes to the daemon's log file descriptor; its failure is logged and changes nothing.
"""

import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

import anyio

from whisperd.config.settings import HookSettings
from whisperd.store.jobs import JobRow

_log = logging.getLogger(__name__)


def fill_in(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The command with `{name}` replaced by its value, in one pass: a value is never searched for names itself."""
    return [_fill_in(argument, values) for argument in command]


def _fill_in(argument: str, values: Mapping[str, str]) -> str:
    parts = argument.split("{")
    done = parts[0]
    for part in parts[1:]:
        name, brace, rest = part.partition("}")
        done += values[name] + rest if brace and name in values else "{" + part
    return done


def values_of(job: JobRow) -> dict[str, str]:
    """What a hook can be told: the first file written (or nothing), the audio, and the job."""
    written = [output.path for output in job.outputs if output.error is None]
    return {
        "transcript": written[0] if written else "",
        "audio": os.fsdecode(job.audio),
        "job": str(job.id),
        "kind": job.kind.value,
        "language": job.language or "",
    }


async def run_hook(settings: HookSettings, job: JobRow) -> None:
    """Run the hook for a completed job, if there is one; it is killed with all it started after its time."""
    if not settings.on_completed:
        return
    command = fill_in(settings.on_completed, values_of(job))
    try:
        process = await anyio.open_process(
            command, stdin=subprocess.DEVNULL, stdout=2, stderr=None, start_new_session=True
        )
    except OSError as error:
        _log.warning("the completion hook %s could not be started: %s", command[0], error.strerror)
        return
    try:
        with anyio.fail_after(settings.timeout):
            status = await process.wait()
        if status != 0:
            _log.warning("the completion hook ended with status %d for job %d", status, job.id)
    except TimeoutError:
        _log.warning("the completion hook took longer than %.0f s for job %d and was ended", settings.timeout, job.id)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            with anyio.CancelScope(shield=True):
                await process.wait()
