"""One watched folder: from what lies in it to queued jobs.

Owns: the folder's rounds (when its folders and all its files are looked at, which hints are followed, when unfinished
files are looked at again), its state, and what is remembered of it between two rounds. Leaves to others: looking
(`scanner`), the rules (`names`, `finished`, `orphans`), rows and jobs (`whisperd.store.watch`, the scheduler).

Nothing that is only in memory decides whether a file is transcribed: after a kill, a full scan finds the same files
with the same rows.
"""

import logging
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import anyio
import msgspec

from whisperd.errors import DatabaseCorruptError, DatabaseError, DiskFullError, QueueFullError
from whisperd.jobs.folder import Afterwards, FileState, FolderState, Notice
from whisperd.jobs.job import Kind, Options, Priority
from whisperd.jobs.version import Version, signature
from whisperd.ledger import Ledger
from whisperd.printable import printable
from whisperd.scheduler import Scheduler
from whisperd.store import watch
from whisperd.store.jobs import NewJob, Transitioned
from whisperd.store.watch import FileRow, FolderRow, NewFile
from whisperd.transcripts.writer import output_path
from whisperd.watch import root, scanner, tending
from whisperd.watch.disk import Disk, UnresponsiveError
from whisperd.watch.finished import Finished, Settling
from whisperd.watch.names import NameRules, joined
from whisperd.watch.orphans import Decision, concerns, decide
from whisperd.watch.scanner import Candidate, Entry, Facts, Inspected, Key, Listing, Place, Walk
from whisperd.wire import names
from whisperd.wire.paths import to_wire

T = TypeVar("T")

_log = logging.getLogger(__name__)

FOLDERS_EVERY: Final = 30.0
"""Seconds between two looks at the modification times of all folders inside, by which missed events are found."""
FOLDERS_EVERY_QUIET: Final = 300.0
FILES_EVERY: Final = 600.0
"""Seconds between two looks at every file."""
FILES_EVERY_QUIET: Final = 3_600.0
"""The same while nothing is ever found, for folders whose events come; each round without a find doubles the pause."""
POLL_EVERY: Final = 10.0
"""Seconds between two looks at the folders inside, where no events tell."""
ABSENT_EVERY: Final = 5.0
"""Seconds between two looks for a folder that is not there or can't be read."""
TROUBLE_PAUSE: Final = 30.0
"""Seconds until files that could not be queued (a full queue or disk) are tried again."""
TEND_EVERY: Final = 60.0
"""Seconds between two looks for audio that is to be moved or deleted by now."""
CHUNK: Final = 200
"""Files that are looked at, and queued in one transaction, together."""
MANY_HINTS: Final = 500
"""Hints after which listing whole folders costs less than looking at single files."""


class Planned(msgspec.Struct, frozen=True):
    """What a scan would do about a file, and why."""

    parent: bytes
    name: bytes
    decision: str
    reason: str | None = None


class Surroundings(msgspec.Struct, frozen=True):
    """What a folder needs of the rest of the daemon.

    `admit` raises DiskFullError while nothing may be queued; `options` are those of a folder's jobs, with nothing left
    open; `others` the paths of all watched folders; `watched` (de)registers a folder with the kernel's watcher.
    """

    ledger: Ledger
    scheduler: Scheduler
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
        self._turn = anyio.Lock()
        self._wake = anyio.Event()
        self._root: root.Root | None = None
        self._facts: dict[bytes, Facts] = {}
        self._hints: set[Key] = set()
        self._again: set[Key] = set()
        self._no_events: str | None = None
        self._quiet = 0
        self._folders_due = self._files_due = self._tend_due = self._not_before = -1.0

    # -- told by others -----------------------------------------------------------------------------------------------

    def hint(self, keys: set[Key]) -> None:
        wanted = {key for key in keys if key not in self.settling and b"/." not in b"/" + joined(*key)}
        if wanted:
            self._hints |= wanted
            self.poke()

    def lost(self, trouble: str | None) -> None:
        self._files_due = -1.0
        self._no_events = trouble
        self.poke()

    def restored(self) -> None:
        """What happened while no hints came is found by a scan."""
        self._no_events = None
        self._files_due = -1.0
        self.poke()

    def job_ended(self) -> None:
        """Audio may have to be moved or deleted."""
        if self.row.rules.afterwards is not Afterwards.KEEP:
            self._tend_due = -1.0
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
            self._not_before = anyio.current_time() + TROUBLE_PAUSE
        except DatabaseCorruptError:
            raise
        except (QueueFullError, DiskFullError, DatabaseError) as error:
            self.last_error = error.message
            _log.warning("%s: %s", self._shown, error.message)
            self._not_before = anyio.current_time() + TROUBLE_PAUSE
        except OSError as error:
            self.last_error = error.strerror or str(error)
            self._root = None
            self._not_before = anyio.current_time() + ABSENT_EVERY

    async def _step(self) -> None:
        if not self.row.rules.enabled:
            await self._set_state(FolderState.DISABLED, "it is switched off")
            return
        now = anyio.current_time()
        if now >= min(self._folders_due, self._files_due) and not await self._find_root():
            self._folders_due = self._files_due = now + ABSENT_EVERY
            return
        if self._root is None:
            return
        if now >= self._files_due:
            await self._scan(Walk(self._place, self._facts))
            self._plan_rounds(all_files=True)
        elif now >= self._folders_due:
            await self._scan(Walk(self._place, self._facts, list(self._facts), only_changed=True))
            self._plan_rounds(all_files=False)
        await self._follow_hints()
        await self._settle()
        if self.row.rules.afterwards is not Afterwards.KEEP and now >= self._tend_due:
            await self._tend()

    def _plan_rounds(self, *, all_files: bool) -> None:
        now, events = anyio.current_time(), self.state is FolderState.WATCHING
        self._quiet += 1
        if all_files:
            self.last_scan_at = time.time()
            self._files_due = now + pause(FILES_EVERY, FILES_EVERY_QUIET if events else FILES_EVERY, self._quiet)
        base, longest = (FOLDERS_EVERY, FOLDERS_EVERY_QUIET) if events else (POLL_EVERY, FOLDERS_EVERY)
        self._folders_due = now + pause(base, longest, self._quiet)

    def _next_time(self) -> float:
        if self.state is FolderState.DISABLED:
            return float("inf")
        times = [self._folders_due, self._files_due]
        times += [settling.due if settling else -1.0 for settling in self.settling.values()]
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
            self._files_due = -1.0
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
        found = await self._concerned(listing, again=again)
        await self._notice([(listing.parent, entry) for entry in found], again=again)
        if listing.facts:
            self._facts[listing.parent] = listing.facts

    async def _concerned(self, listing: Listing, *, again: bool) -> list[Entry]:
        def look(connection: sqlite3.Connection) -> list[Entry]:
            known = watch.states(connection, self.row.id, listing.parent)
            return [entry for entry in listing.entries if concerns(known.get(entry.name), entry.version, again=again)]

        return await self._database.read(look)

    async def _notice(self, found: Sequence[tuple[bytes, Entry]], *, again: bool) -> None:
        refused = [(parent, entry) for parent, entry in found if entry.refusal]
        for part in _parts(refused):
            await self._database.write(lambda c, part=part: self._note_refused(c, part))
        for parent, entry in found:
            if not entry.refusal:
                key = (parent, entry.name)
                self.settling.setdefault(key, None)
                self._quiet = 0
                if again:
                    self._again.add(key)

    def _note_refused(self, connection: sqlite3.Connection, refused: Iterable[tuple[bytes, Entry]]) -> None:
        now = time.time()
        for parent, entry in refused:
            new = NewFile(parent, entry.name, entry.version)
            watch.note(connection, self.row.id, new, FileState.SKIPPED, entry.refusal, now)

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
        for part in _parts(due):
            await self._take(part)

    async def _take(self, keys: Sequence[Key]) -> None:
        """Look at files again, and do what is to be done about those that are finished."""
        finished: list[Inspected] = []
        for one in await self._inspect(keys):
            match one.after:
                case None:
                    self._forget(one.key)
                case Settling():
                    self.settling[one.key] = one.after
                case Finished():
                    finished.append(one)
        if finished:
            moved = await self._moved(finished)
            rows = await self._around.scheduler.admit(len(finished), lambda c: self._commit(c, finished, moved))
            if rows:
                self.last_found = (time.time(), rows[-1].audio)
            for one in finished:
                self._forget(one.key)

    def _forget(self, key: Key) -> None:
        self.settling.pop(key, None)
        self._again.discard(key)

    async def _inspect(self, keys: Sequence[Key]) -> list[Inspected]:
        assert self._root is not None
        remote = self._root.remote
        candidates = [Candidate(key, self.settling.get(key), self._outputs(key)) for key in keys]
        settle = self.row.rules.settle
        return await self._disk.call(lambda: scanner.inspect(self.row.path, candidates, settle, remote=remote))

    async def _moved(self, finished: Sequence[Inspected]) -> dict[Key, FileRow]:
        """Those that are known under another path where they no longer are."""

        def look(connection: sqlite3.Connection) -> list[tuple[Key, FileRow]]:
            twins = [(one.key, watch.elsewhere(connection, self.row.id, _new_file(one))) for one in finished]
            return [(key, twin) for key, twin in twins if twin]

        twins = await self._database.read(look)
        if not twins:
            return {}
        paths = [(self._path((twin.parent, twin.name)), twin.version) for _, twin in twins]
        there = await self._disk.call(lambda: scanner.still_there(paths))
        return {key: twin for (key, twin), still in zip(twins, there, strict=True) if not still}

    def _commit(
        self, connection: sqlite3.Connection, finished: Sequence[Inspected], moved: dict[Key, FileRow]
    ) -> list[Transitioned]:
        """In one transaction: what is decided about each file, its row and its job."""
        now = time.time()
        queued: list[Transitioned] = []
        for one in finished:
            new = _new_file(one)
            known = watch.file(connection, self.row.id, *one.key)
            before = (known.version, known.state) if known else None
            again, twin = one.key in self._again, moved.get(one.key)
            if one.refusal:
                if concerns(before, new.version, again=again):
                    watch.note(connection, self.row.id, new, FileState.SKIPPED, one.refusal, now)
                continue
            decision = decide(before, new.version, again=again, moved=twin is not None, transcribed=one.transcribed)
            if decision is Decision.FOLLOW:
                assert twin is not None
                watch.follow(connection, self.row.id, twin, new, self._path(one.key))
                decision = Decision.QUEUE if twin.state is FileState.GONE else Decision.KEEP
            if decision is Decision.QUEUE:
                queued.append(watch.queue(connection, self.row.id, new, self._job(new), now))
            elif decision is Decision.DONE:
                reason = "its transcript was there already"
                watch.note(connection, self.row.id, new, FileState.DONE, reason, now)
        return queued

    def _job(self, new: NewFile) -> NewJob:
        options = self._options_in(new.parent)
        return NewJob(
            path=self._path((new.parent, new.name)),
            kind=Kind.WATCH,
            priority=Priority.LOW,
            options=options,
            signature=signature(new.version, options),
        )

    def _options_in(self, parent: bytes) -> Options:
        """A job's options name the folder in the mirrored tree; a name that is not UTF-8 is written with escapes."""
        tree = self.options.output_dir
        if tree is None or not parent:
            return self.options
        return msgspec.structs.replace(self.options, output_dir=f"{tree}/{_utf8(parent)}")

    def _outputs(self, key: Key) -> tuple[bytes, ...]:
        audio, options = Path(os.fsdecode(self._path(key))), self._options_in(key[0])
        folder = Path(options.output_dir) if options.output_dir else None
        return tuple(os.fsencode(output_path(audio, form, folder)) for form in options.formats)

    def _path(self, key: Key) -> bytes:
        return os.path.join(self.row.path, *key)  # noqa: PTH118 - bytes

    # -- audio afterwards ---------------------------------------------------------------------------------------------

    async def _tend(self) -> None:
        rules, now = self.row.rules, time.time()
        self._tend_due = anyio.current_time() + TEND_EVERY
        before = now - rules.delete_after * 86_400 if rules.afterwards is Afterwards.DELETE else now
        while files := await self._database.read(lambda c: watch.to_tend(c, self.row.id, before, CHUNK)):
            for file in files:
                result = await self._disk.call(lambda file=file: self._tend_one(file), deadline=600.0)
                await self._database.write(lambda c, file=file, result=result: watch.set_tended(c, [(file.id, result)]))

    def _tend_one(self, file: FileRow) -> str | None:
        """What was done with the audio, or why it could not be."""
        path = self._path((file.parent, file.name))
        try:
            if self.row.rules.afterwards is Afterwards.DELETE:
                return tending.delete(path, file.version)
            tree = self.row.rules.move_to
            assert tree is not None
            return tending.move(path, file.version, Path(tree) / os.fsdecode(file.parent))
        except OSError as error:
            return f"its audio could not be {self.row.rules.afterwards.value}d: {error.strerror}"

    # -- asked by people ----------------------------------------------------------------------------------------------

    async def rescan(self, *, again: bool) -> int:
        """Look at every file now; how many are to be looked into. `again`: also what ended without a transcript."""
        async with self._turn:
            if not await self._find_root():
                return 0
            await self._scan(Walk(self._place, {}), again=again)
            self._plan_rounds(all_files=True)
            found = len(self.settling)
        self.poke()
        return found

    async def plan(self, *, again: bool) -> list[Planned]:
        """What `rescan` would do about each file that is not settled; nothing is changed."""
        async with self._turn:
            if not await self._find_root():
                return []
            planned: list[Planned] = []
            walk = Walk(self._place, {})
            while not walk.done:
                for listing in await self._disk.call(walk.batch):
                    planned += await self._plan(listing, again=again)
            return planned

    async def _plan(self, listing: Listing, *, again: bool) -> list[Planned]:
        found = await self._concerned(listing, again=again)
        parent = listing.parent
        planned = [Planned(parent, entry.name, "skip", entry.refusal) for entry in found if entry.refusal]
        keys = [(parent, entry.name) for entry in found if not entry.refusal]
        for part in _parts(keys):
            inspected = await self._inspect(part)
            moved = await self._moved([one for one in inspected if isinstance(one.after, Finished)])
            known = await self._database.read(lambda c: watch.states(c, self.row.id, parent))
            for one in inspected:
                planned += _planned(one, known.get(one.key[1]), again=again, moved=one.key in moved)
        return planned

    async def present(self) -> list[NewFile]:
        """Every file with a wanted name that is there now."""
        place = self._place
        if isinstance(await self._disk.call(lambda: root.find(self.row.path)), root.Obstacle):
            return []
        walk, found = Walk(place, {}), list[NewFile]()
        while not walk.done:
            for listing in await self._disk.call(walk.batch):
                found += [NewFile(listing.parent, entry.name, entry.version) for entry in listing.entries]
        return found


def pause(base: float, longest: float, quiet: int) -> float:
    """Seconds to the next round: doubled for each round in which nothing was found, up to `longest`."""
    return min(base * 2.0 ** min(max(0, quiet - 1), 16), max(base, longest))


def tally(planned: Iterable[Planned]) -> dict[str, int]:
    return dict(Counter(one.decision for one in planned))


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


def _new_file(one: Inspected) -> NewFile:
    assert one.after is not None
    return NewFile(*one.key, one.after.version)


def _parts(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[at : at + CHUNK] for at in range(0, len(items), CHUNK)]


def _utf8(path: bytes) -> str:
    """The path as a job's options can hold it."""
    return path.decode("utf-8", "backslashreplace")
