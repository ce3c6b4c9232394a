"""Which audio of a watched folder is to be moved or deleted by now.

Owns: choosing it by its transcript's age, on a clock that can be trusted, and within the folder's own part of the disk.
Leaves to others: when to look (`folder`), and doing it (`tending`).
"""

from typing import Final

from whisperd.clock import SteadyClock
from whisperd.jobs.folder import Afterwards
from whisperd.store import watch
from whisperd.store.connection import Database
from whisperd.store.watch import FolderRow
from whisperd.watch import tending
from whisperd.watch.disk import Disk
from whisperd.watch.taking import CHUNK
from whisperd.watch.territory import Territory

MOVE_DEADLINE: Final = 600.0
"""Seconds for one file, which may be copied to another disk."""
_DAY: Final = 86_400.0


class Tender:
    """One folder's."""

    def __init__(self, row: FolderRow, disk: Disk, database: Database, clock: SteadyClock) -> None:
        self._row = row
        self._disk = disk
        self._database = database
        self._clock = clock

    async def tend(self, territory: Territory) -> None:
        """Move or delete what is due. Raises UnresponsiveError, DatabaseError, DiskFullError."""
        rules, before = self._row.rules, float("inf")
        if rules.afterwards is Afterwards.DELETE and rules.delete_after:
            before = self._clock.now() - rules.delete_after * _DAY
        after = 0
        while files := await self._database.read(
            lambda c, after=after: watch.to_tend(c, self._row.id, before, CHUNK, after)
        ):
            for file in files:
                after = file.id
                if not territory.holds(file.parent):  # another folder has been added around it since
                    continue
                result = await self._disk.call(
                    lambda file=file: tending.tend(territory.root, (file.parent, file.name), file.version, rules),
                    deadline=MOVE_DEADLINE,
                )
                await self._database.write(lambda c, file=file, result=result: watch.set_tended(c, [(file.id, result)]))
