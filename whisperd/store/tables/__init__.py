"""The database's tables and indexes, one module a group, in the order in which they are made.

Owns: every table's definition. Leaves to others: how an older database becomes the present one (`migrations`) and the
queries (one module a group in `whisperd.store`).
"""

from typing import Final

from whisperd.store.tables import batches, events, jobs, measurements, recordings, transcripts, watch

ALL: Final = (
    *batches.TABLES,
    *jobs.TABLES,
    *transcripts.TABLES,
    *events.TABLES,
    *measurements.TABLES,
    *recordings.TABLES,
    *watch.TABLES,
)
