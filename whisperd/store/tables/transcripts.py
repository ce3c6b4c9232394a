"""Finished transcripts: what is known of each, and its text."""

from typing import Final

TABLES: Final = (
    # Narrow, so that filters and figures read little. `at` is when it was finished, `queue_wait` the seconds from
    # queueing to start, `latency` those from the end of a dictation to its text; watched files have a `folder`.
    """CREATE TABLE transcripts (
        job INTEGER PRIMARY KEY,
        source TEXT NOT NULL CHECK (source IN ('dictation', 'file', 'batch', 'watch')),
        path BLOB NOT NULL,
        folder BLOB CHECK ((folder IS NOT NULL) = (source = 'watch')),
        created_at REAL NOT NULL,
        at REAL NOT NULL,
        queue_wait REAL CHECK (queue_wait >= 0),
        latency REAL CHECK (latency >= 0),
        language TEXT,
        model TEXT NOT NULL,
        device TEXT NOT NULL,
        duration REAL NOT NULL CHECK (duration >= 0),
        processing_time REAL NOT NULL CHECK (processing_time >= 0),
        confidence REAL NOT NULL,
        partial INTEGER NOT NULL CHECK (partial IN (0, 1)),
        batch INTEGER,
        batch_name TEXT CHECK (batch_name IS NULL OR batch IS NOT NULL),
        digest TEXT,
        signature TEXT NOT NULL,
        edited_at REAL,
        size INTEGER NOT NULL CHECK (size >= 0)
    ) STRICT""",
    "CREATE INDEX transcripts_by_time ON transcripts (at, source, language, confidence, batch)",
    "CREATE INDEX transcripts_by_folder ON transcripts (folder, at, duration) WHERE folder IS NOT NULL",
    "CREATE INDEX transcripts_by_batch ON transcripts (batch, at) WHERE batch IS NOT NULL",
    "CREATE INDEX transcripts_by_content ON transcripts (digest, signature) WHERE digest IS NOT NULL",
    # `original` is the text as it was decoded, where a person has edited it. `body` is everything else.
    """CREATE TABLE transcript_texts (
        job INTEGER PRIMARY KEY REFERENCES transcripts (job) ON DELETE CASCADE,
        text TEXT NOT NULL,
        original TEXT,
        body BLOB NOT NULL
    ) STRICT""",
)
