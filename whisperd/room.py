"""Whether the disk has room for more work.

Owns: that check, for whatever queues jobs. Leaves to others: the queue's own limit (`whisperd.job_commands`).
"""

import os
from pathlib import Path

import anyio.to_thread

from whisperd.errors import DiskFullError


async def check_disk(state_dir: Path, floor: int) -> None:
    """Raises DiskFullError when the state folder's disk has less than `floor` bytes left."""
    free = await anyio.to_thread.run_sync(lambda: _free_bytes(state_dir), abandon_on_cancel=True)
    if free < floor:
        raise DiskFullError(
            f"the disk of {state_dir} has {free >> 20} MB left and whisperd keeps {floor >> 20} MB free, "
            "so nothing was queued",
            hint="free some space, or lower queue.disk_floor in the configuration",
        )


def _free_bytes(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
