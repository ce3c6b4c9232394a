"""Finished transcripts."""

from typing import Final

TABLES: Final = (
    """CREATE TABLE transcripts (
        job INTEGER PRIMARY KEY,
        text TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT""",
)
