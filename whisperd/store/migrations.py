"""The database's tables, and how an older database becomes the present one.

Owns: every table and index, as a list of migrations counted by `user_version`. Leaves to others: the queries (one
module a table group) and opening the file (`connection`). A migration is never changed once it is released; the next
one is appended.
"""

import shlex
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from whisperd.errors import DatabaseError
from whisperd.store import backups

APPLICATION_ID: Final = 0x77737064
"""`wspd` in ASCII, in the header of every database of ours: no other program's file is taken for one."""

_JOIN_QUEUE: Final = """
    INSERT INTO queue_counts VALUES (new.priority, new.position, new.id >> 8, 1)
        ON CONFLICT (priority, position, stretch) DO UPDATE SET count = count + 1;
"""
_LEAVE_QUEUE: Final = """
    UPDATE queue_counts SET count = count - 1
        WHERE (priority, position, stretch) = (old.priority, old.position, old.id >> 8);
    DELETE FROM queue_counts
        WHERE (priority, position, stretch) = (old.priority, old.position, old.id >> 8) AND count = 0;
"""

_V1: Final = (
    """CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL CHECK (kind IN ('dictation', 'file', 'batch', 'watch')),
        priority INTEGER NOT NULL CHECK (priority IN (0, 1, 2)),
        position INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL
            CHECK (state IN ('queued', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled')),
        path BLOB NOT NULL CHECK (length(path) > 0),
        options TEXT NOT NULL CHECK (json_valid(options)),
        requested_model TEXT,
        key TEXT UNIQUE,
        signature TEXT,
        hold TEXT,
        created_at REAL NOT NULL,
        queued_at REAL NOT NULL,
        started_at REAL,
        finished_at REAL,
        retry_at REAL,
        attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        failures TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(failures)),
        unfinished_starts INTEGER NOT NULL DEFAULT 0 CHECK (unfinished_starts >= 0),
        error TEXT CHECK (error IS NULL OR json_valid(error)),
        duration REAL CHECK (duration >= 0),
        done REAL NOT NULL DEFAULT 0 CHECK (done >= 0),
        processing_time REAL NOT NULL DEFAULT 0 CHECK (processing_time >= 0),
        identity TEXT CHECK (identity IS NULL OR json_valid(identity)),
        fingerprint TEXT,
        batch_size INTEGER CHECK (batch_size >= 1),
        language TEXT,
        language_probability REAL,
        model TEXT,
        device TEXT,
        partial INTEGER CHECK (partial IN (0, 1)),
        missing REAL CHECK (missing >= 0),
        confidence REAL,
        outputs TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(outputs)),
        outputs_due_at REAL,
        outputs_tries INTEGER NOT NULL DEFAULT 0 CHECK (outputs_tries >= 0),
        notes TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(notes)),
        CHECK ((state = 'waiting') = (retry_at IS NOT NULL)),
        CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
        CHECK (state <> 'failed' OR error IS NOT NULL),
        CHECK (state <> 'running' OR started_at IS NOT NULL)
    ) STRICT""",
    "CREATE INDEX jobs_by_state ON jobs (state, kind, id)",
    """CREATE INDEX queue_by_arrival ON jobs (priority, position, id)
        WHERE state = 'queued' AND hold IS NULL""",
    """CREATE INDEX queue_by_model ON jobs (priority, position, coalesce(model, requested_model), id)
        WHERE state = 'queued' AND hold IS NULL""",
    "CREATE INDEX jobs_by_signature ON jobs (signature) WHERE finished_at IS NULL AND signature IS NOT NULL",
    "CREATE INDEX outputs_due ON jobs (outputs_due_at) WHERE outputs_due_at IS NOT NULL",
    "CREATE INDEX jobs_waiting ON jobs (retry_at) WHERE state = 'waiting'",
    """CREATE TABLE job_counts (
        state TEXT PRIMARY KEY,
        count INTEGER NOT NULL DEFAULT 0 CHECK (count >= 0)
    ) STRICT, WITHOUT ROWID""",
    """INSERT INTO job_counts (state)
        VALUES ('queued'), ('running'), ('waiting'), ('paused'), ('completed'), ('failed'), ('cancelled')""",
    """CREATE TRIGGER job_inserted AFTER INSERT ON jobs BEGIN
        UPDATE job_counts SET count = count + 1 WHERE state = new.state;
    END""",
    """CREATE TRIGGER job_deleted AFTER DELETE ON jobs BEGIN
        UPDATE job_counts SET count = count - 1 WHERE state = old.state;
    END""",
    """CREATE TRIGGER job_state_changed AFTER UPDATE OF state ON jobs WHEN old.state <> new.state BEGIN
        UPDATE job_counts SET count = count - 1 WHERE state = old.state;
        UPDATE job_counts SET count = count + 1 WHERE state = new.state;
    END""",
    # The ready part of the queue, counted in stretches of 256 ids: a place is found without counting all before it.
    """CREATE TABLE queue_counts (
        priority INTEGER NOT NULL,
        position INTEGER NOT NULL,
        stretch INTEGER NOT NULL,
        count INTEGER NOT NULL CHECK (count >= 0),
        PRIMARY KEY (priority, position, stretch)
    ) STRICT, WITHOUT ROWID""",
    f"""CREATE TRIGGER queue_joined_by_insert AFTER INSERT ON jobs
    WHEN new.state = 'queued' AND new.hold IS NULL BEGIN {_JOIN_QUEUE} END""",
    f"""CREATE TRIGGER queue_left_by_delete AFTER DELETE ON jobs
    WHEN old.state = 'queued' AND old.hold IS NULL BEGIN {_LEAVE_QUEUE} END""",
    f"""CREATE TRIGGER queue_left AFTER UPDATE OF state, hold, priority, position ON jobs
    WHEN old.state = 'queued' AND old.hold IS NULL BEGIN {_LEAVE_QUEUE} END""",
    f"""CREATE TRIGGER queue_joined AFTER UPDATE OF state, hold, priority, position ON jobs
    WHEN new.state = 'queued' AND new.hold IS NULL BEGIN {_JOIN_QUEUE} END""",
    # Daemon-wide switches that are on, such as a paused queue.
    "CREATE TABLE switches (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    """CREATE TABLE blocks (
        job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        block INTEGER NOT NULL CHECK (block >= 0),
        plan BLOB NOT NULL,
        PRIMARY KEY (job, block)
    ) STRICT""",
    """CREATE TABLE batches (
        job INTEGER NOT NULL,
        block INTEGER NOT NULL,
        batch INTEGER NOT NULL CHECK (batch >= 0),
        results BLOB NOT NULL,
        seconds REAL NOT NULL CHECK (seconds >= 0),
        PRIMARY KEY (job, block, batch),
        FOREIGN KEY (job, block) REFERENCES blocks (job, block) ON DELETE CASCADE
    ) STRICT""",
    """CREATE TABLE transcripts (
        job INTEGER PRIMARY KEY,
        text TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        topic TEXT NOT NULL,
        job INTEGER,
        data TEXT NOT NULL CHECK (json_valid(data))
    ) STRICT""",
    "CREATE INDEX events_by_job ON events (job, seq)",
    """CREATE TABLE speeds (
        model TEXT NOT NULL,
        device TEXT NOT NULL,
        compute_type TEXT NOT NULL,
        audio_seconds REAL NOT NULL CHECK (audio_seconds > 0),
        seconds REAL NOT NULL CHECK (seconds >= 0),
        PRIMARY KEY (model, device, compute_type)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE calibrations (
        fingerprint TEXT NOT NULL,
        beam_size INTEGER NOT NULL,
        audio_context TEXT NOT NULL CHECK (audio_context IN ('full', 'fit')),
        batch_size INTEGER NOT NULL CHECK (batch_size >= 1),
        seconds_per_chunk TEXT NOT NULL CHECK (json_valid(seconds_per_chunk)),
        PRIMARY KEY (fingerprint, beam_size, audio_context)
    ) STRICT, WITHOUT ROWID""",
)

MIGRATIONS: Final[Sequence[Sequence[str]]] = (_V1,)
"""The statements that lead from each version to the next; the version of a database is how many of these it has had."""


def migrate(
    conn: sqlite3.Connection,
    path: Path,
    now: float,
    *,
    migrations: Sequence[Sequence[str]] = MIGRATIONS,
    keep_backups: int = backups.KEEP,
) -> None:
    """Bring the database up to date, after a backup when there is something in it to lose.

    Raises DatabaseError, and changes nothing, when the file is another program's or a newer whisperd's.
    """
    version = _checked_version(conn, path, len(migrations))
    if version == len(migrations):
        return
    if version > 0:
        backups.create(conn, path, version, now, keep=keep_backups)
    conn.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated between the first look and the lock.
        for statements in migrations[_checked_version(conn, path, len(migrations)) :]:
            for statement in statements:
                conn.execute(statement)
        conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version = {len(migrations)}")
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def check(conn: sqlite3.Connection, path: Path) -> None:
    """Refuse what is not ours to open, before anything is changed in it. Raises DatabaseError."""
    _checked_version(conn, path, len(MIGRATIONS))


def _checked_version(conn: sqlite3.Connection, path: Path, newest: int) -> int:
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    (application,) = conn.execute("PRAGMA application_id").fetchone()
    (tables,) = conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (tables > 0 or version > 0):
        raise DatabaseError(f"{path} is the database of another program", hint="choose another state folder")
    if version > newest:
        raise DatabaseError(
            f"{path} was written by a newer whisperd (its tables are version {version}, this one knows {newest})",
            hint=_way_back(path, newest),
        )
    return version


def _way_back(path: Path, newest: int) -> str:
    backup = backups.newest(path, at_most=newest)
    if backup is None:
        return "install the newer whisperd again, or start with another state folder"
    log, index = (shlex.quote(f"{path}{suffix}") for suffix in ("-wal", "-shm"))
    copy = shlex.join(["cp", str(backup.path), str(path)])
    return f"install the newer whisperd again, or go back to the backup: rm -f {log} {index} && {copy}"
