"""What the opening of a watched file shows: that its folder's rules exclude it, or that nothing need be decoded.

Owns: both questions, asked once the worker has the file's length and the digest of its content. Leaves to others: what
follows for the job (`whisperd.runner`).
"""

import sqlite3

import msgspec

from whisperd.store import transcripts, watch
from whisperd.store.connection import Database
from whisperd.store.jobs import JobRow
from whisperd.transcripts.transcript import Transcript


class SkippedError(Exception):
    """The folder's rules exclude the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def known_transcript(database: Database, job: JobRow) -> Transcript | None:
    """The transcript that the same audio with the same options has already: the file is a copy, or was moved here.

    None where there is none, and for a job that has had one of its own (who retries it wants it done again). Raises
    SkippedError for audio that is shorter or longer than the folder takes.
    """
    limits = await database.read(lambda c: watch.limits(c, job.id))
    if limits and job.duration is not None:
        least, most = limits
        if job.duration < least:
            raise SkippedError(f"it is {job.duration:.1f} s long, and the folder takes {least:g} s and more")
        if most is not None and job.duration > most:
            raise SkippedError(f"it is {job.duration:.1f} s long, and the folder takes {most:g} s at most")
    return await database.read(lambda c: _same_audio(c, job))


def _same_audio(connection: sqlite3.Connection, job: JobRow) -> Transcript | None:
    if job.done or job.identity is None or transcripts.get(connection, job.id) is not None:
        return None
    other = transcripts.find(connection, job.identity.digest, job.options.signature)
    transcript = transcripts.get(connection, other) if other is not None else None
    if transcript is None:
        return None
    note = f"the same audio as job {other}, whose transcript this is"
    return msgspec.structs.replace(transcript, processing_time=0.0, notes=(*transcript.notes, note))
