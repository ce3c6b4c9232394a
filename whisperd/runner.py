"""A job's run and what its end means: completed, put off, failed, or given back.

Owns: from a started job to its next state. Leaves to others: which job starts where and when (`whisperd.scheduler`),
the steps of the run (`whisperd.transcription`), the retry rules (`whisperd.jobs.retry`).
"""

import contextlib
import itertools
import logging
import math
import sqlite3
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio
import msgspec

from whisperd import frames, watched
from whisperd.config.current import Current
from whisperd.config.settings import Settings
from whisperd.errors import (
    DatabaseError,
    DiskFullError,
    IllegalTransitionError,
    ModelNotFoundError,
    ModelUnableError,
    NotFoundError,
    PullError,
)
from whisperd.events import Event, EventBus
from whisperd.frames import FailureKind, Segment
from whisperd.jobs import estimates, retry
from whisperd.jobs.checks import RunFailedError
from whisperd.jobs.job import Failure, Kind, Output, Stage
from whisperd.jobs.transitions import Command
from whisperd.ledger import Ledger
from whisperd.live import LiveJobs, measure
from whisperd.mates import GaveWayError, Mates
from whisperd.models.engine import Engine, resolve_engine, smaller_model, to_download
from whisperd.outputs import Files, after_writing, take_back_outputs, write_outputs
from whisperd.puller.messages import PullFailure
from whisperd.pulls import Pulls
from whisperd.store import jobs, measurements, transcripts, watch
from whisperd.store.jobs import JobChanges, JobRow, Transitioned
from whisperd.transcription import OPEN_DEADLINE, Run
from whisperd.transcripts.transcript import Transcript
from whisperd.wire import names
from whisperd.workers.lane import CallFailedError, Lane, WorkerStartError
from whisperd.workers.process import CallTimeoutError, WorkerDiedError

_log = logging.getLogger(__name__)

_PULL_FAILURES = {
    PullFailure.NETWORK: FailureKind.NETWORK,
    PullFailure.CHECKSUM: FailureKind.NETWORK,
    PullFailure.DISK_FULL: FailureKind.IO,
}
"""What it means for a job that its model could not be downloaded; anything else is no matter of time."""

RUN_FAILURES = (RunFailedError, CallFailedError, CallTimeoutError, WorkerDiedError, ModelNotFoundError, PullError)
"""The exceptions that a job's run fails with."""


class RunHandle:
    """A run in progress, as the scheduler holds it."""

    def __init__(self, job: JobRow) -> None:
        self.job = job
        self.scope = anyio.CancelScope()
        self.started_at = anyio.current_time()
        self.give_way = False


class Runner:
    """Runs jobs; one instance serves all lanes. `finish` says what a job's transcript becomes before it is stored."""

    def __init__(
        self,
        ledger: Ledger,
        bus: EventBus,
        live: LiveJobs,
        current: Current,
        state_dir: Path,
        pulls: Pulls,
        finish: Callable[[JobRow, Transcript], Awaitable[Transcript]],
    ) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._bus = bus
        self._live = live
        self._current = current
        self._state_dir = state_dir
        self._pulls = pulls
        self._finish = finish
        self._known = watched.KnownAudio(ledger.database)

    @property
    def retry(self) -> retry.RetrySettings:
        settings = self._current.settings
        return retry.RetrySettings(
            first_delay=settings.retry.base_delay,
            max_delay=settings.retry.max_delay,
            smaller_model_allowed=settings.models.allow_smaller,
            attempts=settings.retry.attempts,
        )

    async def run(self, handle: RunHandle, lane: Lane, mates: Mates) -> JobRow | None:
        """Run the handle's job on the lane to its next state; the job, if that is `completed`.

        Raises WorkerStartError after giving the job back: the lane is broken, not the job. Raises DatabaseError and
        DiskFullError when the job's next state can't be stored; then it is still `running` there.
        """
        job = handle.job
        try:
            with handle.scope:
                transcript, engine = await self._transcribe(handle, lane, mates)
                return await self._complete(job, await self._finish(job, transcript), engine, lane)
        except GaveWayError:
            await self._ledger.transition_if_legal(job.id, Command.REQUEUE, reason="made way")
        except watched.SkippedError as skipped:
            await self._skip(job.id, skipped.reason)
        except WorkerStartError as error:
            await self._ledger.transition_if_legal(job.id, Command.REQUEUE, reason=error.message)
            raise
        except RUN_FAILURES as error:
            await self._failed(job, as_failure(error))
        except (DatabaseError, DiskFullError):
            raise
        except Exception:
            _log.exception("job %d failed by a defect of whisperd", job.id)
            failure = Failure(FailureKind.INTERNAL, "whisperd met a defect of its own; its log has the details")
            await self._failed(job, failure)
        finally:
            self._live.forget(job.id)
            self._known.ended(job.id)
        return None

    async def _transcribe(self, handle: RunHandle, lane: Lane, mates: Mates) -> tuple[Transcript, Engine]:
        job = handle.job
        settings = self._current.settings
        engine = await self._engine(job, lane, settings)
        known = await self._database.read(
            lambda c: measurements.real_time_factor(c, engine.model, engine.load.device, engine.load.compute_type)
        )
        device = "cpu" if engine.load.device == "auto" else engine.load.device
        factor = estimates.real_time_factor(known, engine.model, device)

        def report(stage: Stage, now: JobRow) -> None:
            live = measure(
                stage,
                done=now.done,
                duration=now.duration,
                processing_time=now.processing_time,
                expected_factor=factor,
            )
            self._live.note(job.id, live)
            self._bus.publish(
                Event(names.TOPIC_JOB_PROGRESS, time.time(), msgspec.to_builtins(live), job=job.id, batch=job.batch)
            )

        run = Run(
            job,
            engine,
            lane=lane,
            mates=mates,
            database=self._database,
            report=report,
            tell_segments=self._teller(job),
            give_way=lambda: handle.give_way,
            batch_deadline=settings.workers.batch_deadline,
            real_time_factor=factor,
            limit=settings.workers.max_job_seconds,
            longest=settings.dictation.max_length if job.kind is Kind.DICTATION else None,
            known=self._known.transcript if job.kind is Kind.WATCH else None,
        )
        return await run.transcribe(), engine

    async def _engine(self, job: JobRow, lane: Lane, settings: Settings) -> Engine:
        """The job's engine, chosen by the audio's length too where that makes a difference.

        Its model is downloaded first where it is missing and that is allowed.
        """
        engine = await self._engine_for(job, settings, job.duration)
        if job.duration is None and job.model is None and job.kind is not Kind.DICTATION:
            for_ever = await self._engine_for(job, settings, math.inf)
            if for_ever.model != engine.model:
                call = frames.Open(frames.Source(job.path))
                opened = await lane.call(call, frames.Opened, deadline=OPEN_DEADLINE)
                return await self._engine_for(job, settings, opened.duration)
        return engine

    async def _engine_for(self, job: JobRow, settings: Settings, duration: float | None) -> Engine:
        look = partial(resolve_engine, job.kind, job.options, settings, self._state_dir, chosen=job.model)
        try:
            return await look(duration=duration)
        except ModelNotFoundError as error:
            missing = to_download(error, settings)
            if missing is None:
                raise
            await self._pulls.fetch(missing)
        return await look(duration=duration)

    def _teller(self, job: JobRow) -> Callable[[tuple[Segment, ...]], None]:
        """What publishes a run's segments as they appear; `first` is the number of the first one within the run."""
        numbers = itertools.count()

        def tell(segments: tuple[Segment, ...]) -> None:
            told = [
                {"start": one.start, "end": one.end, "text": one.text, "confidence": one.confidence} for one in segments
            ]
            if told:
                first, *_ = [next(numbers) for _ in told]
                data = {"first": first, "segments": told}
                self._bus.publish(Event(names.TOPIC_JOB_SEGMENT, time.time(), data, job=job.id, batch=job.batch))

        return tell

    async def _complete(self, job: JobRow, transcript: Transcript, engine: Engine, lane: Lane) -> JobRow | None:
        """Write the files, then store the transcript and complete the job in one commit: whoever cancels or pauses it
        before leaves it without either. The job, None where that was so."""
        # An end that has begun comes to one: what is under way in a thread can't be told to stop.
        with anyio.CancelScope(shield=True):
            before = await self._database.read(lambda c: watch.written(c, job.id))
            files = await write_outputs(job, transcript, before)
            changes = after_writing(files.outputs, 0, time.time(), self.retry)

            def complete(connection: sqlite3.Connection) -> list[Transitioned]:
                updated = jobs.update(connection, job.id, transcripts.told_of(transcript))
                transcripts.save(connection, updated, transcript, time.time())
                if transcript.processing_time:
                    measurements.save_speed(
                        connection,
                        engine.model,
                        engine.load.device,
                        engine.load.compute_type,
                        transcript.duration,
                        transcript.processing_time,
                    )
                return [jobs.transition(connection, job.id, Command.COMPLETE, time.time(), changes=changes)]

            try:
                [completed] = await self._ledger.commit(complete)
            except (IllegalTransitionError, NotFoundError) as error:
                _log.info("job %d: its completion is void: %s", job.id, error.message)
                earlier = await self._database.read(lambda c: transcripts.get(c, job.id))
                await take_back_outputs(job, files, earlier)
                return None
            await lane.finish_job()
            return completed

    async def rewrite_outputs(self, job_id: int) -> None:
        """Try again to write the files of a completed job that could not be written."""

        def look(connection: sqlite3.Connection) -> tuple[JobRow | None, Transcript | None, tuple[Output, ...]]:
            found = jobs.get(connection, job_id), transcripts.get(connection, job_id)
            return *found, watch.written(connection, job_id)

        job, transcript, before = await self._database.read(look)
        if job is None:
            return
        files = await write_outputs(job, transcript, before) if transcript else Files()
        changes = after_writing(files.outputs, job.outputs_tries, time.time(), self.retry)
        await self._database.write(lambda c: jobs.update(c, job_id, changes))

    async def _skip(self, job_id: int, reason: str) -> None:
        with contextlib.suppress(IllegalTransitionError, NotFoundError):  # a person was faster
            await self._ledger.commit(lambda c: [watch.skip(c, job_id, reason, time.time())])

    async def _failed(self, started: JobRow, failure: Failure) -> None:
        """What follows from the failure of a run that began with the job as it was `started`."""
        job = await self._database.read(lambda c: jobs.get(c, started.id))
        if job is None:
            return
        if job.kind is Kind.WATCH and failure.kind in watched.LEFT_PLACE:
            rules = await self._database.read(lambda c: watch.rules_of(c, job.id))
            command, reason, changes = watched.left_place(started, job, failure, rules, time.time())
            await self._ledger.transition_if_legal(job.id, command, reason=reason, changes=changes)
            return
        smaller = await smaller_model(job.model, job.options, self._state_dir) if job.model else None
        decision = retry.decide(
            failure.kind, job.failures, self.retry, batch_size=job.batch_size, smaller_model=smaller
        )
        command, reason, changes = consequence(decision, job, failure, time.time())
        await self._ledger.transition_if_legal(job.id, command, reason=reason, changes=changes)


def consequence(decision: retry.Decision, job: JobRow, failure: Failure, now: float) -> tuple[Command, str, JobChanges]:
    """What a decision about a failure does to the job: the command, its reason, and what changes along."""
    charged = JobChanges(error=failure, failures=retry.charged(job.failures, failure.kind), attempts=job.attempts + 1)
    match decision:
        case retry.Retry(delay):
            return Command.WAIT, failure.message, msgspec.structs.replace(charged, retry_at=now + delay)
        case retry.SmallerBatch(batch_size):
            note = f"memory ran out, so the decoding batch was reduced to {batch_size}"
            changes = msgspec.structs.replace(charged, retry_at=now, batch_size=batch_size, notes=(*job.notes, note))
            return Command.WAIT, note, changes
        case retry.SmallerModel(model):
            note = f"memory ran out, so the smaller model {model} was taken"
            changes = msgspec.structs.replace(charged, retry_at=now, model=model, notes=(*job.notes, note))
            return Command.WAIT, note, changes
        case retry.GiveUp():
            return Command.FAIL, failure.message, charged


def as_failure(
    error: RunFailedError | CallFailedError | CallTimeoutError | WorkerDiedError | ModelNotFoundError | PullError,
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
        case ModelUnableError():
            return Failure(FailureKind.BAD_INPUT, error.message, error.hint)
        case ModelNotFoundError():
            return Failure(FailureKind.MODEL_LOAD, error.message, error.hint)
        case PullError():
            return Failure(_PULL_FAILURES.get(error.failure, FailureKind.MODEL_LOAD), error.message, error.hint)
