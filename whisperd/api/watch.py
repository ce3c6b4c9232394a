"""Use cases of `watch.*`: list, add, set, remove, rescan.

Owns: what each means and answers. Leaves to others: watching (`whisperd.watch`), rows (`whisperd.store.watch`).
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from whisperd.api import cursors
from whisperd.api.handler import Handler
from whisperd.config.current import Current
from whisperd.errors import NotFoundError, RefusedError
from whisperd.jobs.folder import FileState, FolderRules
from whisperd.jobs.job import Kind
from whisperd.models.engine import require_model, resolve_options
from whisperd.store import watch as store
from whisperd.store.connection import Database
from whisperd.store.watch import FileRow
from whisperd.watch.disk import UnresponsiveError
from whisperd.watch.folder import FolderWatch
from whisperd.watch.names import joined
from whisperd.watch.planning import Planned, tally
from whisperd.watch.service import WatchService
from whisperd.wire import names
from whisperd.wire import watch as wire
from whisperd.wire.params import check_options
from whisperd.wire.paths import from_wire, to_wire
from whisperd.wire.times import iso8601

MOST_PLANNED = names.MAX_PAGE
"""Files that a dry run names; it counts all."""


class WatchApi:
    def __init__(self, database: Database, service: WatchService, current: Current, state_dir: Path) -> None:
        self._database = database
        self._service = service
        self._current = current
        self._state_dir = state_dir

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.WATCH_LIST: self.list,
            names.WATCH_ADD: self.add,
            names.WATCH_SET: self.set,
            names.WATCH_REMOVE: self.remove,
            names.WATCH_RESCAN: self.rescan,
        }

    async def add(self, params: wire.WatchAddParams) -> wire.WatchFolderResult:
        """Raises InvalidParamsError, ModelNotFoundError, RefusedError."""
        path = from_wire(params.path, params.path_b64)
        rules = await self._checked(params.rules)
        try:
            folder = await self._service.add(path, rules, new_only=params.new_only)
        except (OSError, UnresponsiveError) as error:
            raise RefusedError(f"the folder can't be looked at, and nothing was added: {error}") from error
        return wire.WatchFolderResult(await self._view(folder))

    async def set(self, params: wire.WatchSetParams) -> wire.WatchFolderResult:
        """Raises NotFoundError, InvalidParamsError, ModelNotFoundError, RefusedError."""
        rules = await self._checked(params.rules)
        return wire.WatchFolderResult(await self._view(await self._service.set(params.id, rules)))

    async def remove(self, params: wire.WatchFolderParams) -> wire.WatchRemoveResult:
        """Raises NotFoundError, RefusedError."""
        await self._service.remove(params.id)
        return wire.WatchRemoveResult()

    async def rescan(self, params: wire.WatchRescanParams) -> wire.WatchRescanResult:
        """Raises NotFoundError, and RefusedError when a folder's file system does not answer."""
        folders = self._chosen(params.id)
        found, planned = 0, list[wire.PlannedFile]()
        decisions = Counter[str]()
        for folder in folders:
            try:
                if not params.dry_run:
                    found += await folder.rescan(again=params.again)
                    continue
                plan = await folder.plan(again=params.again)
            except (OSError, UnresponsiveError) as error:
                raise RefusedError(f"{os.fsdecode(folder.row.path)!r} can't be looked at: {error}") from error
            found += len(plan)
            decisions += tally(plan)
            planned += [_planned(folder.row.id, one) for one in plan[: MOST_PLANNED - len(planned)]]
        return wire.WatchRescanResult([await self._view(folder) for folder in folders], found, dict(decisions), planned)

    async def _checked(self, rules: FolderRules) -> FolderRules:
        """The rules with options that its jobs can have."""
        settings = self._current.settings
        options = check_options(rules.options, "params.rules.options")
        await require_model(Kind.WATCH, resolve_options(Kind.WATCH, options, settings), settings, self._state_dir)
        return msgspec.structs.replace(rules, options=options)

    def _chosen(self, folder_id: int | None) -> Sequence[FolderWatch]:
        if folder_id is None:
            return self._service.folders
        folder = self._service.folder(folder_id)
        if folder is None:
            raise NotFoundError(f"there is no watched folder {folder_id}", hint="`whisperctl watch list` shows them")
        return [folder]

    async def _view(self, folder: FolderWatch) -> wire.FolderView:
        row = folder.row
        counted = await self._database.read(lambda c: store.counts(c, row.id))
        path, path_b64 = to_wire(row.path)
        found = folder.last_found
        return wire.FolderView(
            id=row.id,
            path=path,
            path_b64=path_b64,
            origin=row.origin,
            state=folder.state,
            reason=folder.reason,
            rules=row.rules,
            counts=wire.FolderCounts(
                found=sum(counted.values()),
                settling=len(folder.settling),
                **{state.value: count for state, count in counted.items()},
            ),
            last_found=to_wire(found[1])[0] if found else None,
            last_found_at=iso8601(found[0]) if found else None,
            last_scan_at=iso8601(folder.last_scan_at) if folder.last_scan_at else None,
            last_error=folder.last_error,
        )

    # The method named `list` comes last: after it the name no longer means the type.
    async def list(self, params: wire.WatchListParams) -> wire.WatchListResult:
        """Raises NotFoundError, InvalidParamsError."""
        folders = self._chosen(params.id)
        views = [await self._view(folder) for folder in folders]
        if params.id is None:
            return wire.WatchListResult(views)
        after = cursors.number(params.cursor) or 0
        rows = await self._database.read(
            lambda c: store.page(c, folders[0].row.id, params.states, limit=params.limit + 1, after=after)
        )
        files = [_known(row) for row in rows[: params.limit]]
        if not after and not params.states:
            files = [*_settling(folders[0])[: params.limit], *files]
        more = len(rows) > params.limit
        return wire.WatchListResult(views, files, str(rows[params.limit - 1].id) if more else None)


def _known(row: FileRow) -> wire.WatchedFile:
    path, path_b64 = to_wire(joined(row.parent, row.name))
    job = None if row.state is FileState.LEFT else row.job
    return wire.WatchedFile(path, row.state, path_b64, row.reason, job, iso8601(row.changed_at))


def _settling(folder: FolderWatch) -> Sequence[wire.WatchedFile]:
    return [
        wire.WatchedFile(*_shown(joined(*key)), reason=settling.reason if settling else "it has only just been seen")
        for key, settling in folder.settling.items()
    ]


def _shown(path: bytes) -> tuple[str, str, str | None]:
    shown, path_b64 = to_wire(path)
    return shown, "settling", path_b64


def _planned(folder_id: int, one: Planned) -> wire.PlannedFile:
    path, path_b64 = to_wire(joined(one.parent, one.name))
    return wire.PlannedFile(folder_id, path, one.decision, path_b64, one.reason)
