"""Finished transcripts, one a job.

Owns: the tables `transcripts` and `transcript_texts`: one row each, written together; their triggers keep the index
of words. Leaves to others: making a transcript (`whisperd.transcripts`), files of it (`whisperd.outputs`), and finding
one among many (`history`). A transcript outlives its job's row: clearing the queue never clears what was said.
"""

import os.path
import sqlite3

import msgspec

from whisperd.errors import NotFoundError
from whisperd.jobs.job import Kind
from whisperd.store.rows import JobChanges, JobRow
from whisperd.transcripts import edited
from whisperd.transcripts.transcript import Transcript
from whisperd.transcripts.words import segmented

BEGINNING = 160
"""Characters of a text that are kept beside its facts, for lists."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Transcript)


def told_of(transcript: Transcript) -> JobChanges:
    """What a completed job's row tells of its transcript; not the computing, which a copied one took none of."""
    return JobChanges(
        duration=transcript.duration,
        done=transcript.duration,
        language=transcript.language,
        language_probability=transcript.language_probability,
        model=transcript.model,
        device=transcript.device,
        partial=transcript.partial,
        missing=transcript.missing,
        unheard=transcript.unheard,
        confidence=transcript.confidence,
        notes=transcript.notes,
    )


def save(
    conn: sqlite3.Connection,
    job: JobRow,
    transcript: Transcript,
    now: float,
    *,
    latency: float | None = None,
) -> None:
    """Store the job's transcript, in place of an earlier one and of what was edited in that.

    `latency` is the seconds from the end of a dictation to its text. The text has a column of its own, to be searched.
    """
    body = _encoder.encode(msgspec.structs.replace(transcript, text=""))
    delete(conn, job.id)
    (batch_name,) = conn.execute("SELECT (SELECT name FROM batches WHERE id = ?)", (job.batch,)).fetchone()
    values: dict[str, object] = {
        "job": job.id,
        "source": job.kind,
        "path": job.path,
        "folder": os.path.dirname(job.path) if job.kind is Kind.WATCH else None,  # noqa: PTH120 (bytes)
        "created_at": job.created_at,
        "at": now,
        "queue_wait": None if job.started_at is None else max(0.0, job.started_at - job.queued_at),
        "latency": latency,
        "language": transcript.language,
        "model": transcript.model,
        "device": transcript.device,
        "duration": transcript.duration,
        "processing_time": transcript.processing_time,
        "confidence": transcript.confidence,
        "partial": transcript.partial,
        "batch": job.batch,
        "batch_name": batch_name,
        "digest": job.identity.digest if job.identity else None,
        "signature": job.options.signature,
        "size": len(body) + len(transcript.text.encode()),
        "beginning": _beginning(transcript.text),
    }
    marks = ", ".join("?" * len(values))
    conn.execute(
        f"INSERT INTO transcripts ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 (our own names)
        tuple(values.values()),
    )
    conn.execute(
        "INSERT INTO transcript_texts (job, text, segmented, body) VALUES (?, ?, ?, ?)",
        (job.id, transcript.text, segmented(transcript.text), body),
    )


def get(conn: sqlite3.Connection, job_id: int) -> Transcript | None:
    """The transcript; where a person has edited its text, with that in its segments."""
    row = conn.execute("SELECT text, original, body FROM transcript_texts WHERE job = ?", (job_id,)).fetchone()
    if row is None:
        return None
    text, decoded, body = row
    transcript = msgspec.structs.replace(_decoder.decode(body), text=text if decoded is None else decoded)
    return transcript if decoded is None else edited.with_text(transcript, text)


def original(conn: sqlite3.Connection, job_id: int) -> str | None:
    """The text as it was decoded, where it has been edited since."""
    row = conn.execute("SELECT original FROM transcript_texts WHERE job = ?", (job_id,)).fetchone()
    return None if row is None else row[0]


def edit(conn: sqlite3.Connection, job_id: int, text: str | None, now: float) -> None:
    """Give the transcript another text; the original is kept, and None brings it back. Raises NotFoundError."""
    row = conn.execute("SELECT coalesce(original, text) FROM transcript_texts WHERE job = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"there is no transcript {job_id}", hint="`whisperctl history list` shows those there are")
    (decoded,) = row
    shown: str = decoded if text is None else text
    same = shown == decoded
    conn.execute(
        "UPDATE transcript_texts SET text = ?, original = ?, segmented = ? WHERE job = ?",
        (shown, None if same else decoded, segmented(shown), job_id),
    )
    conn.execute(
        "UPDATE transcripts SET edited_at = ?, beginning = ? WHERE job = ?",
        (None if same else now, _beginning(shown), job_id),
    )


def find(conn: sqlite3.Connection, digest: str, signature: str) -> int | None:
    """The newest transcript of this content (`FileIdentity.digest`) with these options (`Options.signature`)."""
    (job_id,) = conn.execute(
        "SELECT max(job) FROM transcripts WHERE digest = ? AND signature = ?", (digest, signature)
    ).fetchone()
    return job_id


def delete(conn: sqlite3.Connection, job_id: int) -> bool:
    """Remove a transcript and its text; whether there was one. Its job's row, if any, stays."""
    return conn.execute("DELETE FROM transcripts WHERE job = ?", (job_id,)).rowcount > 0


def _beginning(text: str) -> str:
    return " ".join(text[: 2 * BEGINNING].split())[:BEGINNING]
