"""The files that a job's transcript goes to.

Owns: which files a job asks for, and writing them within a deadline, off the event loop. Leaves to others: rendering
and the atomic write (`whisperd.transcripts`), and keeping the transcript, which is in the database in any case.
"""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from whisperd.errors import OutputError
from whisperd.jobs.job import Format, Output
from whisperd.jobs.retry import RetrySettings, delay
from whisperd.printable import printable
from whisperd.store.jobs import JobChanges, JobRow
from whisperd.transcripts.render import render
from whisperd.transcripts.transcript import Transcript
from whisperd.transcripts.writer import Written, output_path, take_back, write_atomically
from whisperd.wire.paths import from_wire, to_wire

_log = logging.getLogger(__name__)

WRITE_DEADLINE = 60.0
"""Seconds for one file; a network file system that hangs for longer is an error of that output."""


MAX_TRIES = 10
"""Tries of files that can't be written, over about forty minutes with the default delays; then a person must ask."""


class Files(msgspec.Struct, frozen=True):
    """What became of the files that a job asks for: for its row, and what was `created` for it."""

    outputs: tuple[Output, ...] = ()
    created: tuple[Written, ...] = ()


async def write_outputs(job: JobRow, transcript: Transcript, before: Sequence[Output] = ()) -> Files:
    """Write every file that the job's options ask for; one that can't be written carries its error.

    `before` are files of an earlier job for what the same audio held then: they are replaced like the job's own.
    """
    written = [await _write(job, transcript, form, (*job.outputs, *before)) for form in job.options.formats]
    return Files(tuple(output for output, _ in written), tuple(file for _, file in written if file and file.created))


async def take_back_outputs(job: JobRow, files: Files, earlier: Transcript | None) -> None:
    """Undo the writing of files for a job that will not have that transcript: what was created is removed, what was
    replaced is the `earlier` one again."""
    for file in files.created:
        try:
            with anyio.fail_after(WRITE_DEADLINE):
                await anyio.to_thread.run_sync(take_back, file, abandon_on_cancel=True)
        except (TimeoutError, OutputError) as error:
            _log.warning("%s could not be removed: %s", printable(file.path), error)
    if earlier is not None:
        await write_outputs(msgspec.structs.replace(job, outputs=files.outputs), earlier)


def after_writing(outputs: tuple[Output, ...], tries: int, now: float, settings: RetrySettings) -> JobChanges:
    """What to note after a try: the files, and when those that could not be written are tried again."""
    again = any(output.error for output in outputs) and tries + 1 < MAX_TRIES
    due_at = now + delay(tries, settings) if again else None
    return JobChanges(outputs=outputs, outputs_tries=tries + 1, outputs_due_at=due_at)


async def _write(
    job: JobRow, transcript: Transcript, form: Format, earlier: Sequence[Output]
) -> tuple[Output, Written | None]:
    folder = job.options.output_dir
    wanted = output_path(Path(os.fsdecode(job.audio)), form, Path(folder) if folder else None)
    previous = _previous(earlier, form)
    try:
        with anyio.fail_after(WRITE_DEADLINE):
            written = await anyio.to_thread.run_sync(
                lambda: write_atomically(
                    wanted,
                    render(transcript, form),
                    previous=previous,
                    make_folder=folder is not None,
                    mode=_mode(job.audio),
                ),
                abandon_on_cancel=True,
            )
    except TimeoutError:
        return _output(form, wanted, error=f"writing took longer than {WRITE_DEADLINE:.0f} s"), None
    except OutputError as error:
        return _output(form, wanted, error=error.message), None
    return _output(form, written.path, size=written.size, digest=written.digest), written


def _mode(audio: bytes) -> int:
    """Who may not hear it may not read it either."""
    try:
        return os.stat(audio).st_mode & 0o666 | 0o600  # noqa: PTH116 (bytes)
    except OSError:
        return 0o600


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
