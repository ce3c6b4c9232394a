"""What is kept for how long: finding what is over its time or its room, and removing it a little at a time.

Owns: these queries, and giving freed pages back to the file system. Leaves to others: the limits
(`whisperd.config.settings`), and when they are looked at (`whisperd.ops.retention`). Times are unix seconds.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from whisperd.store import checkpoints, jobs, transcripts

SPARE_PAGES: Final = 2_000
"""Free pages that the database keeps for what comes next (8 MB); more are given back."""


class Cutoffs(msgspec.Struct, frozen=True):
    """Before when what was finished is removed, and how much stays; None keeps all."""

    transcripts: float | None = None
    transcript_bytes: int | None = None
    jobs: float | None = None
    checkpoints: float | None = None
    events: float | None = None
    max_events: int | None = None


class Size(msgspec.Struct, frozen=True):
    """Bytes of the database, and those of them that are free."""

    bytes: int
    free: int


def old_transcripts(conn: sqlite3.Connection, cutoffs: Cutoffs, limit: int) -> list[int]:
    """The oldest transcripts that are over their time or their room, at most `limit`.

    One whose job is to be done again stays: it is replaced when that has completed.
    """
    finished = "NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = transcripts.job AND finished_at IS NULL)"
    oldest = f"SELECT job FROM transcripts WHERE at < ? AND {finished} ORDER BY at, job LIMIT ?"  # noqa: S608
    before = max(_full_before(conn, cutoffs.transcript_bytes), cutoffs.transcripts or 0.0)
    return [job_id for (job_id,) in conn.execute(oldest, (before, limit))]


def _full_before(conn: sqlite3.Connection, room: int | None) -> float:
    """The time of the oldest transcript for which there is room, the newer ones first; 0 where there is for all."""
    if room is None:
        return 0.0
    row = conn.execute(
        """SELECT min(at) FROM (SELECT at, sum(size) OVER (ORDER BY at DESC, job DESC) AS total FROM transcripts)
        WHERE total <= ? HAVING (SELECT sum(size) FROM transcripts) > ?""",
        (room, room),
    ).fetchone()
    if row is None:
        return 0.0
    return float("inf") if row[0] is None else row[0]


def remove_transcripts(conn: sqlite3.Connection, ids: Sequence[int]) -> int:
    return sum(transcripts.delete(conn, job_id) for job_id in ids)


def old_jobs(conn: sqlite3.Connection, before: float, limit: int) -> list[int]:
    """Finished jobs to take off the list, at most `limit`: not those of a batch that is not finished as long."""
    rows = conn.execute(
        """SELECT jobs.id FROM jobs LEFT JOIN batches ON batches.id = jobs.batch
        WHERE jobs.finished_at < ?1 AND outputs_due_at IS NULL AND (batch IS NULL OR batches.finished_at < ?1)
        ORDER BY jobs.finished_at LIMIT ?2""",
        (before, limit),
    )
    return [job_id for (job_id,) in rows]


def remove_jobs(conn: sqlite3.Connection, ids: Sequence[int], before: float) -> int:
    """Remove finished jobs, and batches that finished before then and are empty now. How many jobs there were."""
    count = jobs.delete(conn, ids)
    conn.execute(
        "DELETE FROM batches WHERE finished_at < ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE batch = batches.id)",
        (before,),
    )
    return count


def old_checkpoints(conn: sqlite3.Connection, before: float | None, limit: int) -> list[int]:
    """Jobs whose checkpoint is of no use any more: completed ones, and those that ended otherwise before then."""
    rows = conn.execute(
        """SELECT id FROM jobs WHERE id IN (SELECT job FROM blocks)
        AND (state = 'completed' OR (state IN ('failed', 'cancelled') AND finished_at < ?)) LIMIT ?""",
        (before or 0.0, limit),
    )
    return [job_id for (job_id,) in rows]


def remove_checkpoints(conn: sqlite3.Connection, ids: Sequence[int]) -> int:
    """A completed job keeps what was found out; another one begins from the beginning if it is tried again."""
    rows = conn.execute(
        """SELECT id, state FROM jobs WHERE state IN ('completed', 'failed', 'cancelled')
        AND id IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(ids)),),
    ).fetchall()
    for job_id, state in rows:
        if state == "completed":
            conn.execute("DELETE FROM blocks WHERE job = ?", (job_id,))
        else:
            checkpoints.discard(conn, job_id)
    return len(rows)


def size(conn: sqlite3.Connection) -> Size:
    (page,) = conn.execute("PRAGMA page_size").fetchone()
    (pages,) = conn.execute("PRAGMA page_count").fetchone()
    (free,) = conn.execute("PRAGMA freelist_count").fetchone()
    return Size(bytes=page * pages, free=page * free)


def shrink(conn: sqlite3.Connection, pages: int) -> bool:
    """Give at most `pages` free pages back to the file system; whether there is more to give."""
    (free,) = conn.execute("PRAGMA freelist_count").fetchone()
    spare = min(pages, free - SPARE_PAGES)
    if spare <= 0:
        return False
    conn.execute(f"PRAGMA incremental_vacuum({spare})").fetchall()  # a page a row: it works while it is read
    (left,) = conn.execute("PRAGMA freelist_count").fetchone()
    return SPARE_PAGES < left < free
