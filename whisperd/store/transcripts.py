"""Finished transcripts, one a job.

Owns: the `transcripts` table. Leaves to others: making a transcript (`whisperd.transcripts`) and files of it. A
transcript outlives its job's row: clearing the queue never clears what was said.
"""

import sqlite3

import msgspec

from whisperd.transcripts.transcript import Transcript

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Transcript)


def save(conn: sqlite3.Connection, job_id: int, transcript: Transcript) -> None:
    """Store the job's transcript, in place of an earlier one. The text has a column of its own, to be searched."""
    body = _encoder.encode(msgspec.structs.replace(transcript, text=""))
    conn.execute(
        """INSERT INTO transcripts (job, text, body) VALUES (?, ?, ?)
        ON CONFLICT (job) DO UPDATE SET text = excluded.text, body = excluded.body""",
        (job_id, transcript.text, body),
    )


def get(conn: sqlite3.Connection, job_id: int) -> Transcript | None:
    row = conn.execute("SELECT text, body FROM transcripts WHERE job = ?", (job_id,)).fetchone()
    if row is None:
        return None
    text, body = row
    return msgspec.structs.replace(_decoder.decode(body), text=text)
