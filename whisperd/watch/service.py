"""All watched folders: those of the configuration and those that commands added.

Owns: which folders are watched, one task each, and the changes that people make to them. Leaves to others: a folder's
own work (`folder`), its rows (`whisperd.store.watch`), the kernel's events (`watcher`).
"""

import contextlib
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio
import msgspec
from anyio.abc import TaskGroup, TaskStatus

from whisperd.clock import SteadyClock
from whisperd.config.current import Current
from whisperd.errors import DatabaseCorruptError, DatabaseError, DiskFullError, InvalidParamsError, RefusedError
from whisperd.events import EventBus, EventsLostError
from whisperd.job_commands import JobCommands
from whisperd.jobs.folder import FolderRules
from whisperd.jobs.job import Format, Kind, Options
from whisperd.ledger import Ledger
from whisperd.models.engine import resolve_options
from whisperd.printable import printable
from whisperd.room import check_disk
from whisperd.store import watch
from whisperd.store.watch import FolderRow, Origin
from whisperd.watch.disk import UnresponsiveError
from whisperd.watch.folder import FolderWatch
from whisperd.watch.surroundings import Surroundings
from whisperd.watch.territory import Claims
from whisperd.watch.watcher import Watcher
from whisperd.wire import names

_log = logging.getLogger(__name__)

DEFAULT_FORMATS = (Format.TXT,)
"""What is written for a watched folder where neither its rules nor the configuration say anything."""


CONFIGURE_PAUSE: Final = 2.0
"""Seconds until a configuration that could not be stored is tried again."""

LOCATE_DEADLINE: Final = 1.0
"""Seconds for finding out where new folders lead, links resolved; a dead mount holds up the others no longer."""


class WatchService:
    """Runs the folders; `run` comes before everything else."""

    def __init__(
        self,
        ledger: Ledger,
        commands: JobCommands,
        bus: EventBus,
        current: Current,
        state_dir: Path,
        clock: SteadyClock,
    ) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._bus = bus
        self._current = current
        self._state_dir = state_dir
        self._news = anyio.Event()
        self._folders: dict[int, FolderWatch] = {}
        self._scopes: dict[int, anyio.CancelScope] = {}
        self._watcher = Watcher()
        self._group: TaskGroup | None = None
        self._turn = anyio.Lock()
        self._around = Surroundings(
            ledger=ledger,
            commands=commands,
            admit=lambda: check_disk(state_dir, current.settings.queue.disk_floor),
            options=self._options,
            others=self._others,
            claimed=self._rescan_all_but,
            watcher=self._watcher,
            clock=clock,
        )

    @property
    def folders(self) -> Sequence[FolderWatch]:
        return list(self._folders.values())

    def folder(self, folder_id: int) -> FolderWatch | None:
        return self._folders.get(folder_id)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Watch until cancelled."""
        async with anyio.create_task_group() as group:
            self._group = group
            group.start_soon(self._watcher.run)
            group.start_soon(self._follow_jobs)
            await self._configure()
            task_status.started()
            while True:
                await self._news.wait()
                self._news = anyio.Event()
                await self._configure_in_spite_of_trouble()

    def poke(self) -> None:
        """The configuration may have changed."""
        self._news.set()

    async def _configure_in_spite_of_trouble(self) -> None:
        try:
            await self._configure()
        except DatabaseCorruptError:
            raise
        except (DatabaseError, DiskFullError) as error:
            _log.error("the drop folders of the configuration can't be stored yet: %s", error.message)
            await anyio.sleep(CONFIGURE_PAUSE)
            self.poke()

    async def _configure(self) -> None:
        """Watch what the configuration and the database say now; what has not changed goes on undisturbed."""
        wanted = [(normal(os.fsencode(folder.path)), folder.rules()) for folder in self._current.settings.watch]
        now = time.time()
        async with self._turn:
            await self._database.write(lambda c: watch.configure(c, wanted, now))
            rows = {row.id: row for row in await self._database.read(watch.folders)}
            for folder_id, folder in list(self._folders.items()):
                row = rows.get(folder_id)
                if row is None or row.rules != folder.row.rules or self._options(row) != folder.options:
                    self._stop(folder_id)
            new = [FolderWatch(row, self._around) for row in rows.values() if row.id not in self._folders]
            await self._start(new)
            if new:
                self._rescan_all_but(None)

    # -- commands -----------------------------------------------------------------------------------------------------

    async def add(self, path: bytes, rules: FolderRules, *, new_only: bool) -> FolderWatch:
        """Watch one more folder; with `new_only`, take nothing that is there by now. It need not exist yet.

        Raises InvalidParamsError, RefusedError for one that is watched already, and OSError or UnresponsiveError when
        `new_only` can't look at it.
        """
        _check(rules)
        path = normal(path)
        async with self._turn:
            if any(folder.row.path == path for folder in self._folders.values()):
                shown = printable(os.fsdecode(path))
                raise RefusedError(f"{shown} is watched already", hint="change it with `whisperctl watch set`")
            left = await self._present(path, rules) if new_only else []
            now = time.time()
            with anyio.CancelScope(shield=True):  # who asked may be gone: what is stored is what is watched
                row = await self._database.write(lambda c: watch.add(c, path, Origin.COMMAND, rules, left, now))
                await self._start([FolderWatch(row, self._around)])
                self._rescan_all_but(row.id)
                return self._folders[row.id]
        raise AssertionError("unreachable: nobody cancels that scope")

    async def set(self, folder_id: int, rules: FolderRules) -> FolderWatch:
        """Raises NotFoundError, InvalidParamsError, and RefusedError for a folder of the configuration."""
        _check(rules)
        async with self._turn:
            await self._changeable(folder_id)
            with anyio.CancelScope(shield=True):
                row = await self._database.write(lambda c: watch.set_rules(c, folder_id, rules))
                self._stop(folder_id)
                await self._start([FolderWatch(row, self._around)])
                self._rescan_all_but(folder_id)
                return self._folders[folder_id]
        raise AssertionError("unreachable: nobody cancels that scope")

    async def remove(self, folder_id: int) -> None:
        """Raises NotFoundError, and RefusedError for a folder of the configuration."""
        async with self._turn:
            await self._changeable(folder_id)
            with anyio.CancelScope(shield=True):
                await self._database.write(lambda c: watch.remove(c, folder_id))
                self._stop(folder_id)
                self._rescan_all_but(folder_id)

    async def _changeable(self, folder_id: int) -> None:
        row = await self._database.read(lambda c: watch.folder(c, folder_id))
        if row.origin is Origin.CONFIG:
            shown = printable(os.fsdecode(row.path))
            raise RefusedError(
                f"{shown} is set in the configuration",
                hint="change its [[watch]] table there, then `whisperctl config reload`",
            )

    async def _present(self, path: bytes, rules: FolderRules) -> list[watch.NewFile]:
        looking = FolderWatch(FolderRow(0, path, Origin.COMMAND, rules, None, 0.0), self._around)
        return await looking.present()

    # -- the folders' tasks -------------------------------------------------------------------------------------------

    async def _start(self, folders: Sequence[FolderWatch]) -> None:
        """Know of all of them, and where they are, before any of them looks at a file."""
        assert self._group is not None
        self._folders |= {folder.row.id: folder for folder in folders}
        with anyio.move_on_after(LOCATE_DEADLINE):
            async with anyio.create_task_group() as group:
                for folder in folders:
                    group.start_soon(_locate, folder)
        for folder in folders:
            self._scopes[folder.row.id] = scope = anyio.CancelScope()
            self._group.start_soon(_run_in, scope, folder)

    def _stop(self, folder_id: int) -> None:
        self._folders.pop(folder_id, None)
        if (scope := self._scopes.pop(folder_id, None)) is not None:
            scope.cancel()

    def _others(self, folder_id: int) -> dict[int, Claims]:
        return {other: folder.claims for other, folder in self._folders.items() if other != folder_id}

    def _rescan_all_but(self, folder_id: int | None) -> None:
        """What is inside of which folder has changed."""
        for folder in self._folders.values():
            if folder.row.id != folder_id:
                folder.lost()

    def _options(self, row: FolderRow) -> Options:
        options = resolve_options(Kind.WATCH, row.rules.options, self._current.settings)
        return options if options.formats else msgspec.structs.replace(options, formats=DEFAULT_FORMATS)

    async def _follow_jobs(self) -> None:
        """Tell the folders that jobs have ended: their audio may be due to be moved."""
        while True:
            with self._bus.subscribe(topics=[names.TOPIC_JOB_STATE]) as changes:
                try:
                    async for event in changes:
                        if event.data["state"] == "completed" and event.data["kind"] == Kind.WATCH:
                            self._tell_of_end()
                except EventsLostError:
                    self._tell_of_end()

    def _tell_of_end(self) -> None:
        for folder in self._folders.values():
            folder.job_ended()


async def _locate(folder: FolderWatch) -> None:
    with contextlib.suppress(OSError, UnresponsiveError):  # its own task meets the same, and says so
        await folder.locate()


async def _run_in(scope: anyio.CancelScope, folder: FolderWatch) -> None:
    with scope:
        await folder.run()


def normal(path: bytes) -> bytes:
    """The path without `.`, doubled and trailing slashes; links are kept, as the person named it."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    return b"/" + b"/".join(parts)


def _check(rules: FolderRules) -> None:
    if objection := rules.objection():
        raise InvalidParamsError(f"params.rules: {objection}")
