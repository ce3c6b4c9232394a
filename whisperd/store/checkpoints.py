"""What of a job is decided and done: its blocks' plans and the results of its decoding batches.

Owns: the tables `blocks` and `decoded_batches`, and the progress that a stored batch means for its job. Leaves to
others: planning and decoding (the worker), and joining the results into a transcript (`whisperd.transcripts`).
"""

import sqlite3

import msgspec

from whisperd.errors import NotFoundError
from whisperd.frames import BlockPlan, ChunkResult, Damage

_plans = msgspec.msgpack.Decoder(BlockPlan)
_results = msgspec.msgpack.Decoder(tuple[ChunkResult, ...])
# MessagePack, not JSON: it keeps every float to the last bit, infinities included.
_encoder = msgspec.msgpack.Encoder()


class StoredBlock(msgspec.Struct, frozen=True):
    """A block's number (from 0), its plan, and which of the plan's batches are stored (their indices)."""

    block: int
    plan: BlockPlan
    decoded: frozenset[int]

    @property
    def pending(self) -> tuple[int, ...]:
        """The indices of the batches still to be decoded, in their order."""
        return tuple(batch for batch in range(len(self.plan.batches)) if batch not in self.decoded)


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a job goes on: its blocks in order."""

    blocks: tuple[StoredBlock, ...] = ()

    @property
    def next_block(self) -> int:
        """The number of the next block to be planned."""
        return len(self.blocks)

    @property
    def next_start(self) -> int | None:
        """The sample at which the next block begins; None when the last block of the audio is planned."""
        return self.blocks[-1].plan.next_start if self.blocks else 0

    @property
    def damage(self) -> Damage:
        """What could not be decoded in all blocks so far."""
        damages = [block.plan.damage for block in self.blocks]
        return Damage(bad_packets=sum(d.bad_packets for d in damages), missing=sum(d.missing for d in damages))


def save_block(conn: sqlite3.Connection, job_id: int, block: int, plan: BlockPlan) -> None:
    """Store the plan of the job's next block. A plan is stored once and never changed."""
    conn.execute("INSERT INTO blocks (job, block, plan) VALUES (?, ?, ?)", (job_id, block, _encoder.encode(plan)))


def save_batch(
    conn: sqlite3.Connection,
    job_id: int,
    block: int,
    batch: int,
    results: tuple[ChunkResult, ...],
    seconds: float,
    done: float,
) -> None:
    """Store what a decoding batch gave, once, and the job's progress with it.

    `seconds` is the computing it took, `done` the seconds of audio that are transcribed now. The job has proved that
    it can be worked on: its unfinished starts, and the failures that count towards giving up, are forgotten.
    """
    conn.execute(
        "INSERT INTO decoded_batches (job, block, batch, results, seconds) VALUES (?, ?, ?, ?, ?)",
        (job_id, block, batch, _encoder.encode(results), seconds),
    )
    conn.execute(
        "UPDATE jobs SET done = ?, processing_time = processing_time + ?, unfinished_starts = 0, failures = '{}', "
        "alone = 0 "
        "WHERE id = ?",
        (done, seconds, job_id),
    )


def load(conn: sqlite3.Connection, job_id: int) -> Checkpoint:
    """What is stored of the job; an empty checkpoint when nothing is."""
    decoded: dict[int, set[int]] = {}
    for block, batch in conn.execute("SELECT block, batch FROM decoded_batches WHERE job = ?", (job_id,)):
        decoded.setdefault(block, set()).add(batch)
    rows = conn.execute("SELECT block, plan FROM blocks WHERE job = ? ORDER BY block", (job_id,))
    return Checkpoint(
        blocks=tuple(
            StoredBlock(block=block, plan=_plans.decode(plan), decoded=frozenset(decoded.get(block, ())))
            for block, plan in rows
        )
    )


def results(conn: sqlite3.Connection, job_id: int) -> tuple[ChunkResult, ...]:
    """All stored results, in the order of the audio."""
    rows = conn.execute("SELECT results FROM decoded_batches WHERE job = ? ORDER BY block, batch", (job_id,))
    stored = [result for (blob,) in rows for result in _results.decode(blob)]
    return tuple(sorted(stored, key=lambda result: result.chunk.start))


def discard(conn: sqlite3.Connection, job_id: int) -> None:
    """Forget all that is stored, and with it what was found out about the file; the job starts from the beginning."""
    conn.execute("DELETE FROM blocks WHERE job = ?", (job_id,))  # the batches go with their blocks
    cursor = conn.execute(
        """UPDATE jobs SET done = 0, processing_time = 0, identity = NULL, fingerprint = NULL, language = NULL,
        language_probability = NULL, duration = NULL WHERE id = ?""",
        (job_id,),
    )
    if cursor.rowcount != 1:
        raise NotFoundError(f"there is no job {job_id}")
