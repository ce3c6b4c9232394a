"""What a scan of a folder would do, without doing it; and what is there at all.

Owns: both answers. Leaves to others: the walk (`scanner`), the looks (`taking`), the rules (`orphans`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from whisperd.jobs.folder import FileState
from whisperd.jobs.version import Version
from whisperd.store import watch
from whisperd.store.connection import Database
from whisperd.store.watch import FolderRow, NewFile
from whisperd.watch.disk import Disk
from whisperd.watch.finished import Finished, Settling
from whisperd.watch.inspecting import Inspected
from whisperd.watch.orphans import Decision, decide
from whisperd.watch.root import Root
from whisperd.watch.scanner import Key, Listing, Walk
from whisperd.watch.taking import Taker, parts
from whisperd.watch.territory import Territory


class Planned(msgspec.Struct, frozen=True):
    """What a scan would do about a file, and why."""

    parent: bytes
    name: bytes
    decision: str
    reason: str | None = None


def tally(planned: Iterable[Planned]) -> Counter[str]:
    return Counter(one.decision for one in planned)


async def present(territory: Territory, disk: Disk) -> list[NewFile]:
    """Every file with a wanted name that is there now. Raises OSError, UnresponsiveError."""
    walk, found = Walk(territory, {}), list[NewFile]()
    while not walk.done:
        for listing in await disk.call(walk.batch):
            found += [NewFile(listing.parent, entry.name, entry.version) for entry in listing.entries]
    return found


class Planner:
    """Looks at a folder as a scan does; `settling` is what is known of unfinished files."""

    def __init__(
        self, row: FolderRow, root: Root, taker: Taker, database: Database, settling: Mapping[Key, Settling | None]
    ) -> None:
        self._row = row
        self._root = root
        self._taker = taker
        self._database = database
        self._settling = settling

    async def plan(self, listing: Listing, *, again: bool) -> list[Planned]:
        """What would be done about each file of a folder that is not to be left as it is."""
        parent = listing.parent
        found = await self._taker.concerned(parent, listing.entries, again=again)
        planned = [Planned(parent, entry.name, "skip", entry.refusal) for entry in found if entry.refusal]
        for part in parts([(parent, entry.name) for entry in found if not entry.refusal]):
            inspected = await self._taker.inspect(self._root, part, self._settling)
            finished = [one for one in inspected if isinstance(one.after, Finished)]
            moved = await self._taker.moved(self._root, finished)
            known = await self._database.read(lambda c: watch.states(c, self._row.id, parent))
            for one in inspected:
                planned += _planned(one, known.get(one.key[1]), again=again, moved=one.key in moved)
        return planned


def _planned(one: Inspected, known: tuple[Version, FileState] | None, *, again: bool, moved: bool) -> list[Planned]:
    match one.after:
        case None:
            return []
        case Settling(reason=reason):
            return [Planned(*one.key, "wait", reason)]
        case Finished(version):
            if one.refusal:
                return [Planned(*one.key, "skip", one.refusal)]
            decision = decide(known, version, again=again, moved=moved, transcribed=one.transcribed)
            return [] if decision is Decision.KEEP else [Planned(*one.key, decision.value)]
