"""One watched folder: from what lies in it to queued jobs.

Owns: the folder's rounds (when its folders and all its files are looked at, which hints are followed, when unfinished
files are looked at again), its state, and what is remembered of it between two rounds. Leaves to others: looking
(`scanner`), the rules (`names`, `finished`, `orphans`), rows and jobs (`whisperd.store.watch`, `taking`).

Nothing that is only in memory decides whether a file is transcribed: after a kill, a full scan finds the same files
with the same rows.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import anyio
import msgspec

from whisperd.errors import DatabaseCorruptError, DatabaseError, DiskFullError, QueueFullError
from whisperd.job_commands import JobCommands
from whisperd.jobs.folder import Afterwards, FolderState, Notice
from whisperd.jobs.job import Options
from whisperd.ledger import Ledger
from whisperd.printable import printable
from whisperd.store import watch
from whisperd.store.watch import FolderRow, NewFile
from whisperd.watch import root, scanner, tending
from whisperd.watch.disk import Disk, UnresponsiveError
from whisperd.watch.finished import Finished, Settling
from whisperd.watch.names import NameRules, joined
from whisperd.watch.orphans import concerns
from whisperd.watch.planning import Planned, Planner, present
from whisperd.watch.rounds import Rounds
from whisperd.watch.scanner import Entry, Facts, Inspected, Key, Listing, Place, Walk
from whisperd.watch.taking import CHUNK, Taker, parts
from whisperd.wire import names
from whisperd.wire.paths import to_wire

_log = logging.getLogger(__name__)

ABSENT_EVERY: Final = 2.0
"""Seconds between two looks for a folder that is not there or can't be read."""
TROUBLE_PAUSE: Final = 30.0
"""Seconds until files that could not be queued (a full queue or disk) are tried again."""
TEND_EVERY: Final = 60.0
"""Seconds between two looks for audio that is to be moved or deleted by now."""
MANY_HINTS: Final = 500
"""Hints after which listing whole folders costs less than looking at single files."""


class Surroundings(msgspec.Struct, frozen=True):
    """What a folder needs of the rest of the daemon.

    `admit` raises DiskFullError while nothing may be queued; `options` are those of a folder's jobs, with nothing left
    open; `others` the paths of all watched folders; `watched` (de)registers a folder with the kernel's watcher.
    """

    ledger: Ledger
    commands: JobCommands
    admit: Callable[[], Awaitable[None]]
    options: Callable[[FolderRow], Options]
    others: Callable[[], frozenset[bytes]]
    watched: Callable[["FolderWatch", bool], None]


class FolderWatch:
    """Watches one folder; `run` is to be cancelled to end it. Its methods are for the event loop's thread."""

    def __init__(self, row: FolderRow, around: Surroundings) -> None:
        self.row = row
        self.state = FolderState.STARTING
        self.reason: str | None = None
        self.last_error: str | None = None
        self.last_found: tuple[float, bytes] | None = None
        self.last_scan_at: float | None = None
        self.settling: dict[Key, Settling | None] = {}
        """Files that are not known to be finished; None for one that was not looked at yet."""
        self._around = around
        self._database = around.ledger.database
        self.options = around.options(row)
        self._names = NameRules(row.rules)
        self._disk = Disk()
        self._taker = Taker(row, self.options, self._disk, self._database, around.commands)
        self._turn = anyio.Lock()
        self._wake = anyio.Event()
        self._root: root.Root | None = None
        self._facts: dict[bytes, Facts] = {}
        self._hints: set[Key] = set()
        self._again: set[Key] = set()
        self._no_events: str | None = None
        self._rounds = Rounds()
        self._tend_due = self._not_before = float("-inf")

    # -- told by others -----------------------------------------------------------------------------------------------

    def hint(self, keys: set[Key]) -> None:
        wanted = {key for key in keys if key not in self.settling and b"/." not in b"/" + joined(*key)}
        if wanted:
            self._hints |= wanted
            self.poke()

    def lost(self, trouble: str | None) -> None:
        self._rounds.begin_anew()
        self._no_events = trouble
        self.poke()

    def restored(self) -> None:
        """What happened while no hints came is found by a scan."""
        self._no_events = None
        self._rounds.begin_anew()
        self.poke()

    def job_ended(self) -> None:
        """Audio may have to be moved or deleted."""
        if self.row.rules.afterwards is not Afterwards.KEEP:
            self._tend_due = float("-inf")
            self.poke()

    def poke(self) -> None:
        self._wake.set()

    # -- the rounds ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        try:
            while True:
                self._wake = anyio.Event()
                async with self._turn:
                    await self._step_in_spite_of_trouble()
                with anyio.move_on_at(self._next_time()):
                    await self._wake.wait()
        finally:
            self._around.watched(self, False)
            self._disk.end()

    async def _step_in_spite_of_trouble(self) -> None:
        try:
            await self._step()
        except UnresponsiveError as error:
            await self._set_state(FolderState.UNRESPONSIVE, str(error))
            self._begin_anew_after(TROUBLE_PAUSE)
        except DatabaseCorruptError:
            raise
        except (QueueFullError, DiskFullError, DatabaseError) as error:
            self.last_error = error.message
            _log.warning("%s: %s", self._shown, error.message)
            self._not_before = anyio.current_time() + TROUBLE_PAUSE
        except OSError as error:
            self.last_error = error.strerror or str(error)
            self._begin_anew_after(ABSENT_EVERY)

    def _begin_anew_after(self, seconds: float) -> None:
        self._root = None
        self._rounds.begin_anew()
        self._not_before = anyio.current_time() + seconds

    async def _step(self) -> None:
        if not self.row.rules.enabled:
            await self._set_state(FolderState.DISABLED, "it is switched off")
            return
        now = anyio.current_time()
        if now >= self._rounds.next and not await self._find_root():
            self._rounds.put_off(now + ABSENT_EVERY)
            return
        if self._root is None:
            return
        if now >= self._rounds.files_due:
            self.last_error = None
            await self._scan(Walk(self._place, self._facts))
            self._round_done(all_files=True)
        elif now >= self._rounds.folders_due:
            await self._scan(Walk(self._place, self._facts, list(self._facts), only_changed=True))
            self._round_done(all_files=False)
        await self._follow_hints()
        await self._settle()
        if self.row.rules.afterwards is not Afterwards.KEEP and now >= self._tend_due:
            await self._tend()

    def _round_done(self, *, all_files: bool) -> None:
        if all_files:
            self.last_scan_at = time.time()
        self._rounds.done(anyio.current_time(), all_files=all_files, events=self.state is FolderState.WATCHING)

    def _next_time(self) -> float:
        if self.state is FolderState.DISABLED:
            return float("inf")
        times = [settling.due if settling else self._not_before for settling in self.settling.values()]
        times.append(self._rounds.next)
        if self.row.rules.afterwards is not Afterwards.KEEP:
            times.append(self._tend_due)
        return max(min(times), self._not_before)

    @property
    def _place(self) -> Place:
        rules = self.row.rules
        trees = [os.fsencode(tree).rstrip(b"/") for tree in (rules.move_to, rules.options.output_dir) if tree]
        excluded = (self._around.others() | frozenset(trees)) - {self.row.path}
        return Place(self.row.path, self._names, rules.recursive, excluded)

    @property
    def _shown(self) -> str:
        return printable(os.fsdecode(self.row.path))

    async def _find_root(self) -> bool:
        """Whether the folder is there and can be watched; its state follows."""
        found = await self._disk.call(lambda: root.find(self.row.path))
        if isinstance(found, root.Root):
            known = await self._database.read(lambda c: watch.counts(c, self.row.id)) if found.empty else {}
            if root.is_unmounted(found, self.row.device, sum(known.values())):
                found = root.Obstacle(FolderState.UNMOUNTED, f"nothing is mounted at {self._shown}")
        if isinstance(found, root.Obstacle):
            self._root = None
            self._facts.clear()
            self.settling.clear()
            self._around.watched(self, False)
            await self._set_state(found.state, found.reason)
            return False
        before, self._root = self._root, found
        if before is None or (before.device, before.inode) != (found.device, found.inode):
            self._facts.clear()
            self._rounds.begin_anew()
            self._around.watched(self, False)
        if self.row.device != found.device:
            await self._database.write(lambda c: watch.set_device(c, self.row.id, found.device))
            self.row = msgspec.structs.replace(self.row, device=found.device)
        await self._choose_notice(found)
        return True

    async def _choose_notice(self, found: root.Root) -> None:
        notice = self.row.rules.notice
        polled = notice is Notice.POLLING or (notice is Notice.AUTO and found.remote)
        self._around.watched(self, not polled)
        if polled:
            why = "as its rules say" if notice is Notice.POLLING else f"{found.file_system} tells nothing of changes"
            await self._set_state(FolderState.POLLING, why)
        elif self._no_events:
            await self._set_state(FolderState.POLLING, self._no_events)
        else:
            await self._set_state(FolderState.WATCHING, None)

    async def _set_state(self, state: FolderState, reason: str | None) -> None:
        previous, self.state, self.reason = self.state, state, reason
        if state is previous:
            return
        _log.info("%s: %s%s", self._shown, state.value, f" ({reason})" if reason else "")
        path, path_b64 = to_wire(self.row.path)
        data = {"folder": self.row.id, "path": path, "state": state, "previous": previous, "reason": reason}
        data["path_b64"] = path_b64
        told = {key: value for key, value in data.items() if value is not None}
        await self._around.ledger.record(names.TOPIC_WATCH_STATE, told)

    # -- finding ------------------------------------------------------------------------------------------------------

    async def _scan(self, walk: Walk, *, again: bool = False) -> None:
        while not walk.done:
            for listing in await self._disk.call(walk.batch):
                await self._reconcile(listing, again=again)
        for parent in walk.vanished:
            self._facts.pop(parent, None)

    async def _reconcile(self, listing: Listing, *, again: bool) -> None:
        if listing.trouble:
            self.last_error = listing.trouble
            return
        found = await self._taker.concerned(listing.parent, listing.entries, again=again)
        await self._notice([(listing.parent, entry) for entry in found], again=again)
        if listing.facts:
            self._facts[listing.parent] = listing.facts

    async def _notice(self, found: Sequence[tuple[bytes, Entry]], *, again: bool) -> None:
        await self._taker.refuse([(parent, entry) for parent, entry in found if entry.refusal])
        for parent, entry in found:
            if not entry.refusal:
                key = (parent, entry.name)
                self.settling.setdefault(key, None)
                self._rounds.found()
                if again:
                    self._again.add(key)

    async def _follow_hints(self) -> None:
        if not self._hints:
            return
        hints, self._hints = self._hints, set()
        if len(hints) > MANY_HINTS:
            await self._scan(Walk(self._place, {}, sorted({parent for parent, _ in hints})))
            return
        if not self.row.rules.recursive:
            hints = {key for key in hints if not key[0]}
        entries, folders = await self._disk.call(lambda: scanner.look(self._place, sorted(hints)))

        def look(connection: sqlite3.Connection) -> list[tuple[bytes, Entry]]:
            concerned: list[tuple[bytes, Entry]] = []
            for parent, entry in entries:
                row = watch.file(connection, self.row.id, parent, entry.name)
                if concerns((row.version, row.state) if row else None, entry.version):
                    concerned.append((parent, entry))
            return concerned

        await self._notice(await self._database.read(look), again=False)
        if folders and self.row.rules.recursive:
            await self._scan(Walk(self._place, self._facts, folders))

    # -- finished? ----------------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        now = time.monotonic()
        due = [key for key, settling in self.settling.items() if settling is None or settling.due <= now]
        if due:
            await self._around.admit()
        for part in parts(due):
            await self._take(part)

    async def _take(self, keys: Sequence[Key]) -> None:
        """Look at files again, and do what is to be done about those that are finished."""
        assert self._root is not None
        finished: list[Inspected] = []
        for one in await self._taker.inspect(keys, self.settling, remote=self._root.remote):
            match one.after:
                case None:
                    self._forget(one.key)
                case Settling():
                    self.settling[one.key] = one.after
                case Finished():
                    finished.append(one)
        if finished:
            rows = await self._taker.take(finished, self._again)
            if rows:
                self.last_found = (time.time(), rows[-1].audio)
            for one in finished:
                self._forget(one.key)

    def _forget(self, key: Key) -> None:
        self.settling.pop(key, None)
        self._again.discard(key)

    # -- audio afterwards ---------------------------------------------------------------------------------------------

    async def _tend(self) -> None:
        rules, now = self.row.rules, time.time()
        self._tend_due = anyio.current_time() + TEND_EVERY
        before = now - rules.delete_after * 86_400 if rules.afterwards is Afterwards.DELETE else now
        while files := await self._database.read(lambda c: watch.to_tend(c, self.row.id, before, CHUNK)):
            for file in files:
                path = self._taker.path((file.parent, file.name))
                result = await self._disk.call(
                    lambda path=path, file=file: tending.tend(path, file.parent, file.version, rules), deadline=600.0
                )
                await self._database.write(lambda c, file=file, result=result: watch.set_tended(c, [(file.id, result)]))

    # -- asked by people ----------------------------------------------------------------------------------------------

    async def rescan(self, *, again: bool) -> int:
        """Look at every file now; how many are to be looked into. `again`: also what ended without a transcript."""
        async with self._turn:
            if not self.row.rules.enabled or not await self._find_root():
                return 0
            await self._scan(Walk(self._place, {}), again=again)
            self._round_done(all_files=True)
            found = len(self.settling)
        self.poke()
        return found

    async def plan(self, *, again: bool) -> list[Planned]:
        """What `rescan` would do about each file that is not settled; nothing is changed."""
        async with self._turn:
            if not self.row.rules.enabled or not await self._find_root():
                return []
            assert self._root is not None
            planner = Planner(self.row, self._taker, self._database, self.settling)
            planned: list[Planned] = []
            walk = Walk(self._place, {})
            while not walk.done:
                for listing in await self._disk.call(walk.batch):
                    planned += await planner.plan(listing, again=again, remote=self._root.remote)
            return planned

    async def present(self) -> list[NewFile]:
        """Every file with a wanted name that is there now, for a folder that is not watched yet."""
        try:
            return await present(self._place, self._disk)
        finally:
            self._disk.end()
