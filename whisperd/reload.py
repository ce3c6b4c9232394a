"""Reading the configuration again: when its file changes, on SIGHUP, and by command.

Owns: what became of the last reading, which changes still wait for a restart of the daemon, and noticing that the file
changes. Leaves to others: what the file means (`whisperd.config`), and following new settings (whoever asked
`Current`). A file with a mistake changes nothing: the old settings stay in force, and `status` shows the mistake.
"""

import logging
import os
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from whisperd.config.current import Current
from whisperd.config.effects import Change, Effect, diff
from whisperd.config.flags import read
from whisperd.config.paths import config_file
from whisperd.config.settings import Settings
from whisperd.errors import ConfigError, DatabaseCorruptError, DatabaseError, DiskFullError
from whisperd.ledger import Ledger
from whisperd.watch.scanner import Key, opened
from whisperd.watch.watcher import Watcher
from whisperd.wire import names

_log = logging.getLogger(__name__)

READ_DEADLINE: Final = 10.0
"""Seconds to read the file; its folder may lie on a network."""


class Reloader:
    """`error`: what was wrong with the file when it was read last; None once it is right again."""

    def __init__(self, current: Current, ledger: Ledger) -> None:
        self.error: str | None = None
        self.file = current.flags.config or config_file()
        self._current = current
        self._ledger = ledger
        self._started_with = current.settings
        self._turn = anyio.Lock()
        self._touched = anyio.Event()
        self._watcher = Watcher()

    @property
    def waiting(self) -> list[str]:
        """The settings that have changed and hold only after a restart of the daemon."""
        changes = diff(self._started_with, self._current.settings)
        return [change.key for change in changes if change.effect is Effect.DAEMON]

    async def reload(self) -> list[Change]:
        """Read the file and put its settings in force; what has changed. Raises ConfigError, and then nothing has."""
        async with self._turn:
            try:
                settings = await self._read()
            except ConfigError as error:
                if error.message != self.error:
                    self.error = error.message
                    _log.error("the configuration was not reloaded: %s", error.message)
                    await self._tell([])
                raise
            changes = diff(self._current.settings, settings)
            mended = self.error is not None
            self.error = None
            self._current.replace(settings)
            if changes or mended:
                _log.info("the configuration was reloaded", extra={"changed": [change.key for change in changes]})
                await self._tell(changes)
            return changes

    async def _read(self) -> Settings:
        try:
            with anyio.fail_after(READ_DEADLINE):
                return await anyio.to_thread.run_sync(lambda: read(self._current.flags), abandon_on_cancel=True)
        except TimeoutError:
            raise ConfigError(f"reading {self.file} took longer than {READ_DEADLINE:.0f} s") from None

    async def _tell(self, changes: list[Change]) -> None:
        changed = {change.key: change.effect.value for change in changes}
        data = {"error": self.error, "changed": changed, "restart_needed": self.waiting}
        await self._ledger.record(names.TOPIC_CONFIG_STATE, data)

    async def run(self) -> None:
        """Reload whenever the file changes, until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._watcher.run)
            watched: dict[Path, _Listener] = {}
            while True:
                self._touched = anyio.Event()
                wanted = await anyio.to_thread.run_sync(lambda: places(self.file), abandon_on_cancel=True)
                for folder in watched.keys() - wanted.keys():
                    self._watcher.leave(watched.pop(folder))
                for folder, entries in wanted.items():
                    if folder not in watched:
                        self.touch()  # what happened before is not told
                    listener = watched.setdefault(folder, _Listener(self))
                    listener.entries = entries
                    await anyio.to_thread.run_sync(
                        lambda folder=folder, listener=listener: _enter(self._watcher, folder, listener),
                        abandon_on_cancel=True,
                    )
                await self._touched.wait()
                try:
                    await self.reload()
                except ConfigError:
                    continue  # it was told of already
                except DatabaseCorruptError:
                    raise
                except (DatabaseError, DiskFullError) as error:
                    _log.error("that the configuration was read again could not be stored: %s", error.message)

    def touch(self) -> None:
        """Have the file read again soon."""
        self._touched.set()


class _Listener:
    """Hears of a folder, and cares for some of its entries."""

    def __init__(self, reloader: Reloader) -> None:
        self.entries: frozenset[bytes] = frozenset()
        self._reloader = reloader

    def hint(self, keys: set[Key]) -> None:
        if any(name in self.entries for _, name in keys):
            self._reloader.touch()

    def lost(self) -> None:
        self._reloader.touch()


def _enter(watcher: Watcher, folder: Path, listener: _Listener) -> None:
    watcher.begin_round(listener)
    try:
        with opened(os.fsencode(folder), b"") as descriptor:
            trouble = watcher.enter(listener, b"", descriptor)
    except OSError as error:
        trouble = f"{folder} can't be opened ({error.strerror})"
    if trouble is not None:
        _log.warning("changes of the configuration are not noticed: %s; `whisperctl config reload`", trouble)


def places(file: Path) -> dict[Path, frozenset[bytes]]:
    """The folders to watch, without links in their paths, and the entries in each that matter.

    These are the file's folder, or the nearest one that is there, and where a link in the file's place leads.
    """
    found: dict[Path, frozenset[bytes]] = {}
    for path in (file, file.resolve()):
        entry = path
        while not entry.parent.is_dir():
            entry = entry.parent
        folder = entry.parent.resolve()
        found[folder] = found.get(folder, frozenset()) | {os.fsencode(entry.name)}
    return found
