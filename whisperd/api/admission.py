"""From the files of a request to jobs that may be queued.

Owns: the checks that come before the queue (paths, options, model, disk, a first look at each file), the same for
single jobs and for a batch's items. Leaves to others: the look itself (`inputs`), queueing (`whisperd.job_commands`).
"""

from collections.abc import Sequence
from pathlib import Path

from whisperd.api import inputs
from whisperd.config.current import Current
from whisperd.jobs.job import Failure, Kind, Options, Priority
from whisperd.jobs.version import signature
from whisperd.models.engine import require_model, resolve_options
from whisperd.room import check_disk
from whisperd.store.jobs import NewJob
from whisperd.wire.job import FileParam
from whisperd.wire.params import check_options
from whisperd.wire.paths import from_wire

PRIORITIES = {
    Kind.DICTATION: Priority.INTERACTIVE,
    Kind.FILE: Priority.NORMAL,
    Kind.BATCH: Priority.LOW,
    Kind.WATCH: Priority.LOW,
}


class Admission:
    def __init__(self, current: Current, state_dir: Path) -> None:
        self._current = current
        self._state_dir = state_dir

    async def options(self, kind: Kind, options: Options) -> Options:
        """The options with nothing left open. Raises InvalidParamsError, ModelNotFoundError, RefusedError."""
        settings = self._current.settings
        resolved = resolve_options(kind, check_options(options, "params.options"), settings)
        await require_model(kind, resolved, settings, self._state_dir)
        return resolved

    async def jobs(
        self, files: Sequence[FileParam], kind: Kind, options: Options, *, low: bool = False, again: bool = False
    ) -> list[tuple[NewJob, Failure | None]]:
        """A job for each file, in order, and what is wrong with it already.

        Raises InvalidParamsError, ModelNotFoundError, RefusedError, DiskFullError; then none is to be queued.
        """
        paths = [from_wire(file.path, file.path_b64, f"params.files[{index}]") for index, file in enumerate(files)]
        resolved = await self.options(kind, options)
        await check_disk(self._state_dir, self._current.settings.queue.disk_floor)
        looks = await inputs.look_at(paths)
        return [
            (
                NewJob(
                    path=path,
                    kind=kind,
                    priority=Priority.LOW if low else PRIORITIES[kind],
                    options=resolved,
                    key=file.key,
                    signature=signature(look.version, resolved) if look.version and not again else None,
                    size=look.version.size if look.version else None,
                ),
                look.failure,
            )
            for path, file, look in zip(paths, files, looks, strict=True)
        ]
