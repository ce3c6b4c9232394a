"""The downloads in progress.

Owns: at most one for each model, who is told of it, and what its end means. Leaves to others: the process
(`whisperd.models.pull`), who may start one (`whisperd.api.model`, and a run whose model is missing).
"""

import logging
import time
from pathlib import Path

import anyio
import msgspec
from anyio.abc import TaskGroup, TaskStatus

from whisperd.config.current import Current
from whisperd.errors import ModelNotFoundError, PullError, RefusedError
from whisperd.events import Event, EventBus
from whisperd.ledger import Ledger
from whisperd.models.catalog import canonical
from whisperd.models.pull import folder_name, pull, repository_of
from whisperd.printable import printable
from whisperd.puller.messages import Failed, Message, Planned, Progress, Pulled, PullFailure
from whisperd.wire import names

_log = logging.getLogger(__name__)


class Download(msgspec.Struct):
    """One in progress. Sizes are bytes, `total` None until the hub has said it; `speed` is bytes a second."""

    model: str
    started_at: float
    total: int | None = None
    done: int = 0
    speed: float = 0.0
    first: int = 0
    error: PullError | None = None
    scope: anyio.CancelScope = msgspec.field(default_factory=anyio.CancelScope)
    ended: anyio.Event = msgspec.field(default_factory=anyio.Event)

    def note(self, message: Message, now: float) -> None:
        match message:
            case Planned(_, _, total, done):
                self.total, self.done, self.first, self.started_at = total, done, done, now
            case Progress(done):
                self.done = done
                self.speed = max(0.0, (done - self.first) / max(now - self.started_at, 0.1))
            case _:
                pass

    @property
    def progress(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def eta(self) -> float | None:
        return (self.total - self.done) / self.speed if self.total and self.speed > 0 else None


class Pulls:
    """Runs downloads until its task is cancelled; then they end, and what they have is kept."""

    def __init__(self, ledger: Ledger, bus: EventBus, current: Current, state_dir: Path) -> None:
        self._ledger = ledger
        self._bus = bus
        self._current = current
        self._models = state_dir / "models"
        self._downloads: dict[str, Download] = {}
        self._group: TaskGroup | None = None

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        async with anyio.create_task_group() as group:
            self._group = group
            task_status.started()
            await anyio.sleep_forever()

    def get(self, name: str) -> Download | None:
        """The download of this model that is in progress."""
        return self._downloads.get(canonical(name))

    def all(self) -> list[Download]:
        return list(self._downloads.values())

    async def start(self, name: str) -> Download:
        """Begin to download a model, or join the download that there is.

        Raises ModelNotFoundError for a name that stands for no repository, RefusedError where downloads are forbidden.
        """
        name = canonical(name)
        if (running := self._downloads.get(name)) is not None:
            return running
        repository = repository_of(name)
        if repository is None:
            raise ModelNotFoundError(
                f'"{printable(name)}" is no model that can be downloaded',
                hint="give a name that `whisperctl model list` shows, or a repository as OWNER/NAME",
            )
        if self._current.settings.models.offline:
            raise RefusedError(
                f"{name} is not downloaded: models.offline in the configuration forbids it",
                hint=f"set it to false, or copy the model into {printable(self._models / folder_name(name))}",
            )
        download = Download(name, time.monotonic())
        self._downloads[name] = download
        assert self._group is not None
        try:
            await self._ledger.record(names.TOPIC_MODEL_STATE, {"model": name, "state": "pulling"})
        except BaseException:
            del self._downloads[name]
            download.ended.set()
            raise
        self._group.start_soon(self._download, download, repository)
        return download

    async def fetch(self, name: str) -> None:
        """Download a model and wait until it is there. Raises what `start` raises, and PullError."""
        download = await self.start(name)
        await download.ended.wait()
        if download.error is not None:
            raise download.error

    async def cancel(self, name: str) -> bool:
        """End a download; whether there was one. What it has is kept."""
        download = self.get(name)
        if download is None:
            return False
        download.scope.cancel()
        await download.ended.wait()
        return True

    async def _download(self, download: Download, repository: str) -> None:
        name = download.model
        failed: Failed | None = Failed(PullFailure.INTERNAL, f"the download of {name} was cancelled", "pull it again")
        try:
            with download.scope:
                failed = await self._transfer(download, repository)
        finally:
            if failed is not None:
                download.error = PullError(
                    f"{name} could not be downloaded: {failed.message}", failed.kind, failed.hint
                )
            del self._downloads[name]
            download.ended.set()
        data = {"model": name, "state": "installed" if failed is None else "failed"}
        if failed is not None:
            _log.warning("%s could not be downloaded: %s", name, failed.message)
            data["error"] = msgspec.to_builtins(failed)
        await self._ledger.record(names.TOPIC_MODEL_STATE, data)

    async def _transfer(self, download: Download, repository: str) -> Failed | None:
        """What went wrong, if something did."""

        def told(message: Message) -> None:
            download.note(message, time.monotonic())
            data = {
                "model": download.model,
                "done": download.done,
                "total": download.total,
                "progress": download.progress,
                "speed": download.speed,
                "eta": download.eta,
            }
            self._bus.publish(Event(names.TOPIC_MODEL_PROGRESS, time.time(), data))

        reserve = self._current.settings.queue.disk_floor
        try:
            last = await pull(repository, self._models / folder_name(download.model), reserve, told)
        except OSError as error:
            return Failed(PullFailure.INTERNAL, f"no process could be started: {error}", "look at whisperd's log")
        match last:
            case Failed():
                return last
            case Pulled(folder, revision, size):
                _log.info(
                    "%s was downloaded (%d MB, revision %s) into %s", download.model, size >> 20, revision, folder
                )
            case _:
                return Failed(PullFailure.INTERNAL, "the download ended without a result", "look at whisperd's log")
        return None
