"""The composition root: what starts, in which order, and how it stops.

Start: state folder and lock, database (recovered if need be), scheduler, socket; then the daemon is ready, and what can
wait (the database's check) comes after. Stop: no new clients, the workers are killed at once, running jobs are given
back at their checkpoints, the database and the lock are closed last. A step that fails ends what was started.
"""

import atexit
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import cast

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import TaskStatus

from whisperd import __version__
from whisperd.api.admission import Admission
from whisperd.api.batch import BatchApi
from whisperd.api.bench import Bench
from whisperd.api.config import ConfigApi
from whisperd.api.daemon import DaemonApi, Identity, since_boot
from whisperd.api.dictate import DictateApi
from whisperd.api.doctor import Doctor
from whisperd.api.health import HealthApi
from whisperd.api.history import HistoryApi
from whisperd.api.job import JobApi
from whisperd.api.model import ModelApi
from whisperd.api.presenter import Presenter
from whisperd.api.queue import QueueApi
from whisperd.api.watch import WatchApi
from whisperd.batch_commands import BatchCommands
from whisperd.batch_progress import BatchFigures, BatchProgress
from whisperd.clock import SteadyClock
from whisperd.config import flags
from whisperd.config.current import Current
from whisperd.config.effects import Effect, diff
from whisperd.config.paths import config_file
from whisperd.config.settings import Settings
from whisperd.dictation.finishing import finish_recordings
from whisperd.dictation.recordings import recordings_folder
from whisperd.dictation.service import Dictation
from whisperd.errors import DatabaseCorruptError, DatabaseError, DiskFullError
from whisperd.events import Event, EventBus, Filter
from whisperd.hooks import Hooks
from whisperd.job_commands import JobCommands
from whisperd.lanes import adjust_slots, make_slots, plan_lanes
from whisperd.ledger import Ledger
from whisperd.live import LiveJobs
from whisperd.ops import logs
from whisperd.ops.housekeeping import check_and_back_up, tidy, watch_over
from whisperd.ops.lock import daemon_lock, prepare_state_dir
from whisperd.ops.notify import Notifier, feed_watchdog, tell_status
from whisperd.ops.retention import Retention
from whisperd.pulls import Pulls
from whisperd.reload import Reloader
from whisperd.rpc.dispatch import Dispatcher
from whisperd.rpc.server import serve
from whisperd.rpc.socket import open_listener, passed_socket
from whisperd.runner import Runner
from whisperd.scheduler import Scheduler
from whisperd.store import events, recovery
from whisperd.store.connection import Database
from whisperd.survey import survey
from whisperd.watch.lease import ignore_lease_breaks
from whisperd.watch.service import WatchService
from whisperd.wire import names

_log = logging.getLogger(__name__)

STOP_DEADLINE = 8
"""Seconds from the signal to the end, whatever hangs: less than the ten that are promised."""


class Places(msgspec.Struct, frozen=True):
    """Where this daemon lives; absolute paths."""

    state_dir: Path
    socket: Path
    config: Path | None


class Manager(msgspec.Struct, frozen=True):
    """Who started us: where it is told what we do, and the socket that it may have passed."""

    notifier: Notifier
    passed: socket.socket | None


async def run(current: Current) -> None:
    """Run the daemon until SIGTERM, SIGINT or `daemon.shutdown`.

    Raises WhisperdError, perhaps within exception groups, when it can't start or go on.
    """
    stop = anyio.Event()
    ignore_lease_breaks()
    manager = Manager(Notifier.from_environment(), passed_socket())
    places = _places(current, manager.passed)
    prepare_state_dir(places.state_dir)
    with daemon_lock(places.state_dir):
        async with anyio.create_task_group() as group:
            await group.start(_stop_on_signals, stop)
            await _run_on_sound_database(current, places, manager, stop)
            group.cancel_scope.cancel()
    _log.info("whisperd has stopped")


def _places(current: Current, passed: socket.socket | None) -> Places:
    named = current.flags.config
    config = named or (config_file() if config_file().exists() else None)
    listens_on = Path(passed.getsockname()) if passed else flags.socket_path(current.settings)
    return Places(flags.state_dir(current.settings), listens_on, config)


async def _run_on_sound_database(current: Current, places: Places, manager: Manager, stop: anyio.Event) -> None:
    """Run; when the database is found damaged or displaced, at once or later, mend it and go on.

    The damaged file is kept. Raises what it met when the mended one is damaged too.
    """
    path = places.state_dir / "whisperd.db"
    damage: str | None = None
    mended = False
    while True:
        displaced = False
        try:
            async with Database.open(path, keep_backups=current.settings.state.backups) as database:
                try:
                    await _run_with(database, current, places, manager, damage, stop)
                finally:
                    with anyio.CancelScope(shield=True):
                        displaced = await recovery.rescue(database)
            if not displaced:
                return
        except Exception as error:
            if not displaced and (mended or not _is_damage(error)):
                raise
            _log.error("the database is damaged or displaced: %s", path)
        mend = recovery.put_back if displaced else recovery.rebuild
        damage = (await anyio.to_thread.run_sync(mend, path, time.time())).message
        mended = not displaced
        _log.error("%s", damage)
        if stop.is_set():
            return


def _is_damage(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return cast("ExceptionGroup[Exception]", error).split(DatabaseCorruptError)[1] is None
    return isinstance(error, DatabaseCorruptError)


async def _run_with(
    database: Database, current: Current, places: Places, manager: Manager, damage: str | None, stop: anyio.Event
) -> None:
    notifier = manager.notifier
    bus = EventBus(await database.read(events.newest), await database.read(events.pruned))
    live = LiveJobs()
    lanes = await plan_lanes(current.settings, places.state_dir)
    ledger = Ledger(database, bus)
    pulls = Pulls(ledger, bus, current, places.state_dir)
    finish = finish_recordings(current, recordings_folder(places.state_dir))
    runner = Runner(ledger, bus, live, current, places.state_dir, pulls, finish)
    slots = make_slots(bus, current.settings, lanes)
    hooks = Hooks(lambda: current.settings.hooks)
    scheduler = Scheduler(ledger, runner, slots, current, hooks)
    commands = JobCommands(ledger, scheduler, current)
    presenter = Presenter(database, scheduler, live)
    identity = Identity(places.state_dir, places.socket, places.config, time.time(), since_boot(), lanes)
    reloader = Reloader(current, ledger)
    clock = SteadyClock(await database.read(events.newest_time))
    watching = WatchService(ledger, commands, bus, current, places.state_dir, clock)
    dictation = Dictation(
        ledger, scheduler, commands, bus, current, hooks, places.state_dir, places.socket.parent, clock
    )
    doctor = Doctor(database, current, reloader, watching, dictation, places.state_dir)
    daemon = DaemonApi(identity, database, scheduler, presenter, doctor, reloader, stop)
    config = ConfigApi(current, reloader)
    admission = Admission(current, places.state_dir)
    job = JobApi(database, commands, bus, presenter, admission)
    figures = BatchFigures(database, live)
    batch_commands = BatchCommands(ledger, scheduler, commands)
    batch = BatchApi(database, batch_commands, figures, presenter, admission, current)
    queue = QueueApi(database, scheduler, commands)
    dictate = DictateApi(dictation)
    watch = WatchApi(database, watching, current, places.state_dir)
    history = HistoryApi(database, commands)
    retention = Retention(database, bus, current, clock)
    bench = Bench(database, bus, current, places.state_dir)
    model = ModelApi(ledger, scheduler, dictation, pulls, bench, current, places.state_dir)
    health = HealthApi(ledger, bus, scheduler, watching, reloader, current, places.state_dir, damage)
    groups = (daemon, health, job, queue, dictate, batch, watch, model, history, config)
    dispatcher = Dispatcher({name: handler for group in groups for name, handler in group.handlers().items()})

    async def replay(since: int, wanted: Filter, limit: int) -> list[Event]:
        stored = await database.read(
            lambda c: events.since(
                c, since, limit=limit, topics=wanted.topics, jobs=wanted.jobs, batches=wanted.batches
            )
        )
        return [Event(event.topic, event.at, event.data, event.seq, event.job, event.batch) for event in stored]

    def follow_settings(old: Settings, new: Settings) -> None:
        logs.configure(new.log.level, new.log.format)
        adjust_slots(slots, new.workers)
        if any(change.effect is Effect.WORKER for change in diff(old, new)):
            scheduler.renew_workers()
        watching.poke()
        retention.poke()
        scheduler.poke()

    with current.told(follow_settings), open_listener(places.socket, manager.passed) as listener:
        async with anyio.create_task_group() as group:
            await tidy(database, places.state_dir)
            working = await group.start(_run_cancellably, scheduler)
            pulling = await group.start(_run_cancellably, pulls)
            folders = await group.start(_run_cancellably, watching)
            async with anyio.create_task_group() as chores:
                # Before the socket is served: the first that is asked may be a key that is held already.
                await chores.start(dictation.run)
                await group.start(partial(serve, listener, dispatcher, bus, replay, stop=stop))
                _log.info("whisperd %s is ready on %s", __version__, places.socket)
                notifier.ready()
                chores.start_soon(BatchProgress(bus, figures).run)
                chores.start_soon(reloader.run)
                chores.start_soon(health.run)
                chores.start_soon(_reload_on_hangup, reloader)
                chores.start_soon(feed_watchdog, notifier, scheduler.beat)
                chores.start_soon(tell_status, notifier, bus, daemon.in_a_line)
                chores.start_soon(check_and_back_up, database, current)
                chores.start_soon(watch_over, database)
                chores.start_soon(survey, places.state_dir)
                chores.start_soon(retention.run)
                await _record_state(ledger, "ready")
                await stop.wait()
                _log.info("whisperd is stopping")
                await _record_state(ledger, "stopping")
                notifier.stopping()
                folders.cancel()
                working.cancel()
                pulling.cancel()
                chores.cancel_scope.cancel()


async def _record_state(ledger: Ledger, state: str) -> None:
    """Tell, and keep, that the daemon is there or goes; a database that can't be written is in the way of neither."""
    try:
        await ledger.record(names.TOPIC_DAEMON_STATE, {"state": state, "version": __version__, "pid": os.getpid()})
    except DatabaseCorruptError:
        raise
    except (DatabaseError, DiskFullError) as error:
        _log.error("%s", error.message)


async def _reload_on_hangup(reloader: Reloader) -> None:
    """Read the configuration again on SIGHUP, except at a terminal: there it means that the terminal is gone."""
    if sys.stderr.isatty():
        return
    with anyio.open_signal_receiver(signal.SIGHUP) as signals:
        async for _ in signals:
            reloader.touch()


async def _run_cancellably(
    service: Scheduler | Pulls | WatchService, *, task_status: TaskStatus[anyio.CancelScope]
) -> None:
    """A service in a scope of its own: it stops first, while clients are still told what becomes of their jobs."""
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            await group.start(service.run)
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
    atexit.register(signal.alarm, 0)  # with all threads ended nothing hangs, and nobody would handle it any more


def _exit_at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    os._exit(0)


async def _set_on_signal(signals: AsyncIterator[signal.Signals], stop: anyio.Event) -> None:
    async for number in signals:
        _log.info("received %s", number.name)
        stop.set()
