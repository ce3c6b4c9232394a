"""Use cases of `initialize`, `rpc.discover` and `daemon.*`: ping, status, doctor, shutdown.

Owns: what each answers. Leaves to others: the checks behind `doctor` (`whisperd.api.doctor`), stopping (`whisperd.app`,
which is told by an event).
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import msgspec

from whisperd import __version__
from whisperd.api.doctor import Doctor
from whisperd.api.handler import Handler
from whisperd.api.presenter import Presenter
from whisperd.api.views import queue_counts
from whisperd.jobs.job import State
from whisperd.jobs.policy import Lanes
from whisperd.lanes import worker_status
from whisperd.reload import Reloader
from whisperd.scheduler import Scheduler
from whisperd.store import jobs, queue
from whisperd.store.connection import Database
from whisperd.wire import names
from whisperd.wire.daemon import (
    DoctorResult,
    HoldView,
    InitializeParams,
    InitializeResult,
    LanesView,
    Limits,
    PingResult,
    ShutdownResult,
    StatusResult,
)
from whisperd.wire.openrpc import document
from whisperd.wire.times import iso8601
from whisperd.wire.types import Empty
from whisperd.workers.process import resident_memory

_TOLD = (State.RUNNING, State.QUEUED, State.WAITING, State.PAUSED)
"""The states that `systemctl status` counts."""


class Identity(msgspec.Struct, frozen=True):
    """Who this daemon is: `started_at` is unix seconds, `began` the same moment by `since_boot`, `config` the file that
    was read, if any."""

    state_dir: Path
    socket: Path
    config: Path | None
    started_at: float
    began: float
    lanes: Lanes

    @property
    def uptime(self) -> float:
        """Seconds, whatever is done to the clock."""
        return round(since_boot() - self.began, 3)


def since_boot() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class DaemonApi:
    def __init__(
        self,
        identity: Identity,
        database: Database,
        scheduler: Scheduler,
        presenter: Presenter,
        doctor: Doctor,
        reloader: Reloader,
        stop: anyio.Event,
    ) -> None:
        self._identity = identity
        self._database = database
        self._scheduler = scheduler
        self._presenter = presenter
        self._doctor = doctor
        self._reloader = reloader
        self._stop = stop

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.INITIALIZE: self.initialize,
            names.RPC_DISCOVER: self.discover,
            names.DAEMON_PING: self.ping,
            names.DAEMON_STATUS: self.status,
            names.DAEMON_DOCTOR: self.doctor,
            names.DAEMON_SHUTDOWN: self.shutdown,
        }

    async def initialize(self, _params: InitializeParams) -> InitializeResult:
        return InitializeResult(
            name="whisperd",
            version=__version__,
            protocol=names.PROTOCOL_VERSION,
            limits=Limits(),
            capabilities=["jobs", "events"],
        )

    async def discover(self, _params: Empty) -> dict[str, Any]:
        return document(__version__)

    async def ping(self, _params: Empty) -> PingResult:
        return PingResult()

    async def status(self, _params: Empty) -> StatusResult:
        counts = await self._database.read(jobs.counts)
        running = await self._database.read(lambda c: jobs.page(c, states=[State.RUNNING], limit=names.MAX_PAGE))
        identity = self._identity
        return StatusResult(
            version=__version__,
            pid=os.getpid(),
            started_at=iso8601(identity.started_at),
            uptime=identity.uptime,
            state_dir=str(identity.state_dir),
            socket=str(identity.socket),
            config=str(identity.config) if identity.config else None,
            memory=resident_memory(os.getpid()) or 0,
            queue=queue_counts(counts),
            paused=self._scheduler.paused,
            trouble=self._scheduler.trouble,
            config_error=self._reloader.error,
            restart_needed=self._reloader.waiting,
            holds=await self._holds(),
            lanes=LanesView(identity.lanes.count, identity.lanes.reason),
            workers=[worker_status(lane) for lane in self._scheduler.lanes],
            running=await self._presenter.views(running),
        )

    async def in_a_line(self) -> str:
        """What the daemon does, for `systemctl status`."""
        counts = await self._database.read(jobs.counts)
        line = ", ".join(f"{counts.get(state, 0)} {state.value}" for state in _TOLD if counts.get(state)) or "idle"
        return line + (", queue paused" if self._scheduler.paused else "")

    async def _holds(self) -> list[HoldView]:
        held: dict[str, int] = {}
        for priority, count in (await self._database.read(queue.startable)).items():
            reason = self._scheduler.holds(priority)
            if reason and count:
                held[reason] = held.get(reason, 0) + count
        return [HoldView(reason, count) for reason, count in held.items()]

    async def doctor(self, _params: Empty) -> DoctorResult:
        checks = await self._doctor.examine()
        return DoctorResult(ok=all(check.status != "failed" for check in checks), checks=checks)

    async def shutdown(self, _params: Empty) -> ShutdownResult:
        self._stop.set()
        return ShutdownResult()
