"""The database: jobs, checkpoints, transcripts, events and measurements in one SQLite file with one writer."""
