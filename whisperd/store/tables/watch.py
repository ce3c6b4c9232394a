"""Drop folders and the files that were found in them."""

from typing import Final

TABLES: Final = (
    # `device` is the file system that the folder was last seen on. A folder that has left the configuration is
    # `absent`: what became of its files is kept for when it is back.
    """CREATE TABLE watch_folders (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL UNIQUE CHECK (length(path) > 0),
        origin TEXT NOT NULL CHECK (origin IN ('config', 'command', 'absent')),
        rules TEXT NOT NULL CHECK (json_valid(rules)),
        device INTEGER,
        created_at REAL NOT NULL
    ) STRICT""",
    # `parent` is the path inside the folder, empty at its top. `job` outlives the job's row, as a number in history.
    # `tended`: what was to become of the audio afterwards has been done.
    """CREATE TABLE watch_files (
        id INTEGER PRIMARY KEY,
        folder INTEGER NOT NULL REFERENCES watch_folders (id) ON DELETE CASCADE,
        parent BLOB NOT NULL,
        name BLOB NOT NULL,
        device INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        state TEXT NOT NULL
            CHECK (state IN ('queued', 'done', 'skipped', 'failed', 'cancelled', 'gone', 'left')),
        reason TEXT,
        job INTEGER,
        changed_at REAL NOT NULL,
        tended INTEGER NOT NULL DEFAULT 0 CHECK (tended IN (0, 1)),
        UNIQUE (folder, parent, name),
        CHECK (state <> 'queued' OR job IS NOT NULL)
    ) STRICT""",
    "CREATE INDEX watch_files_by_state ON watch_files (folder, state, tended, changed_at)",
    "CREATE INDEX watch_files_by_inode ON watch_files (inode, folder)",
    "CREATE INDEX watch_files_by_job ON watch_files (job) WHERE job IS NOT NULL",
    # A file's state follows its job's in the same transaction, whoever changes it.
    """CREATE TRIGGER watch_file_follows_its_job AFTER UPDATE OF state ON jobs WHEN old.state <> new.state BEGIN
        UPDATE watch_files SET
            state = CASE new.state
                WHEN 'completed' THEN 'done'
                WHEN 'cancelled' THEN 'cancelled'
                WHEN 'failed' THEN iif(json_extract(new.error, '$.kind') = 'input_missing', 'gone', 'failed')
                ELSE 'queued' END,
            reason = iif(new.state = 'failed', json_extract(new.error, '$.message'), NULL),
            changed_at = coalesce(new.finished_at, new.queued_at),
            tended = 0
        WHERE job = new.id;
    END""",
)

WRITTEN: Final = (
    # The files that the newest transcript under a name went to, which are replaced when the audio changes.
    "ALTER TABLE watch_files ADD COLUMN written TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(written))",
    """CREATE TRIGGER watch_file_keeps_what_was_written AFTER UPDATE OF outputs ON jobs
    WHEN old.outputs <> new.outputs AND new.kind = 'watch' BEGIN
        UPDATE watch_files SET written = new.outputs WHERE job = new.id AND NOT EXISTS (
            SELECT 1 FROM json_each(new.outputs) AS output WHERE json_extract(output.value, '$.error') IS NOT NULL);
    END""",
)
"""What came to these tables later, for `migrations`."""
