"""What has become of dictations' recordings: one row for each that needs nothing more."""

from typing import Final

TABLES: Final = (
    """CREATE TABLE recordings (
        path BLOB PRIMARY KEY,
        settled_at REAL NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('transcribed', 'nothing_heard'))
    ) STRICT, WITHOUT ROWID""",
)
