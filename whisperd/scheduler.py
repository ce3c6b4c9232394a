"""The scheduler: the one writer of jobs' states.

Owns: which job runs on which lane, what the end of a run means for its job (completed, put off, failed, given back),
the commands that change states, and publishing what was committed. Leaves to others: the rules (`whisperd.jobs`), a run
(`whisperd.transcription`), processes (`whisperd.workers`), rows (`whisperd.store`).

Every change is one transaction with its event row, published after the commit. The loop sleeps until something has
happened (`poke`) or a time has come: a retry, or the end of a lane's idle time.
"""

import logging
import math
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import msgspec
from anyio.abc import TaskGroup, TaskStatus

from whisperd.config.settings import Settings
from whisperd.errors import IllegalTransitionError, ModelNotFoundError, QueueFullError
from whisperd.events import Event, EventBus
from whisperd.frames import FailureKind
from whisperd.jobs import retry
from whisperd.jobs.job import Failure, Priority, Stage
from whisperd.jobs.transitions import Command
from whisperd.live import LiveJobs
from whisperd.models.engine import resolve_engine
from whisperd.outputs import write_outputs
from whisperd.store import jobs, measurements, recovery, transcripts
from whisperd.store.connection import Database
from whisperd.store.jobs import JobChanges, JobRow, NewJob, Transitioned
from whisperd.transcription import GaveWayError, Run, RunFailedError
from whisperd.transcripts.transcript import Transcript
from whisperd.wire import names
from whisperd.workers.lane import CallFailedError, Lane, WorkerStartError
from whisperd.workers.process import CallTimeoutError, WorkerDiedError

_log = logging.getLogger(__name__)

LINGER = 15.0
"""Seconds that the background worker stays after its last job, for the next of a series of single submissions."""

BROKEN_LANE_PAUSE = 60.0
"""Seconds before a lane whose process can't be started is tried again."""


MODEL_PREFERENCE = 600.0
"""Seconds for which a job may be overtaken by later ones whose model is already loaded."""


class Scheduler:
    """Runs jobs until its task is cancelled; then every worker is killed and every running job is given back."""

    def __init__(
        self,
        database: Database,
        lane: Lane,
        bus: EventBus,
        live: LiveJobs,
        settings: Settings,
        state_dir: Path,
    ) -> None:
        self._database = database
        self._lane = lane
        self._bus = bus
        self._live = live
        self._settings = settings
        self._state_dir = state_dir
        self._commits = anyio.Lock()
        self._retry = retry.RetrySettings(
            first_delay=settings.retry.base_delay,
            max_delay=settings.retry.max_delay,
            smaller_model_allowed=settings.models.allow_smaller,
        )
        self._wake = anyio.Event()
        self._runs: dict[int, anyio.CancelScope] = {}
        self._idle_since = anyio.current_time()
        self._lane_pause_ends = -math.inf

    def poke(self) -> None:
        """Look again at what should run."""
        self._wake.set()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Give back what a dead daemon left running, then run jobs for ever."""
        now = time.time()
        await self._commit(lambda c: recovery.requeue_running(c, self._retry, now))
        try:
            async with anyio.create_task_group() as group:
                task_status.started()
                while True:
                    self._wake = anyio.Event()
                    due = await self._step(group)
                    with anyio.move_on_at(due):
                        await self._wake.wait()
        finally:
            with anyio.CancelScope(shield=True):
                await self._stop()

    async def _step(self, group: TaskGroup) -> float:
        """Start what can start; the time (of anyio's clock) at which to look again."""
        now = time.time()
        await self._commit(lambda c: [jobs.transition(c, job, Command.WAKE, now) for job in jobs.due(c, now)])
        if not self._runs and anyio.current_time() >= self._lane_pause_ends:
            for job in await self._commit(lambda c: _start_next(c, now, self._lane.model)):
                scope = self._runs[job.id] = anyio.CancelScope()
                group.start_soon(self._work_on, job, scope)
        if not self._runs and self._lane.process and anyio.current_time() >= self._idle_since + LINGER:
            await self._lane.end()
        return await self._next_time()

    async def _next_time(self) -> float:
        times = [self._lane_pause_ends] if self._lane_pause_ends > anyio.current_time() else []
        if not self._runs and self._lane.process:
            times.append(self._idle_since + LINGER)
        retry_at = await self._database.read(jobs.next_retry_at)
        if retry_at is not None:
            times.append(anyio.current_time() + max(0.0, retry_at - time.time()))
        return min(times, default=math.inf)

    async def _stop(self) -> None:
        """Nothing of a stopped worker's batch is lost but its time: the jobs go on from their checkpoints."""
        await self._lane.end()
        for job_id in list(self._runs):
            await self._change(job_id, Command.REQUEUE, reason="the daemon was stopped")

    # -- a run and its end --------------------------------------------------------------------------------------------

    async def _work_on(self, job: JobRow, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await self._run_to_its_end(job)
        except Exception:
            _log.exception("job %d failed by a defect of whisperd", job.id)
            failure = Failure(FailureKind.INTERNAL, "whisperd met a defect of its own; its log has the details")
            await self._failed(job.id, failure)
        finally:
            self._live.forget(job.id)
            self._lane.job = None
            self._idle_since = anyio.current_time()
            del self._runs[job.id]
            self.poke()

    async def _run_to_its_end(self, job: JobRow) -> None:
        self._lane.job = job.id
        try:
            transcript = await self._transcribe(job)
        except GaveWayError:
            await self._change(job.id, Command.REQUEUE, reason="made way")
        except WorkerStartError as error:
            self._lane_pause_ends = anyio.current_time() + BROKEN_LANE_PAUSE
            await self._change(job.id, Command.REQUEUE, reason=error.message)
        except (RunFailedError, CallFailedError, CallTimeoutError, WorkerDiedError, ModelNotFoundError) as error:
            await self._failed(job.id, as_failure(error))
        else:
            await self._complete(job, transcript)

    async def _transcribe(self, job: JobRow) -> Transcript:
        expected: list[float] = []

        def report(stage: Stage, *, done: float, duration: float | None) -> None:
            speed = expected[0] if expected else None
            live = self._live.report(job.id, stage, done=done, duration=duration, expected=speed)
            self._bus.publish(Event(names.TOPIC_JOB_PROGRESS, time.time(), msgspec.to_builtins(live), job=job.id))

        chosen = job.model if job.fingerprint else None
        engine = await resolve_engine(job.kind, job.options, self._settings, self._state_dir, chosen=chosen)
        known = await self._database.read(
            lambda c: measurements.real_time_factor(c, engine.model, engine.load.device, engine.load.compute_type)
        )
        expected.extend([1 / known] if known else [])
        run = Run(job, engine, lane=self._lane, database=self._database, report=report, give_way=lambda: False)
        return await run.transcribe()

    async def _complete(self, job: JobRow, transcript: Transcript) -> None:
        def save(connection: sqlite3.Connection) -> JobRow:
            transcripts.save(connection, job.id, transcript)
            changes = JobChanges(
                duration=transcript.duration,
                done=transcript.duration,
                partial=transcript.partial,
                missing=transcript.missing,
                confidence=transcript.confidence,
                notes=transcript.notes,
            )
            return jobs.update(connection, job.id, changes)

        saved = await self._database.write(save)
        outputs = await write_outputs(saved, transcript)
        await self._change(job.id, Command.COMPLETE, changes=JobChanges(outputs=outputs))
        await self._measure(transcript)
        await self._lane.finish_job()

    async def _measure(self, transcript: Transcript) -> None:
        loaded = self._lane.loaded
        if loaded is not None:
            await self._database.write(
                lambda c: measurements.save_speed(
                    c,
                    transcript.model,
                    loaded.device,
                    loaded.compute_type,
                    transcript.duration,
                    transcript.processing_time,
                )
            )

    async def _failed(self, job_id: int, failure: Failure) -> None:
        job = await self._database.read(lambda c: jobs.get(c, job_id))
        if job is None:
            return
        now = time.time()
        changes = JobChanges(
            error=failure, failures=retry.charged(job.failures, failure.kind), attempts=job.attempts + 1
        )
        again = msgspec.structs.replace(changes, retry_at=now)
        match retry.decide(failure.kind, job.failures, self._retry, batch_size=job.batch_size):
            case retry.Retry(delay):
                again = msgspec.structs.replace(changes, retry_at=now + delay)
                await self._change(job_id, Command.WAIT, reason=failure.message, changes=again)
            case retry.SmallerBatch(batch_size):
                note = f"memory ran out; the decoding batch was reduced to {batch_size}"
                again = msgspec.structs.replace(again, batch_size=batch_size, notes=(*job.notes, note))
                await self._change(job_id, Command.WAIT, reason=note, changes=again)
            case retry.SmallerModel(model):
                note = f"memory ran out; model {model} was taken instead"
                again = msgspec.structs.replace(again, model=model, notes=(*job.notes, note))
                await self._change(job_id, Command.WAIT, reason=note, changes=again)
            case retry.GiveUp():
                await self._change(job_id, Command.FAIL, reason=failure.message, changes=changes)

    # -- commands -----------------------------------------------------------------------------------------------------

    async def submit(self, new: Sequence[tuple[NewJob, Failure | None]]) -> list[JobRow]:
        """Queue jobs in one transaction; on return they are durable. One that has a failure already is born failed.

        Raises QueueFullError when not all of them fit; then none is queued.
        """
        now = time.time()

        def insert_all(connection: sqlite3.Connection) -> list[Transitioned]:
            self._check_room(connection, len(new))
            return [
                jobs.insert(connection, job, now)
                if failure is None
                else jobs.insert_failed(connection, job, failure, now)
                for job, failure in new
            ]

        rows = await self._commit(insert_all)
        self.poke()
        return rows

    def _check_room(self, connection: sqlite3.Connection, more: int) -> None:
        unfinished = sum(count for state, count in jobs.counts(connection).items() if not state.final)
        limit = self._settings.queue.max_length
        if unfinished + more > limit:
            raise QueueFullError(
                f"the queue holds {unfinished} of at most {limit} jobs; {more} more do not fit, so none was queued",
                hint="wait, cancel some, or raise queue.max_length in the configuration",
            )

    async def cancel(self, job_id: int) -> JobRow:
        """Raises NotFoundError, IllegalTransitionError."""
        changed = await self._transition(job_id, Command.CANCEL, reason="by command")
        scope = self._runs.get(job_id)
        if scope is not None:
            scope.cancel()
        return changed

    # -- committing ---------------------------------------------------------------------------------------------------

    async def _change(
        self, job_id: int, command: Command, *, reason: str | None = None, changes: JobChanges | None = None
    ) -> None:
        """A change by a run; one that comes after a person's command is void."""
        try:
            await self._transition(job_id, command, reason=reason, changes=changes)
        except IllegalTransitionError as error:
            _log.info("job %d: %s is void, %s", job_id, command.value, error.message)

    async def _transition(
        self, job_id: int, command: Command, *, reason: str | None = None, changes: JobChanges | None = None
    ) -> JobRow:
        now = time.time()
        [job] = await self._commit(lambda c: [jobs.transition(c, job_id, command, now, reason=reason, changes=changes)])
        return job

    async def _commit(self, change: Callable[[sqlite3.Connection], Sequence[Transitioned]]) -> list[JobRow]:
        """Commit changes with their events and publish these, in the order of their numbers."""
        async with self._commits:
            changed = await self._database.write(change)
            for event in (event for one in changed for event in one.events):
                self._bus.publish(Event(event.topic, event.at, event.data, seq=event.seq, job=event.job))
        return [one.job for one in changed]


def _start_next(connection: sqlite3.Connection, now: float, model: str | None) -> list[Transitioned]:
    job = jobs.next_queued(connection, tuple(Priority), prefer_model=model, overdue_before=now - MODEL_PREFERENCE)
    return [] if job is None else [jobs.transition(connection, job.id, Command.START, now)]


def as_failure(
    error: RunFailedError | CallFailedError | CallTimeoutError | WorkerDiedError | ModelNotFoundError,
) -> Failure:
    """What the end of a run by an exception means for its job."""
    match error:
        case RunFailedError():
            return error.failure
        case CallFailedError():
            return Failure(error.failure, error.message, error.hint)
        case CallTimeoutError():
            return Failure(FailureKind.TIMEOUT, error.message, error.hint)
        case WorkerDiedError():
            return Failure(FailureKind.WORKER_DIED, error.message, error.hint)
        case ModelNotFoundError():
            return Failure(FailureKind.MODEL_LOAD, error.message, error.hint)
