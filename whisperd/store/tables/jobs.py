"""Jobs, the counts that lists and places are read from, switches, and checkpoints."""

from typing import Final

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

TABLES: Final = (
    """CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL CHECK (kind IN ('dictation', 'file', 'batch', 'watch')),
        priority INTEGER NOT NULL CHECK (priority IN (0, 1, 2)),
        position INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL
            CHECK (state IN ('queued', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled')),
        path BLOB NOT NULL CHECK (length(path) > 0),
        options TEXT NOT NULL CHECK (json_valid(options)),
        size INTEGER CHECK (size >= 0),
        batch INTEGER REFERENCES batches (id),
        company TEXT,
        alone INTEGER NOT NULL DEFAULT 0 CHECK (alone IN (0, 1)),
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
        moved_to BLOB,
        CHECK ((state = 'waiting') = (retry_at IS NOT NULL)),
        CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
        CHECK (state <> 'failed' OR error IS NOT NULL),
        CHECK (state <> 'running' OR started_at IS NOT NULL)
    ) STRICT""",
    "CREATE INDEX jobs_by_state ON jobs (state, kind, id)",
    """CREATE INDEX queue_by_arrival ON jobs (priority, position, id)
        WHERE state = 'queued' AND hold IS NULL""",
    "CREATE INDEX queue_held ON jobs (id) WHERE state = 'queued' AND hold IS NOT NULL",
    """CREATE INDEX queue_by_model ON jobs (priority, position, coalesce(model, requested_model), id)
        WHERE state = 'queued' AND hold IS NULL""",
    """CREATE INDEX queue_by_company ON jobs (company, priority, position, id)
        WHERE state = 'queued' AND hold IS NULL AND company IS NOT NULL""",
    "CREATE INDEX jobs_by_batch ON jobs (batch, id) WHERE batch IS NOT NULL",
    """CREATE INDEX batch_totals ON jobs (batch, state, duration, size, done, processing_time)
        WHERE batch IS NOT NULL""",
    "CREATE INDEX jobs_by_signature ON jobs (signature) WHERE finished_at IS NULL AND signature IS NOT NULL",
    "CREATE INDEX outputs_due ON jobs (outputs_due_at) WHERE outputs_due_at IS NOT NULL",
    "CREATE INDEX jobs_by_finish ON jobs (finished_at) WHERE finished_at IS NOT NULL",
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
    """CREATE TABLE decoded_batches (
        job INTEGER NOT NULL,
        block INTEGER NOT NULL,
        batch INTEGER NOT NULL CHECK (batch >= 0),
        results BLOB NOT NULL,
        seconds REAL NOT NULL CHECK (seconds >= 0),
        PRIMARY KEY (job, block, batch),
        FOREIGN KEY (job, block) REFERENCES blocks (job, block) ON DELETE CASCADE
    ) STRICT""",
)
