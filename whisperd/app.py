"""The composition root: what starts, in which order, and how it stops.

Start: state folder and lock, database (recovered if need be), scheduler, socket; then the daemon is ready, and what can
wait (the database's check) comes after. Stop: no new clients, the workers are killed at once, running jobs are given
back at their checkpoints, the database and the lock are closed last. A step that fails ends what was started.
"""

import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from types import FrameType

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import TaskStatus

from whisperd import __version__
from whisperd.api.daemon import DaemonApi, Identity
from whisperd.api.doctor import Doctor
from whisperd.api.handler import Handler
from whisperd.api.job import JobApi
from whisperd.api.presenter import Presenter
from whisperd.api.queue import QueueApi
from whisperd.config.settings import Settings
from whisperd.errors import DatabaseCorruptError, WhisperdError
from whisperd.events import Event, EventBus, Filter
from whisperd.jobs.policy import choose_lanes
from whisperd.lanes import make_slots
from whisperd.ledger import Ledger
from whisperd.live import LiveJobs
from whisperd.ops.lock import daemon_lock, prepare_state_dir
from whisperd.rpc.dispatch import Dispatcher
from whisperd.rpc.server import serve
from whisperd.rpc.socket import open_listener
from whisperd.runner import Runner
from whisperd.scheduler import Scheduler
from whisperd.store import events, recovery
from whisperd.store.connection import Database
from whisperd.wire import names

_log = logging.getLogger(__name__)

STOP_DEADLINE = 8
"""Seconds from the signal to the end, whatever hangs: less than the ten that are promised."""


class Places(msgspec.Struct, frozen=True):
    """Where this daemon lives; absolute paths."""

    state_dir: Path
    socket: Path
    config: Path | None


async def run(settings: Settings, places: Places) -> None:
    """Run the daemon until SIGTERM, SIGINT or `daemon.shutdown`.

    Raises WhisperdError, perhaps within exception groups, when it can't start or go on.
    """
    stop = anyio.Event()
    prepare_state_dir(places.state_dir)
    with daemon_lock(places.state_dir):
        async with anyio.create_task_group() as group:
            await group.start(_stop_on_signals, stop)
            async with _open_database(places.state_dir / "whisperd.db") as database:
                await _run_with(database, settings, places, stop)
            group.cancel_scope.cancel()
    _log.info("whisperd has stopped")


async def _run_with(database: Database, settings: Settings, places: Places, stop: anyio.Event) -> None:
    bus = EventBus(await database.read(events.newest))
    live = LiveJobs()
    lanes = choose_lanes(settings.workers.lanes, settings.workers.device, None, None, None)
    ledger = Ledger(database, bus)
    runner = Runner(ledger, bus, live, settings, places.state_dir)
    scheduler = Scheduler(ledger, runner, make_slots(bus, settings, lanes), settings)
    presenter = Presenter(database, scheduler, live)
    identity = Identity(places.state_dir, places.socket, places.config, time.time(), lanes)
    daemon = DaemonApi(identity, database, scheduler, presenter, Doctor(database, settings, places.state_dir), stop)
    job = JobApi(database, scheduler, bus, presenter, settings, places.state_dir)
    dispatcher = Dispatcher(_handlers(daemon, job, QueueApi(database, scheduler)))

    async def replay(since: int, wanted: Filter, limit: int) -> list[Event]:
        stored = await database.read(
            lambda c: events.since(c, since, limit=limit, topics=wanted.topics, jobs=wanted.jobs)
        )
        return [Event(event.topic, event.at, event.data, event.seq, event.job) for event in stored]

    with open_listener(places.socket) as listener:
        async with anyio.create_task_group() as group:
            working = await group.start(_run_cancellably, scheduler)
            await group.start(partial(serve, listener, dispatcher, bus, replay, stop=stop))
            _log.info("whisperd %s is ready on %s", __version__, places.socket)
            group.start_soon(_check_database, database, stop)
            await stop.wait()
            _log.info("whisperd is stopping")
            working.cancel()


async def _run_cancellably(scheduler: Scheduler, *, task_status: TaskStatus[anyio.CancelScope]) -> None:
    """The scheduler in a scope of its own: it stops first, while clients are still told what becomes of their jobs."""
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            await group.start(scheduler.run)
            task_status.started(scope)


async def _stop_on_signals(stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async with anyio.create_task_group() as group:
            group.start_soon(_set_on_signal, signals, stop)
            await stop.wait()
            group.cancel_scope.cancel()
    # Whatever hangs (a disk, a thread in a file system), the end comes in time; all that matters is stored.
    signal.signal(signal.SIGALRM, _exit_at_once)
    signal.alarm(STOP_DEADLINE)


def _exit_at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    os._exit(0)


async def _set_on_signal(signals: AsyncIterator[signal.Signals], stop: anyio.Event) -> None:
    async for number in signals:
        _log.info("received %s", number.name)
        stop.set()


@contextlib.asynccontextmanager
async def _open_database(path: Path) -> AsyncGenerator[Database]:
    """The database; a damaged one is moved aside and replaced by its newest good backup, or an empty one."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            database = await stack.enter_async_context(Database.open(path))
        except DatabaseCorruptError as error:
            _log.error("%s", error.message)
            rebuilt = await anyio.to_thread.run_sync(lambda: recovery.rebuild(path, time.time()))
            _log.error("%s", rebuilt.message)
            database = await stack.enter_async_context(Database.open(path))
        yield database


async def _check_database(database: Database, stop: anyio.Event) -> None:
    """After readiness, since it reads the whole file; the stop does not wait for it."""
    async with anyio.create_task_group() as group:
        group.start_soon(_report_damage, database, group.cancel_scope)
        await stop.wait()
        group.cancel_scope.cancel()


async def _report_damage(database: Database, done: anyio.CancelScope) -> None:
    try:
        await recovery.quick_check(database)
    except WhisperdError as error:
        _log.error("%s", error.message)
    done.cancel()


def _handlers(daemon: DaemonApi, job: JobApi, queue: QueueApi) -> Mapping[str, Handler]:
    return {
        names.INITIALIZE: daemon.initialize,
        names.RPC_DISCOVER: daemon.discover,
        names.DAEMON_PING: daemon.ping,
        names.DAEMON_STATUS: daemon.status,
        names.DAEMON_DOCTOR: daemon.doctor,
        names.DAEMON_SHUTDOWN: daemon.shutdown,
        names.JOB_SUBMIT: job.submit,
        names.JOB_LIST: job.list,
        names.JOB_SHOW: job.show,
        names.JOB_TEXT: job.text,
        names.JOB_WAIT: job.wait,
        names.JOB_PAUSE: job.pause,
        names.JOB_RESUME: job.resume,
        names.JOB_CANCEL: job.cancel,
        names.JOB_RETRY: job.retry,
        names.JOB_DELETE: job.delete,
        names.JOB_MOVE: job.move,
        names.QUEUE_PAUSE: queue.pause,
        names.QUEUE_RESUME: queue.resume,
        names.QUEUE_CLEAR: queue.clear,
    }
