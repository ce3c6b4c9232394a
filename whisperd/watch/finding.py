"""What lies in one watched folder, and which of it is finished: scans, hints, and looking again.

Owns: what is remembered of a folder between two looks, which hints are followed, and files that are not finished yet.
Leaves to others: when to look (`folder`, `rounds`), looking (`scanner`), rows and jobs (`taking`).

Nothing that is only in memory decides whether a file is transcribed: after a kill, a full scan finds the same files
with the same rows.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from whisperd.store import watch
from whisperd.store.connection import Database
from whisperd.store.jobs import JobRow
from whisperd.watch import scanner
from whisperd.watch.disk import Disk
from whisperd.watch.finished import Finished, Settling
from whisperd.watch.inspecting import Inspected
from whisperd.watch.names import joined
from whisperd.watch.orphans import concerns
from whisperd.watch.root import Root
from whisperd.watch.scanner import Entry, Facts, Key, Listing, Walk
from whisperd.watch.taking import Taker
from whisperd.watch.territory import Territory
from whisperd.watch.watcher import Listener, Watcher

MANY_HINTS: Final = 500
"""Hints after which listing whole folders costs less than looking at single files."""

MOST_HINTS: Final = 10_000
"""Hints that are kept until they are followed; with more, all is scanned."""

MOST_KNOWN: Final = 50_000
"""Folders inside whose listing is remembered, some 300 bytes each; those beyond are looked at by full scans only."""


class Found(msgspec.Struct):
    """What a scan has met. `new`: files to look into; `trouble`: why some folder could not be listed."""

    new: int = 0
    trouble: str | None = None


class Finder:
    """One folder's. `told` is who hears of its hints."""

    def __init__(
        self, folder_id: int, taker: Taker, disk: Disk, database: Database, told: Listener, watcher: Watcher
    ) -> None:
        self.listens = True
        """Whether the kernel is asked to tell of changes; to be set before a scan."""
        self.settling: dict[Key, Settling | None] = {}
        """Files that are not known to be finished; None for one that was not looked at yet."""
        self.untold: str | None = None
        """Why the kernel does not tell of all changes; None where it does."""
        self._folder_id = folder_id
        self._taker = taker
        self._disk = disk
        self._database = database
        self._told = told
        self._watcher = watcher
        self._facts: dict[bytes, Facts] = {}
        self._hints: set[Key] = set()
        self._again: set[Key] = set()

    def forget(self) -> None:
        """The folder is not there, or is another one."""
        self._facts.clear()
        self.settling.clear()
        self._hints.clear()
        self.end()

    def end(self) -> None:
        """Hear of nothing any more."""
        self._watcher.leave(self._told)

    # -- scans --------------------------------------------------------------------------------------------------------

    async def scan_all(self, territory: Territory, *, anew: bool = False, again: bool = False) -> Found:
        """Look at every file. `anew`: as if nothing was remembered; `again`: also what ended without a transcript."""
        self.untold = None
        if self.listens:
            self._watcher.begin_round(self._told)
        found = await self._scan(Walk(territory, {} if anew else self._facts, enter=self._enter), again=again)
        if self.listens:
            self._watcher.end_round(self._told)
        return found

    async def scan_folders(self, territory: Territory) -> Found:
        """Look into those of the folders inside that have changed."""
        walk = Walk(territory, self._facts, list(self._facts), only_changed=True, enter=self._enter)
        return await self._scan(walk)

    async def follow_hints(self, territory: Territory) -> Found:
        hints, self._hints = self._hints, set()
        if not hints:
            return Found()
        if len(hints) > MANY_HINTS:
            return await self._scan(Walk(territory, {}, [parent for parent, _ in hints], enter=self._enter))
        entries, folders = await self._disk.call(lambda: scanner.look(territory, sorted(hints)))

        def look(connection: sqlite3.Connection) -> list[tuple[bytes, Entry]]:
            concerned: list[tuple[bytes, Entry]] = []
            for parent, entry in entries:
                row = watch.file(connection, self._folder_id, parent, entry.name)
                if concerns((row.version, row.state) if row else None, entry.version):
                    concerned.append((parent, entry))
            return concerned

        found = Found(await self._notice(await self._database.read(look), again=False))
        if folders:
            inside = await self._scan(Walk(territory, self._facts, folders, enter=self._enter))
            found = Found(found.new + inside.new, inside.trouble)
        return found

    def hint(self, keys: set[Key]) -> bool:
        """Note what something happened to; whether that is worth a look. All is to be scanned when there is no room."""
        wanted = {key for key in keys if key not in self.settling and b"/." not in b"/" + joined(*key)}
        self._hints |= wanted
        return bool(wanted)

    @property
    def overrun(self) -> bool:
        """Whether more was hinted at than is worth keeping."""
        return len(self._hints) > MOST_HINTS

    def drop_hints(self) -> None:
        self._hints.clear()

    def _enter(self, parent: bytes, folder: int) -> None:
        if self.listens:
            self.untold = self._watcher.enter(self._told, parent, folder) or self.untold

    async def _scan(self, walk: Walk, *, again: bool = False) -> Found:
        found = Found()
        while not walk.done:
            for listing in await self._disk.call(walk.batch):
                found.trouble = listing.trouble or found.trouble
                found.new += await self._reconcile(listing, again=again)
        for parent in walk.vanished:
            self._facts.pop(parent, None)
        return found

    async def _reconcile(self, listing: Listing, *, again: bool) -> int:
        if listing.trouble:
            return 0
        found = await self._taker.concerned(listing.parent, listing.entries, again=again)
        new = await self._notice([(listing.parent, entry) for entry in found], again=again)
        if listing.facts and (len(self._facts) < MOST_KNOWN or listing.parent in self._facts):
            self._facts[listing.parent] = listing.facts
        return new

    async def _notice(self, found: Sequence[tuple[bytes, Entry]], *, again: bool) -> int:
        await self._taker.refuse([(parent, entry) for parent, entry in found if entry.refusal])
        new = [(parent, entry.name) for parent, entry in found if not entry.refusal]
        for key in new:
            self.settling.setdefault(key, None)
        if again:
            self._again.update(new)
        return len(new)

    # -- finished? ----------------------------------------------------------------------------------------------------

    def due(self, now: float) -> list[Key]:
        """The files to be looked at again by a moment of the monotonic clock."""
        return [key for key, settling in self.settling.items() if settling is None or settling.due <= now]

    def next_due(self, not_looked_at: float) -> float:
        """When the next of them is due; `not_looked_at` is when those are that were not looked at yet."""
        return min((one.due if one else not_looked_at for one in self.settling.values()), default=float("inf"))

    async def take(self, root: Root, territory: Territory, keys: Sequence[Key]) -> Sequence[JobRow]:
        """Look at files again, and do what is to be done about those that are finished; the jobs that were queued."""
        finished: list[Inspected] = []
        own = [key for key in keys if territory.holds(key[0])]  # another folder may have been added around them
        for key in set(keys).difference(own):
            self._forget(key)
        for one in await self._taker.inspect(root, own, self.settling):
            match one.after:
                case None:
                    self._forget(one.key)
                case Settling():
                    self.settling[one.key] = one.after
                case Finished():
                    finished.append(one)
        rows = await self._taker.take(root, finished, self._again) if finished else []
        for one in finished:
            self._forget(one.key)
        return rows

    def _forget(self, key: Key) -> None:
        self.settling.pop(key, None)
        self._again.discard(key)
