"""The first part of a session's course: from an opening microphone to a complete recording.

Owns: recording, its end by the person, the length or the microphone, and telling how loud it is. Leaves to others: the
recorder's process (`whisperd.workers.recorder`), the files (`recordings`), what is said (`thinking`).
"""

import logging
import time
from collections.abc import Callable

import anyio
import msgspec

from whisperd.dictation.session import AT_MAX_LENGTH, BY_MICROPHONE, Session
from whisperd.dictation.surroundings import Surroundings
from whisperd.dictation.transitions import Command
from whisperd.errors import MicrophoneError
from whisperd.events import Event
from whisperd.frames import SAMPLE_RATE
from whisperd.recorder.messages import Ended, Level
from whisperd.wire import dictate, names
from whisperd.workers.recorder import Take

_log = logging.getLogger(__name__)

HEADROOM = 0.5
"""Seconds before the maximum length at which the recording is ended: what is on its way still comes in."""


def release(session: Session, tell: Callable[[Session], None], reason: str | None) -> None:
    """End the session's recording, if it has not ended."""
    if session.allows(Command.RELEASE):
        session.reason = reason
        session.released_at = time.monotonic()
        session.give(Command.RELEASE)
        tell(session)
        session.let_go()


async def record(session: Session, around: Surroundings) -> None:
    """Record until the session is released; on return nothing more is recorded. What failed is `session.problem`."""
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
    release(session, around.tell, BY_MICROPHONE)
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
            release(session, around.tell, AT_MAX_LENGTH)


def _heard(session: Session, news: Level, around: Surroundings) -> None:
    session.hear(news)
    if session.allows(Command.HEAR):
        session.give(Command.HEAR)
        around.tell(session)
    level = dictate.DictateLevelEvent(session.number, news.level, news.peak)
    around.bus.publish(Event(names.TOPIC_DICTATE_LEVEL, time.time(), msgspec.to_builtins(level)))
