"""What the state folder takes of the disk.

Owns: adding it up, blocking. Leaves to others: what lies there, and tidying (`whisperd.ops.housekeeping`).
"""

import os
from pathlib import Path

from msgspec import Struct


class Storage(Struct, frozen=True):
    """Bytes: the `database` with its log, its `backups` (and damaged ones that were moved aside), `temporary` files of
    input that came through a pipe, `models`, and what is `free` on the disk."""

    database: int
    backups: int
    temporary: int
    models: int
    free: int


def measure(state_dir: Path) -> Storage:
    """Raises OSError when the folder can't be looked at."""
    files = {
        entry.name: entry.stat(follow_symlinks=False).st_size for entry in os.scandir(state_dir) if _is_file(entry)
    }
    own = {"whisperd.db", "whisperd.db-wal", "whisperd.db-shm"}
    disk = os.statvfs(state_dir)
    return Storage(
        database=sum(size for name, size in files.items() if name in own),
        backups=sum(size for name, size in files.items() if name.startswith("whisperd.db") and name not in own),
        temporary=_size(state_dir / "spool"),
        models=_size(state_dir / "models"),
        free=disk.f_bavail * disk.f_frsize,
    )


def _is_file(entry: "os.DirEntry[str]") -> bool:
    return entry.is_file(follow_symlinks=False)


def _size(folder: Path) -> int:
    """Of all files below; links are not followed, and what goes away meanwhile does not count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(f"{parent}/{name}").st_size
            except FileNotFoundError:
                continue
    return total
