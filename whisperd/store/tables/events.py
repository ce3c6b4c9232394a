"""Committed events."""

from typing import Final

TABLES: Final = (
    """CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        topic TEXT NOT NULL,
        job INTEGER,
        batch INTEGER,
        data TEXT NOT NULL CHECK (json_valid(data))
    ) STRICT""",
    # Up to which event old ones were removed.
    "CREATE TABLE events_pruned (through INTEGER NOT NULL) STRICT",
    "INSERT INTO events_pruned VALUES (0)",
    "CREATE INDEX events_by_job ON events (job, seq)",
    "CREATE INDEX events_by_batch ON events (batch, seq) WHERE batch IS NOT NULL",
)
