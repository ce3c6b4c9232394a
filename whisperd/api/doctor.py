"""`doctor`: the whole chain from the state folder to a loaded model, a line for each link.

Owns: the checks that the daemon can make of itself, and what each advises. Leaves to others: checks of the client's
side (`whisperctl.commands.daemon`).
"""

import os
from pathlib import Path

import anyio
import anyio.to_thread

from whisperd.config.current import Current
from whisperd.dictation.service import Dictation
from whisperd.errors import MicrophoneError, WhisperdError
from whisperd.jobs.folder import FolderState
from whisperd.jobs.job import Kind, Options
from whisperd.models.engine import Engine, resolve_engine, resolve_options
from whisperd.models.locate import installed
from whisperd.printable import printable
from whisperd.reload import Reloader
from whisperd.storage import measure
from whisperd.store import recovery
from whisperd.store.connection import Database
from whisperd.watch.service import WatchService
from whisperd.wire.daemon import Check
from whisperd.workers.lane import Lane, LaneLimits, WorkerStartError

CHECK_DEADLINE = 60.0
"""Seconds for one check; loading a model is the longest."""

LOST = frozenset({FolderState.MISSING, FolderState.UNMOUNTED, FolderState.UNREADABLE, FolderState.UNRESPONSIVE})
"""The states of a drop folder that is not watched though it should be."""

LOW_DISK = 1 << 30
"""Bytes: below it a person should know."""


class Doctor:
    """Checks are made on demand, with a worker of their own, so that they disturb nothing that runs."""

    def __init__(
        self,
        database: Database,
        current: Current,
        reloader: Reloader,
        watching: WatchService,
        dictation: Dictation,
        state_dir: Path,
    ) -> None:
        self._database = database
        self._reloader = reloader
        self._watching = watching
        self._dictation = dictation
        self._current = current
        self._state_dir = state_dir

    async def examine(self) -> list[Check]:
        checks = [Check("daemon", "ok", "the daemon answers")]
        for name, check in (
            ("configuration", self._check_configuration),
            ("database", self._check_database),
            ("disk", self._check_disk),
            ("model", self._check_model),
            ("worker", self._check_worker),
            ("watch folders", self._check_watch_folders),
            ("microphone", self._check_microphone),
        ):
            try:
                with anyio.fail_after(CHECK_DEADLINE):
                    checks.append(await check())
            except TimeoutError:
                checks.append(Check(name, "failed", f"the check took longer than {CHECK_DEADLINE:.0f} s"))
            except WhisperdError as error:
                checks.append(Check(name, "failed", error.message, error.hint))
        return checks

    async def _check_configuration(self) -> Check:
        file = self._reloader.file
        if self._reloader.error is not None:
            hint = "correct the file; until then the settings from before are in force"
            return Check("configuration", "failed", self._reloader.error, hint)
        if waiting := self._reloader.waiting:
            message = f"{file} has settings that are not in force: {', '.join(waiting)}"
            return Check("configuration", "warning", message, "restart the daemon: `systemctl --user restart whisperd`")
        there = await anyio.to_thread.run_sync(file.exists, abandon_on_cancel=True)
        message = f"{file} holds, every setting of it" if there else f"{file} is not there; the defaults apply"
        return Check("configuration", "ok", message)

    async def _check_microphone(self) -> Check:
        """Without one everything but dictation works."""
        if (session := self._dictation.recording()) is not None:
            return Check("microphone", "ok", f"dictation {session.number} is listening to it")
        try:
            devices = await self._dictation.devices()
        except MicrophoneError as error:
            return Check("microphone", "warning", error.message, error.hint)
        default = next((device.name for device in devices if device.default), None)
        if default is None:
            hint = "to dictate, plug one in and see that your sound server runs"
            return Check("microphone", "warning", "there is no microphone", hint)
        return Check("microphone", "ok", f"{default} is the default of {len(devices)}")

    async def _check_watch_folders(self) -> Check:
        folders = self._watching.folders
        lost = [folder for folder in folders if folder.state in LOST]
        if lost:
            told = "; ".join(f"{printable(os.fsdecode(f.row.path))}: {f.reason or f.state.value}" for f in lost)
            hint = "mount or make it again, or remove it with `whisperctl watch remove`"
            return Check("watch folders", "failed", f"{len(lost)} of {len(folders)} are not watched: {told}", hint)
        return Check("watch folders", "ok", f"{len(folders)} watched" if folders else "there are none")

    async def _check_database(self) -> Check:
        await recovery.quick_check(self._database)
        return Check("database", "ok", f"{self._database.path} is sound")

    async def _check_disk(self) -> Check:
        usage = await anyio.to_thread.run_sync(lambda: measure(self._state_dir), abandon_on_cancel=True)
        parts = (("database", usage.database), ("backups", usage.backups), ("temporary files", usage.temporary))
        message = f"{usage.free >> 20} MB are free in {self._state_dir}; " + ", ".join(
            f"{name} {size / 1e6:.1f} MB" for name, size in parts
        )
        floor = self._current.settings.queue.disk_floor
        if usage.free < floor:
            return Check("disk", "failed", message, f"new work is refused below {floor >> 20} MB: free some space")
        if usage.free < LOW_DISK:
            return Check("disk", "warning", message, "free some space before whisperd has to refuse work")
        return Check("disk", "ok", message)

    async def _check_model(self) -> Check:
        engine = await self._engine()
        names = await anyio.to_thread.run_sync(lambda: sorted(installed(self._state_dir)), abandon_on_cancel=True)
        message = f"files are transcribed with {engine.model} ({engine.reason}); installed: {', '.join(names)}"
        if engine.model == "test-en":
            hint = "it is for demos and tests; install a real model, or name one in the configuration (models.default)"
            return Check("model", "warning", message, hint)
        return Check("model", "ok", message)

    async def _check_worker(self) -> Check:
        engine = await self._engine()
        lane = Lane("doctor", arguments=(), limits=LaneLimits(), changed=lambda _: None)
        try:
            loaded = await lane.load(engine.model, engine.load)
        except WorkerStartError as error:
            return Check("worker", "failed", error.message, "the daemon's log has the worker's own words")
        finally:
            with anyio.CancelScope(shield=True):
                await lane.end()
        where = f"{loaded.device}, {loaded.compute_type}, {loaded.threads} threads, {loaded.backend}"
        return Check("worker", "ok", f"a worker loaded {engine.model} in {loaded.seconds:.1f} s ({where})")

    async def _engine(self) -> Engine:
        settings = self._current.settings
        options = resolve_options(Kind.FILE, Options(), settings)
        return await resolve_engine(Kind.FILE, options, settings, self._state_dir)
