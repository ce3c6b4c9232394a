"""Batches; their items are the jobs that name them."""

from typing import Final

TABLES: Final = (
    """CREATE TABLE batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL CHECK (length(name) > 0),
        state TEXT NOT NULL CHECK (
            state IN ('draft', 'running', 'paused', 'completed', 'completed_with_errors', 'cancelled')),
        concurrency INTEGER NOT NULL CHECK (concurrency >= 1),
        options TEXT NOT NULL CHECK (json_valid(options)),
        created_at REAL NOT NULL,
        started_at REAL,
        finished_at REAL,
        CHECK ((state IN ('completed', 'completed_with_errors', 'cancelled')) = (finished_at IS NOT NULL))
    ) STRICT""",
    "CREATE UNIQUE INDEX unfinished_batches ON batches (name) WHERE finished_at IS NULL",
    "CREATE INDEX batches_by_name ON batches (name, id)",
    "CREATE INDEX batches_by_state ON batches (state, id)",
)
