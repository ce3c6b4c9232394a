"""Finished transcripts: what is known of each, its text, and the index of all words."""

from typing import Final

_INDEXED: Final = "(rowid, text) VALUES (new.job, coalesce(new.segmented, new.text))"
_UNINDEXED: Final = "(transcript_words, rowid, text) VALUES ('delete', old.job, coalesce(old.segmented, old.text))"

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
        size INTEGER NOT NULL CHECK (size >= 0),
        beginning TEXT NOT NULL
    ) STRICT""",
    # All that lists filter by, so that a page that has to look far for its rows reads only the index.
    "CREATE INDEX transcripts_by_time ON transcripts (at, job, source, language, confidence, batch, size)",
    """CREATE INDEX transcripts_unwatched ON transcripts (at, job, source, language, confidence, batch)
        WHERE folder IS NULL""",
    """CREATE INDEX transcripts_by_folder ON transcripts (folder, at, job, language, confidence, batch, duration)
        WHERE folder IS NOT NULL""",
    "CREATE INDEX transcripts_by_batch ON transcripts (batch, at, job) WHERE batch IS NOT NULL",
    "CREATE INDEX transcripts_by_batch_name ON transcripts (batch_name, at, job) WHERE batch_name IS NOT NULL",
    "CREATE INDEX transcripts_by_content ON transcripts (digest, signature) WHERE digest IS NOT NULL",
    # What a list says of each folder of watched files, kept so that it need not count them.
    """CREATE TABLE watched_folders (
        folder BLOB PRIMARY KEY,
        transcripts INTEGER NOT NULL,
        duration REAL NOT NULL,
        newest REAL NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER folder_gained AFTER INSERT ON transcripts WHEN new.folder IS NOT NULL BEGIN
        INSERT INTO watched_folders VALUES (new.folder, 1, new.duration, new.at)
            ON CONFLICT (folder) DO UPDATE SET transcripts = transcripts + 1, duration = duration + excluded.duration,
            newest = max(newest, excluded.newest);
    END""",
    """CREATE TRIGGER folder_lost AFTER DELETE ON transcripts WHEN old.folder IS NOT NULL BEGIN
        DELETE FROM watched_folders WHERE folder = old.folder AND transcripts = 1;
        UPDATE watched_folders SET transcripts = transcripts - 1, duration = max(0, duration - old.duration),
            newest = (SELECT max(at) FROM transcripts WHERE folder = old.folder) WHERE folder = old.folder;
    END""",
    # `original` is the text as it was decoded, where a person has edited it; `segmented` the text cut into words for
    # the index, where that needs help (whisperd.transcripts.words). `body` is everything else.
    """CREATE TABLE transcript_texts (
        job INTEGER PRIMARY KEY REFERENCES transcripts (job) ON DELETE CASCADE,
        text TEXT NOT NULL,
        original TEXT,
        segmented TEXT,
        body BLOB NOT NULL
    ) STRICT""",
    # The index keeps no text of its own; it is told what was in it when that goes, by triggers, whoever writes.
    "CREATE VIEW indexed_texts AS SELECT job, coalesce(segmented, text) AS text FROM transcript_texts",
    """CREATE VIRTUAL TABLE transcript_words USING fts5 (
        text, content = 'indexed_texts', content_rowid = 'job', prefix = '3',
        tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
    )""",
    f"""CREATE TRIGGER words_added AFTER INSERT ON transcript_texts BEGIN
        INSERT INTO transcript_words {_INDEXED};
    END""",
    f"""CREATE TRIGGER words_removed AFTER DELETE ON transcript_texts BEGIN
        INSERT INTO transcript_words {_UNINDEXED};
    END""",
    f"""CREATE TRIGGER words_changed AFTER UPDATE OF text, segmented ON transcript_texts BEGIN
        INSERT INTO transcript_words {_UNINDEXED};
        INSERT INTO transcript_words {_INDEXED};
    END""",
)
