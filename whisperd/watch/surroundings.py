"""What a watched folder needs of the rest of the daemon.

Owns: that list. Leaves to others: where each comes from (`service`), and what is done with it (`folder`).
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from whisperd.clock import SteadyClock
from whisperd.job_commands import JobCommands
from whisperd.jobs.job import Options
from whisperd.ledger import Ledger
from whisperd.store.watch import FolderRow
from whisperd.watch.territory import Claims
from whisperd.watch.watcher import Watcher


class Surroundings(msgspec.Struct, frozen=True):
    """`admit` raises DiskFullError while nothing may be queued; `options` are those of a folder's jobs, with nothing
    left open; `others` what all other watched folders claim, by the folder's id; `claimed` is told when a folder's own
    claims are others than before; `clock` is what deletions are decided by.
    """

    ledger: Ledger
    commands: JobCommands
    admit: Callable[[], Awaitable[None]]
    options: Callable[[FolderRow], Options]
    others: Callable[[int], Mapping[int, Claims]]
    claimed: Callable[[int], None]
    watcher: Watcher
    clock: SteadyClock
