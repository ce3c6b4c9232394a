"""What was measured of models on this machine."""

from typing import Final

TABLES: Final = (
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
    """CREATE TABLE sharing_times (
        about TEXT NOT NULL,
        size INTEGER NOT NULL CHECK (size >= 1),
        chunks INTEGER NOT NULL CHECK (chunks >= 1),
        seconds REAL NOT NULL CHECK (seconds >= 0),
        PRIMARY KEY (about, size)
    ) STRICT, WITHOUT ROWID""",
)
