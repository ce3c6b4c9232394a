"""Which recordings of dictations need nothing more.

Owns: the table `recordings`. A recording without a row here has perhaps words in it that nobody has read yet; so a
database that was lost makes every recording one of those. Leaves to others: the files themselves
(`whisperd.dictation.recordings`).
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence


def settle(conn: sqlite3.Connection, path: bytes, outcome: str, now: float) -> None:
    conn.execute("INSERT OR REPLACE INTO recordings (path, settled_at, outcome) VALUES (?, ?, ?)", (path, now, outcome))


def settled(conn: sqlite3.Connection, paths: Collection[bytes], now: float) -> set[bytes]:
    """Those of the paths that need nothing more: what has a transcript by now is settled on the way."""
    found = _among(conn, "SELECT path FROM recordings WHERE", paths)
    transcribed = _among(conn, "SELECT path FROM transcripts WHERE source = 'dictation' AND", set(paths) - found)
    for path in transcribed:
        settle(conn, path, "transcribed", now)
    return found | transcribed


def with_jobs(conn: sqlite3.Connection, paths: Collection[bytes]) -> set[bytes]:
    """Those of the paths that have a job, in whatever state: the person sees it, and can retry it."""
    return _among(conn, "SELECT path FROM jobs WHERE kind = 'dictation' AND", paths)


def _among(conn: sqlite3.Connection, query: str, paths: Collection[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for some in _batched(sorted(paths)):
        marks = ", ".join("?" * len(some))
        found.update(path for (path,) in conn.execute(f"{query} path IN ({marks})", some))
    return found


def _batched(paths: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """As many at once as a statement takes parameters (SQLite allowed 999 for long)."""
    return (paths[at : at + 500] for at in range(0, len(paths), 500))


def forget(conn: sqlite3.Connection, paths: Iterable[bytes]) -> None:
    """For recordings that are no more."""
    conn.executemany("DELETE FROM recordings WHERE path = ?", ((path,) for path in paths))


def last_text(conn: sqlite3.Connection) -> tuple[int, str] | None:
    """The newest dictation's number in the history and its text; None when there is none."""
    return conn.execute(
        """SELECT job, text FROM transcripts JOIN transcript_texts USING (job)
        WHERE source = 'dictation' AND text != '' ORDER BY job DESC LIMIT 1"""
    ).fetchone()
