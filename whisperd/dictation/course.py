"""The course of one session, from an opening microphone to a stored text.

Owns: that recording and decoding go on side by side, which end follows from what, and that every session ends. Leaves
to others: which sessions there are (`service`), the parts of the course (`listening`, `thinking`, `ending`).

What fails while computing is tried once more at once; then the recording becomes an ordinary dictation job, with all
that the queue does for one, and its text is awaited here.
"""

import logging

import anyio

from whisperd.dictation import ending
from whisperd.dictation.listening import record
from whisperd.dictation.session import Session
from whisperd.dictation.surroundings import Surroundings
from whisperd.dictation.thinking import FailedError, NothingHeardError, transcribed
from whisperd.dictation.transitions import Command
from whisperd.errors import WorkerError
from whisperd.wire.dictate import DictateResult
from whisperd.wire.types import ErrorData

_log = logging.getLogger(__name__)


async def run(session: Session, around: Surroundings) -> None:
    """From the microphone to the result; on return the session is settled."""
    result = DictateResult(session.number, session.state)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(record, session, around)
            result = await _text_of(session, around)
            session.let_go()
    except Exception:
        _log.exception("dictation %d failed by a defect of whisperd", session.number)
        error = ErrorData(
            "internal", retryable=False, message="whisperd met a defect of its own; its log has the details"
        )
        result = ending.ended(session, Command.FAIL, error)
    finally:
        session.end_recording()
        session.settle(result)
        around.tell(session)


async def _text_of(session: Session, around: Surroundings) -> DictateResult:
    """The session's result, once it is its turn."""
    try:
        transcript = await transcribed(session, around)
        await session.turn()
        if session.cancelled:
            return await ending.thrown_away(session, around)
        return await ending.stored(session, transcript, around)
    except NothingHeardError:
        return await ending.nothing_heard(session, around)
    except FailedError as failed:
        return await ending.failed(session, failed.error, around)
    except WorkerError:
        return await ending.by_the_queue(session, around)
