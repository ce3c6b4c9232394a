"""What the opening of a watched file shows: that its folder's rules exclude it, or that nothing need be decoded.

Owns: both questions, asked once the worker has the file's length and the digest of its content. Leaves to others: what
follows for the job (`whisperd.runner`).
"""

import sqlite3
from typing import Final

import anyio
import msgspec

from whisperd.frames import FailureKind
from whisperd.jobs import retry
from whisperd.jobs.folder import FolderRules
from whisperd.jobs.job import Failure
from whisperd.jobs.transitions import Command
from whisperd.store import transcripts, watch
from whisperd.store.connection import Database
from whisperd.store.jobs import JobChanges, JobRow
from whisperd.transcripts.transcript import Transcript

Sound = tuple[str, str]
"""Digest of the content, signature of the options."""

_SAME: Final = "this is the transcript of the same audio"


class SkippedError(Exception):
    """The folder's rules exclude the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


LEFT_PLACE: Final = frozenset({FailureKind.INPUT_MISSING, FailureKind.INPUT_CHANGED})
"""What a run fails with when somebody moves, removes or changes its file meanwhile."""

GRACE: Final = 5.0
"""Seconds, besides the time that a file takes to settle, in which one that is gone may turn up under another name."""


def left_place(
    started: JobRow, job: JobRow, failure: Failure, rules: FolderRules | None, now: float
) -> tuple[Command, str, JobChanges]:
    """What such a failure does to a watched file's job: none is a failure of its own before it has had its time. Pure.

    `job` is `started` as it is now. A file that has moved is read where it is; one that is gone is waited for, once;
    one that holds something else has another job by now, or will have.
    """
    if failure.kind is FailureKind.INPUT_CHANGED and rules is not None:
        return Command.CANCEL, "its file has changed meanwhile and is transcribed anew", JobChanges()
    if job.audio != started.audio:
        return Command.REQUEUE, "its file was moved meanwhile", JobChanges()
    charged = JobChanges(error=failure, failures=retry.charged(job.failures, failure.kind), attempts=job.attempts + 1)
    if rules is None or failure.kind is FailureKind.INPUT_CHANGED or failure.kind in job.failures:
        return Command.FAIL, failure.message, charged
    until = now + rules.settle + GRACE
    reason = f"{failure.message}; it may turn up under another name"
    return Command.WAIT, reason, msgspec.structs.replace(charged, retry_at=until)


class KnownAudio:
    """Watched audio by its content and options. Of files with the same, one is decoded and the others wait for it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._decoding: dict[Sound, tuple[int, anyio.Event]] = {}

    async def transcript(self, job: JobRow) -> Transcript | None:
        """The transcript that the same audio with the same options has already: the file is a copy, or was moved here.

        None where there is none; until `ended` is told of the job, it counts as the one that is decoded. None too for a
        job that has had a transcript of its own (who retries it wants it done again). Raises SkippedError for audio
        that is shorter or longer than the folder takes.
        """
        rules = await self._database.read(lambda c: watch.rules_of(c, job.id))
        if rules and job.duration is not None:
            _check_length(job.duration, rules.min_duration, rules.max_duration)
        assert job.identity is not None  # its file is open
        sound = (job.identity.digest, job.options.signature)
        while sound in self._decoding:
            await self._decoding[sound][1].wait()
        self._decoding[sound] = (job.id, anyio.Event())
        return await self._database.read(lambda c: _same_audio(c, job))

    def ended(self, job_id: int) -> None:
        """The job's run is over, however it went; those that waited for it look again."""
        for sound, (decoder, over) in list(self._decoding.items()):
            if decoder == job_id:
                del self._decoding[sound]
                over.set()


def _check_length(duration: float, least: float, most: float | None) -> None:
    if duration < least:
        raise SkippedError(f"it is {duration:.1f} s long, and the folder takes {least:g} s and more")
    if most is not None and duration > most:
        raise SkippedError(f"it is {duration:.1f} s long, and the folder takes {most:g} s at most")


def _same_audio(connection: sqlite3.Connection, job: JobRow) -> Transcript | None:
    if job.done or job.identity is None or transcripts.get(connection, job.id) is not None:
        return None
    other = transcripts.find(connection, job.identity.digest, job.options.signature)
    transcript = transcripts.get(connection, other) if other is not None else None
    if transcript is None:
        return None
    notes = [note for note in transcript.notes if not note.startswith(_SAME)]
    return msgspec.structs.replace(transcript, processing_time=0.0, notes=(*notes, f"{_SAME} as job {other}"))
