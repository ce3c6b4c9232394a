"""The completion hook: a program of the person's own, told of every finished transcript.

Owns: filling in its arguments, how many run at once, and its time. Leaves to others: when (scheduler, dictation), the
program itself (`whisperd.programs`). Its output goes to the daemon's log file descriptor; its failure is logged and
changes nothing.
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import anyio
from anyio.abc import TaskGroup

from whisperd.config.settings import HookSettings
from whisperd.programs import Program
from whisperd.store.jobs import JobRow
from whisperd.wire.paths import from_wire

_log = logging.getLogger(__name__)

AT_ONCE: Final = 4
"""Hooks that run at the same time: a batch of short files that ends, or a queue of them that is found known, must not
start hundreds of programs beside the model. The others follow in the order of completion."""


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
    written = [from_wire(output.path, output.path_b64) for output in job.outputs if output.error is None]
    return {
        "transcript": os.fsdecode(written[0]) if written else "",
        "audio": os.fsdecode(job.audio),
        "job": str(job.id),
        "kind": job.kind.value,
        "language": job.language or "",
    }


class Hooks:
    """The hooks of completed jobs; `settings` tells what to run, when its turn has come."""

    def __init__(self, settings: Callable[[], HookSettings]) -> None:
        self._settings = settings
        self._waiting: deque[tuple[int, dict[str, str]]] = deque()
        self._running = 0

    def start(self, group: TaskGroup, job: JobRow) -> None:
        """Have the hook run for a completed job, if there is one, in a task of the group; later where others run."""
        if not self._settings().on_completed:
            return
        self._waiting.append((job.id, values_of(job)))
        if self._running < AT_ONCE:
            self._running += 1
            group.start_soon(self._run_all)

    async def _run_all(self) -> None:
        try:
            while self._waiting:
                await _run(self._settings(), *self._waiting.popleft())
        finally:
            self._running -= 1


async def _run(settings: HookSettings, job: int, values: Mapping[str, str]) -> None:
    """Run the hook; it is killed with all it started after its time."""
    command = fill_in(settings.on_completed, values)
    if not command:
        return  # the setting has changed while it waited
    try:
        program = Program(command)
    except (OSError, ValueError) as error:
        _log.warning("the completion hook %s could not be started: %s", command[0], error)
        return
    status = None
    with anyio.move_on_after(settings.timeout) as scope:
        try:
            await program.ended()
        finally:
            status = await program.close()
    if scope.cancelled_caught:
        _log.warning("the completion hook took longer than %.0f s for job %d and was ended", settings.timeout, job)
    elif status != 0:
        _log.warning("the completion hook ended with status %s for job %d", status, job)
