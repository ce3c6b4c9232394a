"""Finished transcripts, one a job.

Owns: the tables `transcripts` and `transcript_texts`: one row each, written together. Leaves to others: making a
transcript (`whisperd.transcripts`), files of it (`whisperd.outputs`), and finding one among many (`history`). A
transcript outlives its job's row: clearing the queue never clears what was said.
"""

import os.path
import sqlite3

import msgspec

from whisperd.jobs.job import Kind
from whisperd.store.rows import JobRow
from whisperd.transcripts.transcript import Transcript

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Transcript)


def save(
    conn: sqlite3.Connection,
    job: JobRow,
    transcript: Transcript,
    now: float,
    *,
    batch: int | None = None,
    batch_name: str | None = None,
    latency: float | None = None,
) -> None:
    """Store the job's transcript, in place of an earlier one and of what was edited in that.

    `latency` is the seconds from the end of a dictation to its text. The text has a column of its own, to be searched.
    """
    body = _encoder.encode(msgspec.structs.replace(transcript, text=""))
    delete(conn, job.id)
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
        "batch": batch,
        "batch_name": batch_name,
        "digest": job.identity.digest if job.identity else None,
        "signature": job.options.signature,
        "size": len(body) + len(transcript.text.encode()),
    }
    marks = ", ".join("?" * len(values))
    conn.execute(
        f"INSERT INTO transcripts ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 (our own names)
        tuple(values.values()),
    )
    conn.execute("INSERT INTO transcript_texts (job, text, body) VALUES (?, ?, ?)", (job.id, transcript.text, body))


def get(conn: sqlite3.Connection, job_id: int) -> Transcript | None:
    """The transcript with its text as it is now, perhaps edited; its segments are as they were decoded."""
    row = conn.execute("SELECT text, body FROM transcript_texts WHERE job = ?", (job_id,)).fetchone()
    if row is None:
        return None
    text, body = row
    return msgspec.structs.replace(_decoder.decode(body), text=text)


def find(conn: sqlite3.Connection, digest: str, signature: str) -> int | None:
    """The newest transcript of this content (`FileIdentity.digest`) with these options (`Options.signature`)."""
    (job_id,) = conn.execute(
        "SELECT max(job) FROM transcripts WHERE digest = ? AND signature = ?", (digest, signature)
    ).fetchone()
    return job_id


def delete(conn: sqlite3.Connection, job_id: int) -> bool:
    """Remove a transcript and its text; whether there was one. Its job's row, if any, stays."""
    return conn.execute("DELETE FROM transcripts WHERE job = ?", (job_id,)).rowcount > 0
