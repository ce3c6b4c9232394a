"""Drop folders, and what became of every file that was found in them.

Owns: the tables `watch_folders` and `watch_files`; that a file's row and its job are one transaction. Leaves to
others: what is decided about a file (`whisperd.watch.orphans`), jobs (`jobs`). A file's state follows its job's by a
trigger.
"""

import enum
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from whisperd.errors import NotFoundError
from whisperd.frames import FailureKind
from whisperd.jobs.folder import FileState, FolderRules
from whisperd.jobs.job import Output, Priority, State
from whisperd.jobs.transitions import Command
from whisperd.jobs.version import Version
from whisperd.store import events, jobs
from whisperd.store.jobs import JobChanges, JobRow, NewJob, Transitioned
from whisperd.wire import names
from whisperd.wire.paths import to_wire

_rules = msgspec.json.Decoder(FolderRules)
_outputs = msgspec.json.Decoder(tuple[Output, ...])


class Origin(enum.StrEnum):
    CONFIG = "config"
    COMMAND = "command"
    ABSENT = "absent"
    """It has left the configuration; its files are remembered for when it is back."""


class FolderRow(msgspec.Struct, frozen=True):
    """A drop folder. `device` is the file system that it was last seen on."""

    id: int
    path: bytes
    origin: Origin
    rules: FolderRules
    device: int | None
    created_at: float


class FileRow(msgspec.Struct, frozen=True):
    """A known file. `job` may be one whose row was deleted since."""

    id: int
    parent: bytes
    name: bytes
    version: Version
    state: FileState
    reason: str | None
    job: int | None
    changed_at: float


class NewFile(msgspec.Struct, frozen=True):
    parent: bytes
    name: bytes
    version: Version


_MOST_NAMES: Final = 20
"""Names of one file that are looked at when it turns up under another one."""

_FOLDER: Final = "id, path, origin, rules, device, created_at"
_FILE: Final = "id, parent, name, device, inode, size, mtime_ns, state, reason, job, changed_at"

# -- folders ----------------------------------------------------------------------------------------------------------


def folders(conn: sqlite3.Connection) -> list[FolderRow]:
    """Those that are watched, oldest first."""
    rows = conn.execute(f"SELECT {_FOLDER} FROM watch_folders WHERE origin <> 'absent' ORDER BY id")  # noqa: S608
    return [_folder(row) for row in rows]


def folder(conn: sqlite3.Connection, folder_id: int) -> FolderRow:
    """Raises NotFoundError."""
    row = conn.execute(f"SELECT {_FOLDER} FROM watch_folders WHERE id = ?", (folder_id,)).fetchone()  # noqa: S608
    if row is None:
        raise NotFoundError(f"there is no watched folder {folder_id}", hint="`whisperctl watch list` shows them")
    return _folder(row)


def add(
    conn: sqlite3.Connection, path: bytes, origin: Origin, rules: FolderRules, left: Iterable[NewFile], now: float
) -> FolderRow:
    """A new folder; the files in `left` are not to be taken."""
    folder_id = conn.execute(
        """INSERT INTO watch_folders (path, origin, rules, created_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (path) DO UPDATE SET origin = excluded.origin, rules = excluded.rules RETURNING id""",
        (path, origin, _json(rules), now),
    ).fetchone()[0]
    for file in left:
        note(conn, folder_id, file, FileState.LEFT, "it was there when the folder was added", now)
    return folder(conn, folder_id)


def set_rules(conn: sqlite3.Connection, folder_id: int, rules: FolderRules) -> FolderRow:
    """Raises NotFoundError."""
    conn.execute("UPDATE watch_folders SET rules = ? WHERE id = ?", (_json(rules), folder_id))
    return folder(conn, folder_id)


def set_device(conn: sqlite3.Connection, folder_id: int, device: int) -> None:
    conn.execute("UPDATE watch_folders SET device = ? WHERE id = ?", (device, folder_id))


def remove(conn: sqlite3.Connection, folder_id: int) -> None:
    """Forget a folder and what is known of its files; jobs and transcripts stay. Raises NotFoundError."""
    if not conn.execute("DELETE FROM watch_folders WHERE id = ?", (folder_id,)).rowcount:
        folder(conn, folder_id)


def configure(conn: sqlite3.Connection, wanted: Sequence[tuple[bytes, FolderRules]], now: float) -> None:
    """Make the folders of the configuration those in `wanted`; one that a command added before becomes one of them."""
    paths = {path for path, _ in wanted}
    for row in folders(conn):
        if row.origin is Origin.CONFIG and row.path not in paths:
            conn.execute("UPDATE watch_folders SET origin = 'absent' WHERE id = ?", (row.id,))
    for path, rules in wanted:
        add(conn, path, Origin.CONFIG, rules, (), now)


# -- files ------------------------------------------------------------------------------------------------------------


def states(conn: sqlite3.Connection, folder_id: int, parent: bytes) -> dict[bytes, tuple[Version, FileState]]:
    """What is known of the files of one folder inside the watched one, by name."""
    rows = conn.execute(
        "SELECT name, device, inode, size, mtime_ns, state FROM watch_files WHERE folder = ? AND parent = ?",
        (folder_id, parent),
    )
    return {name: (Version(*version), FileState(state)) for name, *version, state in rows}


def file(conn: sqlite3.Connection, folder_id: int, parent: bytes, name: bytes) -> FileRow | None:
    row = conn.execute(
        f"SELECT {_FILE} FROM watch_files WHERE folder = ? AND parent = ? AND name = ?",  # noqa: S608
        (folder_id, parent, name),
    ).fetchone()
    return None if row is None else _file(row)


def elsewhere(conn: sqlite3.Connection, folder_id: int, found: NewFile) -> list[FileRow]:
    """The same version of the same file as it is known under other paths in the folder: several, where it has several
    names."""
    version = found.version
    rows = conn.execute(
        f"""SELECT {_FILE} FROM watch_files WHERE inode = ? AND folder = ? AND device = ? AND size = ? AND mtime_ns = ?
        AND (parent, name) <> (?, ?) LIMIT ?""",  # noqa: S608 (our own names)
        (version.inode, folder_id, version.device, version.size, version.mtime_ns, found.parent, found.name,
         _MOST_NAMES),
    )  # fmt: skip
    return [_file(row) for row in rows]


def queue(conn: sqlite3.Connection, folder_id: int, found: NewFile, new: NewJob, now: float) -> Transitioned:
    """Queue a job for a file and remember both. A job of the same file that can go on does, instead of a new one."""
    known = file(conn, folder_id, found.parent, found.name)
    same = known if known and found.version.same_at_its_path(known.version) else None
    earlier = jobs.get(conn, same.job) if same and same.job else None
    if earlier and earlier.state in (State.FAILED, State.CANCELLED):
        changes = JobChanges(priority=Priority.LOW, moved_to=new.path)
        taken = jobs.transition(conn, earlier.id, Command.RETRY, now, reason="found again", changes=changes)
    else:
        taken = jobs.insert(conn, new, now)
        if taken.job.audio != new.path:
            taken = _found_at(conn, taken.job, new.path, now) or taken
    note(conn, folder_id, found, FileState.QUEUED, None, now, job=taken.job.id)
    path, path_b64 = to_wire(new.path)
    data = {"folder": folder_id, "path": path} | ({"path_b64": path_b64} if path_b64 else {})
    told = events.append(conn, names.TOPIC_WATCH_FOUND, data, taken.job.id, now)
    return Transitioned(taken.job, (*taken.events, told))


def note(
    conn: sqlite3.Connection,
    folder_id: int,
    found: NewFile,
    state: FileState,
    reason: str | None,
    now: float,
    job: int | None = None,
) -> None:
    """Remember what became of a file, in place of what was known under its path."""
    version = found.version
    conn.execute(
        """INSERT INTO watch_files
            (folder, parent, name, device, inode, size, mtime_ns, state, reason, job, changed_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (folder, parent, name) DO UPDATE SET
            device = excluded.device, inode = excluded.inode, size = excluded.size, mtime_ns = excluded.mtime_ns,
            state = excluded.state, reason = excluded.reason, job = excluded.job, changed_at = excluded.changed_at,
            tended = 0""",
        (folder_id, found.parent, found.name, version.device, version.inode, version.size, version.mtime_ns, state,
         reason, job, now),
    )  # fmt: skip


def follow(
    conn: sqlite3.Connection, folder_id: int, known: FileRow, found: NewFile, path: bytes, now: float
) -> Transitioned | None:
    """A known file was renamed or moved: it keeps its state, and a job that has not ended reads it where it is now.

    The job, where it waited for that and goes on.
    """
    conn.execute(
        "DELETE FROM watch_files WHERE folder = ? AND parent = ? AND name = ?", (folder_id, found.parent, found.name)
    )
    conn.execute(
        "UPDATE watch_files SET parent = ?, name = ?, written = '[]' WHERE id = ?", (found.parent, found.name, known.id)
    )
    job = jobs.get(conn, known.job) if known.job else None
    return None if job is None or job.state.final else _found_at(conn, job, path, now)


def _found_at(conn: sqlite3.Connection, job: JobRow, path: bytes, now: float) -> Transitioned | None:
    """Where an unfinished job's file is now; the job, where it waited for that."""
    jobs.update(conn, job.id, JobChanges(moved_to=path))
    if job.state is State.WAITING and FailureKind.INPUT_MISSING in job.failures:
        return jobs.transition(conn, job.id, Command.WAKE, now, reason="its file was found again")
    return None


def skip(conn: sqlite3.Connection, job_id: int, reason: str, now: float) -> Transitioned:
    """The rules exclude a job's file, which only opening it has shown. Raises what `jobs.transition` does."""
    done = jobs.transition(conn, job_id, Command.CANCEL, now, reason=reason)
    conn.execute("UPDATE watch_files SET state = 'skipped', reason = ? WHERE job = ?", (reason, job_id))
    return done


def rules_of(conn: sqlite3.Connection, job_id: int) -> FolderRules | None:
    """The rules of the folder that a job's file lies in; None for a job of no folder."""
    row = conn.execute(
        "SELECT f.rules FROM watch_files w JOIN watch_folders f ON f.id = w.folder WHERE w.job = ? LIMIT 1", (job_id,)
    ).fetchone()
    return None if row is None else _rules.decode(row[0])


def written(conn: sqlite3.Connection, job_id: int) -> tuple[Output, ...]:
    """What was written for the audio under a job's path before it had this content."""
    row = conn.execute("SELECT written FROM watch_files WHERE job = ? LIMIT 1", (job_id,)).fetchone()
    return () if row is None else _outputs.decode(row[0])


def counts(conn: sqlite3.Connection, folder_id: int) -> dict[FileState, int]:
    rows = conn.execute("SELECT state, count(*) FROM watch_files WHERE folder = ? GROUP BY state", (folder_id,))
    return {FileState(state): count for state, count in rows}


def page(
    conn: sqlite3.Connection, folder_id: int, wanted: Collection[FileState], *, limit: int, after: int = 0
) -> list[FileRow]:
    """Files of these states (empty: all) with ids above `after`, in the order in which they were found."""
    marks = ", ".join("?" * len(wanted))
    restricted = f" AND state IN ({marks})" if wanted else ""
    rows = conn.execute(
        f"SELECT {_FILE} FROM watch_files WHERE folder = ? AND id > ?{restricted} ORDER BY id LIMIT ?",  # noqa: S608
        (folder_id, after, *wanted, limit),
    )
    return [_file(row) for row in rows]


# -- audio afterwards -------------------------------------------------------------------------------------------------


def to_tend(conn: sqlite3.Connection, folder_id: int, done_before: float, limit: int, after: int = 0) -> list[FileRow]:
    """Files with a transcript of ours in the database, all written, whose audio has not been tended yet; with ids above
    `after`, in their order."""
    rows = conn.execute(
        f"""SELECT {_FILE} FROM watch_files
        WHERE folder = ? AND state = 'done' AND tended = 0 AND changed_at <= ? AND id > ?
        AND EXISTS (SELECT 1 FROM transcripts WHERE transcripts.job = watch_files.job)
        AND NOT EXISTS (SELECT 1 FROM jobs, json_each(jobs.outputs) AS output
            WHERE jobs.id = watch_files.job AND json_extract(output.value, '$.error') IS NOT NULL)
        ORDER BY id LIMIT ?""",  # noqa: S608 (our own names)
        (folder_id, done_before, after, limit),
    )
    return [_file(row) for row in rows]


def set_tended(conn: sqlite3.Connection, results: Iterable[tuple[int, str | None]]) -> None:
    """Note of files by id what was done with their audio: what comes under the same name next is another recording."""
    conn.executemany("UPDATE watch_files SET tended = 1, written = '[]', reason = ?2 WHERE id = ?1", list(results))


# -- rows -------------------------------------------------------------------------------------------------------------


def _folder(row: tuple[int, bytes, str, str, int | None, float]) -> FolderRow:
    folder_id, path, origin, rules, device, created_at = row
    return FolderRow(folder_id, path, Origin(origin), _rules.decode(rules), device, created_at)


def _file(row: tuple[int, bytes, bytes, int, int, int, int, str, str | None, int | None, float]) -> FileRow:
    file_id, parent, name, device, inode, size, mtime_ns, state, reason, job, changed_at = row
    version = Version(device, inode, size, mtime_ns)
    return FileRow(file_id, parent, name, version, FileState(state), reason, job, changed_at)


def _json(rules: FolderRules) -> str:
    return msgspec.json.encode(rules).decode()
