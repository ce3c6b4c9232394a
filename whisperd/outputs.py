"""The files that a job's transcript goes to.

Owns: which files a job asks for, and writing them within a deadline, off the event loop. Leaves to others: rendering
and the atomic write (`whisperd.transcripts`), and keeping the transcript, which is in the database in any case.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread

from whisperd.errors import OutputError
from whisperd.jobs.job import Format, Output
from whisperd.jobs.retry import RetrySettings, delay
from whisperd.store.jobs import JobChanges, JobRow
from whisperd.transcripts.render import render
from whisperd.transcripts.transcript import Transcript
from whisperd.transcripts.writer import Written, output_path, write_atomically
from whisperd.wire.paths import from_wire, to_wire

WRITE_DEADLINE = 60.0
"""Seconds for one file; a network file system that hangs for longer is an error of that output."""


MAX_TRIES = 10
"""Tries of files that can't be written, over about forty minutes with the default delays; then a person must ask."""


async def write_outputs(job: JobRow, transcript: Transcript) -> tuple[Output, ...]:
    """Write every file that the job's options ask for; one that can't be written carries its error."""
    return tuple([await _write(job, transcript, form) for form in job.options.formats])


def after_writing(outputs: tuple[Output, ...], tries: int, now: float, settings: RetrySettings) -> JobChanges:
    """What to note after a try: the files, and when those that could not be written are tried again."""
    again = any(output.error for output in outputs) and tries + 1 < MAX_TRIES
    due_at = now + delay(tries, settings) if again else None
    return JobChanges(outputs=outputs, outputs_tries=tries + 1, outputs_due_at=due_at)


async def _write(job: JobRow, transcript: Transcript, form: Format) -> Output:
    folder = job.options.output_dir
    wanted = output_path(Path(os.fsdecode(job.audio)), form, Path(folder) if folder else None)
    previous = _previous(job.outputs, form)
    try:
        with anyio.fail_after(WRITE_DEADLINE):
            written = await anyio.to_thread.run_sync(
                lambda: write_atomically(
                    wanted, render(transcript, form), previous=previous, make_folder=folder is not None
                ),
                abandon_on_cancel=True,
            )
    except TimeoutError:
        return _output(form, wanted, error=f"writing took longer than {WRITE_DEADLINE:.0f} s")
    except OutputError as error:
        return _output(form, wanted, error=error.message)
    return _output(form, written.path, size=written.size, digest=written.digest)


def _previous(outputs: Sequence[Output], form: Format) -> Written | None:
    for output in outputs:
        if output.format is form and output.size is not None and output.digest is not None:
            return Written(Path(os.fsdecode(from_wire(output.path, output.path_b64))), output.size, output.digest)
    return None


def _output(
    form: Format, path: Path, *, size: int | None = None, digest: str | None = None, error: str | None = None
) -> Output:
    shown, path_b64 = to_wire(os.fsencode(path))
    return Output(form, shown, path_b64, size, digest, error)
