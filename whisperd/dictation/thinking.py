"""The second part of a session's course: from its recording, while that still grows, to its text.

Owns: when a pause is looked for, trying once more what failed, and which texts are not believed. Leaves to others: what
has been decoded (`decoding`), the rules (`rules`), what becomes of the text (`ending`).
"""

import logging
import time

import msgspec

from whisperd.dictation import rules
from whisperd.dictation.decoding import Utterances
from whisperd.dictation.session import Session
from whisperd.dictation.surroundings import Surroundings
from whisperd.errors import WorkerError
from whisperd.events import Event
from whisperd.frames import SAMPLE_RATE
from whisperd.jobs.checks import RunFailedError
from whisperd.transcripts.transcript import Transcript
from whisperd.wire import dictate, names
from whisperd.wire.types import ErrorData

_log = logging.getLogger(__name__)

SHORTEST = 0.3
"""Seconds; a key that was only touched."""

LISTEN_INTERVAL = SAMPLE_RATE // 2
"""Samples after which it is worth looking for a pause again."""

GUESSING_REST = 2
"""Times as long as an utterance in progress took to decode until it is decoded again: the lane is free for two thirds
of the time, so that a release is seldom kept waiting."""


class NothingHeardError(Exception):
    """There are no words in the recording."""


class FailedError(Exception):
    """There will be no text, for a reason that the person is told."""

    def __init__(self, error: ErrorData) -> None:
        super().__init__(error.message)
        self.error = error


async def transcribed(session: Session, around: Surroundings) -> Transcript:
    """Decode while it is recorded, and the rest; the text is as decoded. Raises WorkerError when that fails twice."""
    settings = around.current.settings
    utterances = Utterances(around.scheduler, session.request.engine, settings.workers.batch_deadline)
    failed = False
    while True:
        try:
            return await _follow_speech(session, utterances, around)
        except RunFailedError as error:
            told = error.failure
            raise FailedError(
                ErrorData("transcription", retryable=False, message=told.message, hint=told.hint)
            ) from None
        except WorkerError as error:
            _log.warning("dictation %d: %s", session.number, error.message)
            if failed or session.cancelled:
                raise
            failed = True


async def _follow_speech(session: Session, utterances: Utterances, around: Surroundings) -> Transcript:
    await utterances.load()
    await session.answering.wait()
    guess_from = 0
    while not session.released.is_set():
        if session.path is not None and await utterances.advance(session.path):
            _publish(session, utterances, around)
        elif utterances.speaking and session.level.samples >= guess_from and _may_guess(session, around):
            assert session.path is not None
            _publish(session, utterances, around, await utterances.sounding(session.path))
            guess_from = session.level.samples + GUESSING_REST * (session.level.samples - utterances.heard)
        await session.recorded(utterances.heard + LISTEN_INTERVAL)
    if session.path is None:
        await session.over.wait()
        assert session.problem is not None
        raise FailedError(ErrorData.of(session.problem))
    transcript = await utterances.finish(session.path, lambda: _worth_decoding(session))
    if rules.is_invented(
        transcript.text,
        peak=session.peak,
        no_speech=utterances.no_speech,
        confidence=transcript.confidence,
        more=around.current.settings.rules.hallucinations,
    ):
        raise NothingHeardError
    return transcript


async def _worth_decoding(session: Session) -> float:
    """Wait until nothing more is recorded; the seconds there are. Raises NothingHeardError where it is too short."""
    await session.over.wait()
    if session.duration < SHORTEST or session.cancelled:
        raise NothingHeardError
    return session.duration


def _may_guess(session: Session, around: Surroundings) -> bool:
    wanted = around.current.settings.dictation.partial_text
    return wanted and session.before is None and not session.released.is_set()


def _publish(session: Session, utterances: Utterances, around: Surroundings, sounding: str = "") -> None:
    """Tell what is committed, and what follows it as it sounds by now."""
    if session.before is not None:
        return  # what its text goes on from is not known yet, and committed text never changes
    before, chosen = around.before(session), around.current.settings.rules
    committed = rules.finish(utterances.text, utterances.language, chosen, before)
    following = rules.finish(sounding, utterances.language, chosen, committed or before)
    session.committed = committed
    text = rules.join(committed, following)[len(committed) :]
    partial = dictate.DictatePartialEvent(session.number, session.committed, text)
    around.bus.publish(Event(names.TOPIC_DICTATE_PARTIAL, time.time(), msgspec.to_builtins(partial)))
