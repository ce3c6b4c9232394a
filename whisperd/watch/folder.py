"""One watched folder: its rounds and its state.

Owns: when its folders and all its files are looked at, when unfinished files are looked at again, and what is told of
it. Leaves to others: what is found (`finding`), what becomes of audio afterwards (`afterwards`), whose a file is
(`territory`), the rules (`names`, `finished`, `orphans`), rows and jobs (`whisperd.store.watch`, `taking`).
"""

import contextlib
import logging
import os
import time
from collections.abc import Mapping
from typing import Final

import anyio
import msgspec

from whisperd.errors import DatabaseCorruptError, DatabaseError, DiskFullError, NotFoundError, QueueFullError
from whisperd.jobs.folder import Afterwards, FolderState, Notice
from whisperd.printable import printable
from whisperd.store import watch
from whisperd.store.watch import FolderRow, NewFile
from whisperd.watch import root
from whisperd.watch.afterwards import Tender
from whisperd.watch.disk import Disk, UnresponsiveError
from whisperd.watch.finding import Finder, Found
from whisperd.watch.finished import Settling
from whisperd.watch.names import NameRules
from whisperd.watch.planning import Planned, Planner, present
from whisperd.watch.rounds import Rounds
from whisperd.watch.scanner import Key, Walk
from whisperd.watch.surroundings import Surroundings
from whisperd.watch.taking import Taker, parts
from whisperd.watch.territory import Territory, foreign_to
from whisperd.wire import names
from whisperd.wire.paths import to_wire

_log = logging.getLogger(__name__)

ABSENT_EVERY: Final = 2.0
"""Seconds between two looks for a folder that is not there or can't be read."""
TROUBLE_PAUSE: Final = 30.0
"""Seconds until files that could not be queued (a full queue or disk) are tried again."""
TEND_EVERY: Final = 60.0
"""Seconds between two looks for audio that is to be moved or deleted by now."""


class FolderWatch:
    """Watches one folder; `run` is to be cancelled to end it. Its methods are for the event loop's thread."""

    def __init__(self, row: FolderRow, around: Surroundings) -> None:
        self.row = row
        self.state = FolderState.STARTING
        self.reason: str | None = None
        self.last_error: str | None = None
        self.last_found: tuple[float, bytes] | None = None
        self.last_scan_at: float | None = None
        self.claims = root.claims(row.path, row.rules, named=True)
        self.options = around.options(row)
        self._around = around
        self._database = around.ledger.database
        self._names = NameRules(row.rules)
        self._disk = Disk()
        self._taker = Taker(row, self.options, self._disk, self._database, around.commands)
        self._finder = Finder(row.id, self._taker, self._disk, self._database, self, around.watcher)
        self._tender = Tender(row, self._disk, self._database, around.clock)
        self._turn = anyio.Lock()
        self._wake = anyio.Event()
        self._root: root.Root | None = None
        self._rounds = Rounds()
        self._tend_due = self._not_before = float("-inf")

    @property
    def settling(self) -> Mapping[Key, Settling | None]:
        """Files that are not known to be finished."""
        return self._finder.settling

    @property
    def untold(self) -> str | None:
        """Why the kernel does not tell of all changes though it was asked to; None where it does."""
        return self._finder.untold if self.state is FolderState.POLLING and self._finder.listens else None

    # -- told by others -----------------------------------------------------------------------------------------------

    def hint(self, keys: set[Key]) -> None:
        if self._finder.hint(keys):
            if self._finder.overrun:
                self._finder.drop_hints()
                self._rounds.begin_anew()
            self.poke()

    def lost(self) -> None:
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

    async def locate(self) -> None:
        """Find out what the folder claims, links resolved, before anybody scans; its names are enough meanwhile."""
        self.claims = await self._disk.call(lambda: root.claims(self.row.path, self.row.rules))

    async def run(self) -> None:
        try:
            while True:
                self._wake = anyio.Event()
                async with self._turn:
                    await self._step_in_spite_of_trouble()
                with anyio.move_on_at(self._next_time()):
                    await self._wake.wait()
        finally:
            self._finder.end()
            self._disk.end()

    async def _step_in_spite_of_trouble(self) -> None:
        try:
            await self._step()
        except UnresponsiveError as error:
            self._begin_anew_after(TROUBLE_PAUSE)
            with contextlib.suppress(DatabaseError, DiskFullError):  # the state is shown all the same
                await self._set_state(FolderState.UNRESPONSIVE, str(error))
        except DatabaseCorruptError:
            raise
        except NotFoundError:
            self._not_before = float("inf")  # it has been removed, and this task is about to be cancelled
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
            await self._round_done(await self._finder.scan_all(self._territory), now, all_files=True)
        elif now >= self._rounds.folders_due:
            await self._round_done(await self._finder.scan_folders(self._territory), now, all_files=False)
        self._note(await self._finder.follow_hints(self._territory))
        await self._settle(self._root)
        if self.row.rules.afterwards is not Afterwards.KEEP and now >= self._tend_due:
            self._tend_due = anyio.current_time() + TEND_EVERY
            await self._tender.tend(self._territory)

    async def _round_done(self, found: Found, begun: float, *, all_files: bool) -> None:
        self._note(found)
        assert self._root is not None
        await self._tell_notice(self._root)
        if all_files:
            self.last_scan_at = time.time()
        now = anyio.current_time()
        told = self.state is FolderState.WATCHING
        self._rounds.done(now, all_files=all_files, events=told, took=now - begun)

    def _note(self, found: Found) -> None:
        self.last_error = found.trouble or self.last_error
        if found.new:
            self._rounds.found()

    def _next_time(self) -> float:
        if self.state is FolderState.DISABLED:
            return float("inf")
        times = [self._finder.next_due(self._not_before), self._rounds.next]
        if self.row.rules.afterwards is not Afterwards.KEEP:
            times.append(self._tend_due)
        return max(min(times), self._not_before)

    async def _settle(self, found: root.Root) -> None:
        due = self._finder.due(time.monotonic())
        if due:
            await self._around.admit()
        for part in parts(due):
            if rows := await self._finder.take(found, self._territory, part):
                self.last_found = (time.time(), rows[-1].audio)

    # -- the folder itself --------------------------------------------------------------------------------------------

    @property
    def _territory(self) -> Territory:
        assert self._root is not None
        others = self._around.others(self.row.id).values()
        claimed = frozenset[bytes]().union(*(claims.roots | claims.archives for claims in others))
        foreign = foreign_to(self.claims, claimed)
        return Territory(self._root.path, self._names, self.row.rules.recursive, foreign)

    @property
    def _shown(self) -> str:
        return printable(os.fsdecode(self.row.path))

    async def _find_root(self) -> bool:
        """Whether the folder is there and can be watched; its state follows."""
        rules = self.row.rules
        found, claims = await self._disk.call(lambda: (root.find(self.row.path), root.claims(self.row.path, rules)))
        if claims != self.claims:
            self.claims = claims
            self._around.claimed(self.row.id)
        if isinstance(found, root.Root):
            found = await self._objection(found) or found
        if isinstance(found, root.Obstacle):
            self._root = None
            self._finder.forget()
            await self._set_state(found.state, found.reason)
            return False
        before, self._root = self._root, found
        if before is None or (before.device, before.inode) != (found.device, found.inode):
            self._finder.forget()
            self._rounds.begin_anew()
        if self.row.device != found.device:
            await self._database.write(lambda c: watch.set_device(c, self.row.id, found.device))
            self.row = msgspec.structs.replace(self.row, device=found.device)
        notice = rules.notice
        self._finder.listens = notice is Notice.EVENTS or (notice is Notice.AUTO and not found.remote)
        await self._tell_notice(found)
        return True

    async def _objection(self, found: root.Root) -> root.Obstacle | None:
        """What is in the way though the folder is there."""
        for folder_id, claims in self._around.others(self.row.id).items():
            if folder_id < self.row.id and found.path in claims.roots:
                reason = f"{self._shown} leads to the same folder as watched folder {folder_id}"
                return root.Obstacle(FolderState.UNREADABLE, reason)
        known = await self._database.read(lambda c: watch.counts(c, self.row.id)) if found.empty else {}
        if root.is_unmounted(found, self.row.device, sum(known.values())):
            return root.Obstacle(FolderState.UNMOUNTED, f"nothing is mounted at {self._shown}")
        return None

    async def _tell_notice(self, found: root.Root) -> None:
        """How new files are noticed, as the folder's state."""
        if self.row.rules.notice is Notice.POLLING:
            await self._set_state(FolderState.POLLING, "as its rules say")
        elif not self._finder.listens:
            await self._set_state(FolderState.POLLING, f"{found.file_system} tells nothing of changes")
        elif self._finder.untold:
            await self._set_state(FolderState.POLLING, self._finder.untold)
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

    # -- asked by people ----------------------------------------------------------------------------------------------

    async def rescan(self, *, again: bool) -> int:
        """Look at every file now; how many are to be looked into. `again`: also what ended without a transcript."""
        async with self._turn:
            if not self.row.rules.enabled or not await self._find_root():
                return 0
            begun = anyio.current_time()
            found = await self._finder.scan_all(self._territory, anew=True, again=again)
            await self._round_done(found, begun, all_files=True)
            count = len(self.settling)
        self.poke()
        return count

    async def plan(self, *, again: bool) -> list[Planned]:
        """What `rescan` would do about each file that is not settled; nothing is changed."""
        async with self._turn:
            if not self.row.rules.enabled or not await self._find_root():
                return []
            assert self._root is not None
            planner = Planner(self.row, self._root, self._taker, self._database, self.settling)
            planned: list[Planned] = []
            walk = Walk(self._territory, {})
            while not walk.done:
                for listing in await self._disk.call(walk.batch):
                    planned += await planner.plan(listing, again=again)
            return planned

    async def present(self) -> list[NewFile]:
        """Every file with a wanted name that is there now, for a folder that is not watched yet."""
        try:
            found = await self._disk.call(lambda: root.find(self.row.path))
            if isinstance(found, root.Obstacle):
                return []
            self._root = found
            return await present(self._territory, self._disk)
        finally:
            self._disk.end()
