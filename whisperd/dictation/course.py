"""The course of one session, from an opening microphone to a stored text.

Owns: recording and decoding side by side, what happens when either fails, the text rules' place, and that a text is
stored before anybody is told. Leaves to others: which sessions there are (`service`), what has been decoded
(`decoding`), the files (`recordings`).

What fails while computing is tried once more at once; then the recording becomes an ordinary dictation job, with all
that the queue does for one, and its text is awaited here.
"""

import logging
import sqlite3
import time
from collections.abc import Callable

import anyio
import msgspec

from whisperd.config.current import Current
from whisperd.dictation import rules
from whisperd.dictation.decoding import Utterances
from whisperd.dictation.filter import run_filter
from whisperd.dictation.recordings import Shelf
from whisperd.dictation.session import Session, error_data
from whisperd.dictation.transitions import Command
from whisperd.errors import DatabaseError, DiskFullError, MicrophoneError, WhisperdError, WorkerError
from whisperd.events import Event, EventBus, EventsLostError
from whisperd.frames import SAMPLE_RATE
from whisperd.jobs.job import Kind, Priority, State
from whisperd.ledger import Ledger
from whisperd.recorder.messages import Ended, Level
from whisperd.scheduler import Scheduler
from whisperd.store import jobs, recordings, transcripts
from whisperd.store.jobs import JobChanges, JobRow, NewJob, Transitioned
from whisperd.transcripts.transcript import Transcript
from whisperd.wire import dictate, names
from whisperd.wire.dictate import DictateResult
from whisperd.wire.types import ErrorData
from whisperd.workers.recorder import Microphone, Take

_log = logging.getLogger(__name__)

SHORTEST = 0.3
"""Seconds; a key that was only touched."""

LISTEN_INTERVAL = SAMPLE_RATE // 2
"""Samples after which it is worth looking for a pause again."""

HEADROOM = 0.5
"""Seconds before the maximum length at which the recording is ended: what is on its way still comes in."""


class Surroundings(msgspec.Struct, frozen=True):
    """What a session works with; `tell` says what its state is now."""

    ledger: Ledger
    scheduler: Scheduler
    bus: EventBus
    current: Current
    microphone: Microphone
    shelf: Shelf
    tell: Callable[[Session], None]

    def delivered(self, text: str) -> str:
        """The text as it is handed out."""
        return f"{text} " if text and self.current.settings.rules.trailing_space else text


class _NothingHeardError(Exception):
    """There are no words in the recording."""


class _FailedError(Exception):
    """There will be no text, for a reason that the person is told."""

    def __init__(self, error: ErrorData) -> None:
        super().__init__(error.message)
        self.error = error


def release(session: Session, tell: Callable[[Session], None], reason: str | None) -> None:
    """End the session's recording, if it has not ended."""
    if session.allows(Command.RELEASE):
        session.reason = reason
        session.released_at = time.monotonic()
        session.give(Command.RELEASE)
        tell(session)
        session.let_go()


async def run(session: Session, around: Surroundings) -> None:
    """From the microphone to the result; on return the session is settled."""
    result = DictateResult(session.number, session.state)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_record, session, around)
            result = await _text_of(session, around)
            session.let_go()
    except Exception:
        _log.exception("dictation %d failed by a defect of whisperd", session.number)
        error = ErrorData(
            "internal", retryable=False, message="whisperd met a defect of its own; its log has the details"
        )
        result = _ended(session, Command.FAIL, error)
    finally:
        session.end_recording()
        session.settle(result)
        around.tell(session)


# -- recording --------------------------------------------------------------------------------------------------------


async def _record(session: Session, around: Surroundings) -> None:
    try:
        folder, stem = await around.shelf.place(private=session.request.private)
        async with around.microphone.record(folder, stem, session.request.device) as take:
            session.opened = take.opened
            session.answering.set()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_stop_when_released, session, take)
                session.problem = await _problem_while_following(session, take, around)
                session.let_go()
    except MicrophoneError as error:
        session.problem = error
    except OSError as error:
        session.problem = MicrophoneError(f"no recording can be made: {error.strerror}", hint="check the disk")
    if session.problem is not None:
        _log.warning("dictation %d: %s", session.number, session.problem.message)
    release(session, around.tell, "microphone")
    session.end_recording()


async def _stop_when_released(session: Session, take: Take) -> None:
    await session.released.wait()
    await take.stop()


async def _problem_while_following(session: Session, take: Take, around: Surroundings) -> MicrophoneError | None:
    """What ended the recording, if it was not ended as asked."""
    try:
        await _follow(session, take, around)
    except MicrophoneError as error:
        return error
    return None


async def _follow(session: Session, take: Take, around: Surroundings) -> None:
    limit = (around.current.settings.dictation.max_length - HEADROOM) * SAMPLE_RATE
    async for news in take.news():
        if isinstance(news, Ended):
            session.hear(Level(0.0, news.peak, news.samples))
            if news.overflows:
                _log.warning("dictation %d: frames were lost %d times", session.number, news.overflows)
            if news.error is not None:
                raise MicrophoneError(news.error, hint="`whisperctl dictate devices` lists the microphones there are")
            return
        _heard(session, news, around)
        if news.samples >= limit:
            release(session, around.tell, "max_length")


def _heard(session: Session, news: Level, around: Surroundings) -> None:
    session.hear(news)
    if session.allows(Command.HEAR):
        session.give(Command.HEAR)
        around.tell(session)
    level = dictate.DictateLevelEvent(session.number, news.level, news.peak)
    around.bus.publish(Event(names.TOPIC_DICTATE_LEVEL, time.time(), msgspec.to_builtins(level)))


# -- from recording to text -------------------------------------------------------------------------------------------


async def _text_of(session: Session, around: Surroundings) -> DictateResult:
    """The session's result, once it is its turn."""
    try:
        transcript = await _transcribed(session, around)
        if session.before is not None:
            await session.before.settled.wait()
        if session.cancelled:
            return await _thrown_away(session, around)
        return await _stored(session, transcript, around)
    except _NothingHeardError:
        return await _nothing(session, around)
    except _FailedError as failed:
        await _forget_private(session, around)
        return await _thrown_away(session, around) if session.cancelled else _ended(session, Command.FAIL, failed.error)
    except WorkerError:
        return await _by_the_queue(session, around)


async def _transcribed(session: Session, around: Surroundings) -> Transcript:
    """Decode while it is recorded, and the rest. Raises WorkerError when that fails twice."""
    settings = around.current.settings
    utterances = Utterances(around.scheduler, session.request.engine, settings.workers.batch_deadline)
    failed = False
    while True:
        try:
            return await _follow_speech(session, utterances, around)
        except WorkerError as error:
            _log.warning("dictation %d: %s", session.number, error.message)
            if failed or session.cancelled:
                raise
            failed = True


async def _follow_speech(session: Session, utterances: Utterances, around: Surroundings) -> Transcript:
    await utterances.load()
    await session.answering.wait()
    while not session.released.is_set():
        if session.path is not None and await utterances.advance(session.path):
            _publish(session, utterances, around)
        await session.recorded(utterances.heard + LISTEN_INTERVAL)
    if session.path is None:
        await session.over.wait()
        assert session.problem is not None
        raise _FailedError(error_data(session.problem))
    transcript = await utterances.finish(session.path, lambda: _worth_decoding(session))
    chosen = around.current.settings.rules
    if rules.is_invented(
        transcript.text,
        peak=session.peak,
        no_speech=utterances.no_speech,
        confidence=transcript.confidence,
        more=chosen.hallucinations,
    ):
        raise _NothingHeardError
    text = rules.finish(transcript.text, transcript.language, chosen)
    return msgspec.structs.replace(transcript, text=text)


async def _worth_decoding(session: Session) -> float:
    """Wait until nothing more is recorded; the seconds there are. Raises _NothingHeardError where it is too short."""
    await session.over.wait()
    if session.duration < SHORTEST or session.cancelled:
        raise _NothingHeardError
    return session.duration


def _publish(session: Session, utterances: Utterances, around: Surroundings) -> None:
    session.committed = rules.finish(utterances.text, utterances.language, around.current.settings.rules)
    partial = dictate.DictatePartialEvent(session.number, session.committed, "")
    around.bus.publish(Event(names.TOPIC_DICTATE_PARTIAL, time.time(), msgspec.to_builtins(partial)))


async def _filtered(text: str, around: Surroundings) -> tuple[str, ErrorData | None]:
    chosen = around.current.settings.rules
    if not chosen.filter or not text:
        return text, None
    text, problem = await run_filter(chosen.filter, text, chosen.filter_timeout)
    return text, ErrorData("filter", retryable=True, message=problem) if problem else None


# -- ends -------------------------------------------------------------------------------------------------------------


async def _stored(session: Session, transcript: Transcript, around: Surroundings) -> DictateResult:
    """The text goes through the filter, into the history, and out, in this order."""
    text, problem = await _filtered(transcript.text, around)
    if session.cancelled:
        return await _thrown_away(session, around)
    if not text.strip():
        return await _nothing(session, around)
    problem = problem or (error_data(session.problem) if session.problem else None)
    job = None
    if session.request.private:
        await _forget_private(session, around)
    else:
        transcript = msgspec.structs.replace(transcript, text=text)
        try:
            job = (await _store(session, transcript, around)).id
        except (DatabaseError, DiskFullError) as error:
            # Better an unstored text than none; its recording is found and transcribed by the next daemon.
            _log.error("dictation %d could not be stored: %s", session.number, error.message)
            problem = error_data(error)
    if session.cancelled:
        return _ended(session, None, problem)
    return _ended(session, Command.FINISH, problem, around.delivered(text), job)


async def _store(session: Session, transcript: Transcript, around: Surroundings) -> JobRow:
    now = time.time()
    path = session.path
    assert path is not None
    new = NewJob(path=path, kind=Kind.DICTATION, priority=Priority.INTERACTIVE, options=session.request.options)
    changes = JobChanges(
        duration=transcript.duration,
        done=transcript.duration,
        processing_time=transcript.processing_time,
        language=transcript.language,
        language_probability=transcript.language_probability,
        model=transcript.model,
        device=transcript.device,
        partial=False,
        missing=0.0,
        confidence=transcript.confidence,
    )

    def save(connection: sqlite3.Connection) -> list[Transitioned]:
        stored = jobs.insert_completed(connection, new, changes, session.started_at, now)
        transcripts.save(connection, stored.job, transcript, now, latency=_latency(session))
        recordings.settle(connection, path, "transcribed", now)
        return [stored]

    [row] = await around.ledger.commit(save)
    return row


async def _nothing(session: Session, around: Surroundings) -> DictateResult:
    if session.before is not None:
        await session.before.settled.wait()
    if session.cancelled:
        return await _thrown_away(session, around)
    problem = error_data(session.problem) if session.problem else None
    await _forget_private(session, around)
    if session.path is not None and not session.request.private:
        await _settle(session, "nothing_heard", around)
    return _ended(session, Command.FIND_NOTHING, problem)


async def _settle(session: Session, outcome: str, around: Surroundings) -> None:
    assert session.path is not None
    try:
        await around.shelf.settle(session.path, outcome)
    except (DatabaseError, DiskFullError) as error:
        _log.error("dictation %d could not be settled: %s", session.number, error.message)


async def _thrown_away(session: Session, around: Surroundings) -> DictateResult:
    await session.over.wait()
    if session.path is not None:
        await around.shelf.remove(session.path)
    return _ended(session, None)


async def _forget_private(session: Session, around: Surroundings) -> None:
    if session.request.private and session.path is not None:
        await session.over.wait()
        await around.shelf.remove(session.path)


async def _by_the_queue(session: Session, around: Surroundings) -> DictateResult:
    """Make the recording an ordinary dictation job, and wait for its end."""
    await session.over.wait()
    if session.cancelled:
        return await _thrown_away(session, around)
    if session.request.private or session.path is None:
        await _forget_private(session, around)
        error = session.problem or WorkerError("the model's process failed twice", hint="run `whisperctl doctor`")
        return _ended(session, Command.FAIL, error_data(error))
    new = NewJob(path=session.path, kind=Kind.DICTATION, priority=Priority.INTERACTIVE, options=session.request.options)
    try:
        [row] = await around.scheduler.submit([(new, None)])
        row, transcript = await _job_ended(row.id, session, around)
    except WhisperdError as error:
        return _ended(session, Command.FAIL, error_data(error))
    if session.before is not None:
        await session.before.settled.wait()
    if session.cancelled:
        return _ended(session, None)
    if row.state is not State.COMPLETED or transcript is None:
        failure = row.error
        message = failure.message if failure else f"its job {row.id} is {row.state.value}"
        hint = failure.hint if failure else None
        error = ErrorData("transcription", retryable=True, message=message, hint=hint)
        return _ended(session, Command.FAIL, error, job=row.id)
    await _settle(session, "transcribed", around)
    text = rules.finish(transcript.text, transcript.language, around.current.settings.rules)
    text, problem = await _filtered(text, around)
    if not text.strip():
        return _ended(session, Command.FIND_NOTHING, problem, job=row.id)
    return _ended(session, Command.FINISH, problem, around.delivered(text), row.id)


async def _job_ended(job_id: int, session: Session, around: Surroundings) -> tuple[JobRow, Transcript | None]:
    """The job in its final state, with its transcript if it has one; earlier where the session is cancelled."""
    database = around.ledger.database

    def look(connection: sqlite3.Connection) -> tuple[JobRow | None, Transcript | None]:
        return jobs.get(connection, job_id), transcripts.get(connection, job_id)

    while True:
        with around.bus.subscribe(topics=[names.TOPIC_JOB_STATE], jobs=[job_id]) as changes:
            row, transcript = await database.read(look)
            if row is None:
                raise WorkerError(f"job {job_id}, which this dictation had become, was deleted")
            if row.state.final or session.cancelled:
                return row, transcript
            try:
                await anext(changes)
            except EventsLostError:
                continue


def _latency(session: Session) -> float | None:
    return None if session.released_at is None else round(time.monotonic() - session.released_at, 4)


def _ended(
    session: Session,
    command: Command | None,
    error: ErrorData | None = None,
    text: str = "",
    job: int | None = None,
) -> DictateResult:
    """The result after a last change of state; None where the state is final already."""
    if command is not None and session.allows(command):
        session.give(command)
    return DictateResult(session.number, session.state, text, job, session.duration, _latency(session), error)
