"""The last part of a session's course: what becomes of it, and the result that says so.

Owns: the text rules' place, that a text is stored before anybody is told, what is kept of a recording without one, and
the way through the queue. Leaves to others: the state's table (`transitions`), rules and filter (`finishing`), the
rows (`whisperd.store`), the files (`recordings`).
"""

import logging
import sqlite3
import time

import msgspec

from whisperd.dictation.finishing import finish
from whisperd.dictation.session import Session
from whisperd.dictation.surroundings import Surroundings
from whisperd.dictation.transitions import Command
from whisperd.errors import DatabaseError, DiskFullError, WhisperdError, WorkerError
from whisperd.events import EventsLostError
from whisperd.jobs.job import Kind, Priority, State
from whisperd.store import jobs, recordings, transcripts
from whisperd.store.jobs import JobRow, NewJob, Transitioned
from whisperd.transcripts.transcript import Transcript
from whisperd.wire import names
from whisperd.wire.dictate import DictateResult
from whisperd.wire.types import ErrorData

_log = logging.getLogger(__name__)


async def stored(session: Session, transcript: Transcript, around: Surroundings) -> DictateResult:
    """The text goes through the rules and the filter, into the history, and out, in this order."""
    before = around.before(session)
    text, problem = await finish(transcript, around.current.settings.rules, before)
    if session.cancelled:
        return await thrown_away(session, around)
    if not text.strip():
        return await nothing_heard(session, around)
    problem = problem or (ErrorData.of(session.problem) if session.problem else None)
    job = None
    if session.request.private:
        await _forget_private(session, around)
    else:
        transcript = msgspec.structs.replace(transcript, text=text)
        try:
            row = await _store(session, transcript, around)
            job = row.id
            around.completed(row)
        except (DatabaseError, DiskFullError) as error:
            # Better an unstored text than none; its recording is found and transcribed by the next daemon.
            _log.error("dictation %d could not be stored: %s", session.number, error.message)
            problem = ErrorData.of(error)
    if session.cancelled:
        return ended(session, None, problem)
    return _delivered(session, text, before, problem, job, around)


def _delivered(
    session: Session, text: str, before: str, problem: ErrorData | None, job: int | None, around: Surroundings
) -> DictateResult:
    text = around.delivered(text, before)
    around.last.keep("" if session.request.private else text)
    result = ended(session, Command.FINISH, problem, text, job)
    if not session.request.private:
        around.last.unstored = result if job is None else None
    return result


async def _store(session: Session, transcript: Transcript, around: Surroundings) -> JobRow:
    now = time.time()
    path = session.path
    assert path is not None
    new = NewJob(path=path, kind=Kind.DICTATION, priority=Priority.INTERACTIVE, options=session.request.options)
    changes = msgspec.structs.replace(transcripts.told_of(transcript), processing_time=transcript.processing_time)

    def save(connection: sqlite3.Connection) -> list[Transitioned]:
        made = jobs.insert_completed(connection, new, changes, session.started_at, now)
        transcripts.save(connection, made.job, transcript, now, latency=_latency(session))
        recordings.settle(connection, path, "transcribed", now)
        return [made]

    [row] = await around.ledger.commit(save)
    return row


async def nothing_heard(session: Session, around: Surroundings) -> DictateResult:
    """No words are in the recording, which is kept as one that needs no transcript."""
    await session.turn()
    if session.cancelled:
        return await thrown_away(session, around)
    problem = ErrorData.of(session.problem) if session.problem else None
    await _forget_private(session, around)
    if session.path is not None and not session.request.private:
        await _settle(session, "nothing_heard", around)
    return ended(session, Command.FIND_NOTHING, problem)


async def _settle(session: Session, outcome: str, around: Surroundings) -> None:
    assert session.path is not None
    try:
        await around.shelf.settle(session.path, outcome)
    except (DatabaseError, DiskFullError) as error:
        _log.error("dictation %d could not be settled: %s", session.number, error.message)


async def thrown_away(session: Session, around: Surroundings) -> DictateResult:
    """The session was cancelled: its recording is removed."""
    await session.over.wait()
    if session.path is not None:
        await around.shelf.remove(session.path)
    return ended(session, None)


async def failed(session: Session, error: ErrorData, around: Surroundings) -> DictateResult:
    """There is no text, because of this; a recording that may be kept is."""
    await _forget_private(session, around)
    return await thrown_away(session, around) if session.cancelled else ended(session, Command.FAIL, error)


async def _forget_private(session: Session, around: Surroundings) -> None:
    if session.request.private and session.path is not None:
        await session.over.wait()
        await around.shelf.remove(session.path)


async def by_the_queue(session: Session, around: Surroundings) -> DictateResult:
    """Make the recording an ordinary dictation job, and wait for its end; a private one has failed."""
    await session.over.wait()
    if session.cancelled:
        return await thrown_away(session, around)
    if session.request.private or session.path is None:
        await _forget_private(session, around)
        error = session.problem or WorkerError("the model's process failed twice", hint="run `whisperctl doctor`")
        return ended(session, Command.FAIL, ErrorData.of(error))
    new = NewJob(path=session.path, kind=Kind.DICTATION, priority=Priority.INTERACTIVE, options=session.request.options)
    try:
        [row] = await around.commands.submit([(new, None)])
        row, transcript = await _final_job(row.id, session, around)
    except WhisperdError as error:
        return ended(session, Command.FAIL, ErrorData.of(error))
    await session.turn()
    if session.cancelled:
        return ended(session, None)
    if row.state is not State.COMPLETED or transcript is None:
        failure = row.error
        message = failure.message if failure else f"its job {row.id} is {row.state.value}"
        hint = failure.hint if failure else None
        error = ErrorData("transcription", retryable=True, message=message, hint=hint)
        return ended(session, Command.FAIL, error, job=row.id)
    await _settle(session, "transcribed", around)
    if not transcript.text.strip():
        return ended(session, Command.FIND_NOTHING, job=row.id)
    return _delivered(session, transcript.text, around.before(session), None, row.id, around)


async def _final_job(job_id: int, session: Session, around: Surroundings) -> tuple[JobRow, Transcript | None]:
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


def ended(
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
