"""From a growing recording to its transcript, utterance by utterance.

Owns: what of one recording has been decoded so far. What is decoded stays as it is; a call that failed can simply be
made again. Leaves to others: when to look (`thinking`), who computes when (`Scheduler.lease`), computing (the worker).
"""

from collections.abc import Awaitable, Callable

import msgspec

from whisperd import frames
from whisperd.frames import ChunkResult, Source
from whisperd.jobs import checks
from whisperd.jobs.batching import batch_deadline
from whisperd.models.engine import Engine
from whisperd.scheduler import Scheduler
from whisperd.transcription import LANGUAGE_CHUNKS, WRITE_DEADLINE
from whisperd.transcripts import chinese
from whisperd.transcripts.transcript import Transcript, assemble, joined_text
from whisperd.workers.lane import Lane

LISTEN_DEADLINE = 60.0
"""Seconds for finding the speech in at most a recording's length; the first time a library is loaded for it."""

DETECT_DEADLINE = 120.0

EXPECTED = 10.0
"""Seconds that decoding one utterance is expected to take at most, for its deadline."""


class Utterances:
    """The decoded part of one recording. Raises what `Lane.call` raises, and RunFailedError for a model that turns out
    to be unable."""

    def __init__(self, scheduler: Scheduler, engine: Engine, least_deadline: float) -> None:
        self._scheduler = scheduler
        self._engine = engine
        self._least_deadline = least_deadline
        self._results: list[ChunkResult] = []
        self._next = 0
        self._language = engine.language
        self._language_probability = 1.0
        self._seconds = 0.0
        self.speaking = False
        """Whether somebody is in the middle of an utterance, as far as has been listened."""
        self.heard = 0
        """Samples that have been listened to."""

    @property
    def text(self) -> str:
        segments = (segment for result in self._results for segment in result.segments)
        return joined_text(segments)

    @property
    def language(self) -> str | None:
        return self._language

    @property
    def no_speech(self) -> float:
        """The model's own doubt, 0 to 1: the highest of all segments."""
        return max((s.no_speech_prob for result in self._results for s in result.segments), default=0.0)

    async def load(self) -> None:
        """Have the model loaded."""
        async with self._scheduler.lease() as lane:
            await self._load(lane)

    async def advance(self, path: bytes) -> bool:
        """Decode the utterances that have ended by now; whether there were any. Hearing a pause stops nothing."""
        found = await self._listen(self._scheduler.interactive_lane, path, ended=False)
        if found.chunks:
            async with self._scheduler.lease() as lane:
                await self._decode(lane, path, found)
        self._next = found.next_start
        self.speaking = found.speaking
        return bool(found.chunks)

    async def sounding(self, path: bytes) -> str:
        """What follows the decoded utterances, as it sounds by now: it may change, and nothing of it is kept.

        Nothing where the language is not known yet: half an utterance is too little to tell it by.
        """
        if self._language is None:
            return ""
        found = await self._listen(self._scheduler.interactive_lane, path, ended=True)
        if not found.chunks:
            return ""
        async with self._scheduler.lease() as lane:
            await self._load(lane)
            options = msgspec.structs.replace(self._engine.decode_options(self._language), fallback=False)
            decoded = await self._decoded(lane, path, found, options)
        return joined_text(segment for result in decoded.results for segment in result.segments)

    async def finish(self, path: bytes, recorded: Callable[[], Awaitable[float]]) -> Transcript:
        """Decode what is left of a recording that is about to end; the whole transcript.

        `recorded` waits for the end and gives the seconds there are; the lane is taken before that, so that no file is
        being decoded any more when the last words come in.
        """
        async with self._scheduler.lease() as lane:
            loaded = await self._load(lane)
            duration = await recorded()
            found = await self._listen(lane, path, ended=True)
            await self._decode(lane, path, found)
            self._next = found.next_start
        return assemble(
            self._results,
            language=self._language,
            language_probability=self._language_probability if self._language else 0.0,
            duration=duration,
            processing_time=round(self._seconds, 3),
            model=self._engine.model,
            device=loaded.device,
        )

    async def _load(self, lane: Lane) -> frames.Loaded:
        engine = self._engine
        loaded = await lane.load(engine.model, engine.load)
        checks.languages(loaded, engine.model, engine.language, engine.task, multilingual=engine.multilingual)
        return loaded

    async def _listen(self, lane: Lane, path: bytes, *, ended: bool) -> frames.Heard:
        call = frames.Listen(Source(path, growing=True), self._next, ended, self._engine.audio_context)
        found = await lane.call(call, frames.Heard, deadline=LISTEN_DEADLINE)
        self.heard = found.end
        return found

    async def _decode(self, lane: Lane, path: bytes, found: frames.Heard) -> None:
        if not found.chunks:
            return
        await self._load(lane)
        if self._language is None:
            await self._detect_language(lane, path, found)
        assert self._language is not None
        decoded = await self._decoded(lane, path, found, self._engine.decode_options(self._language))
        self._results += decoded.results
        self._seconds += decoded.seconds

    async def _decoded(
        self, lane: Lane, path: bytes, found: frames.Heard, options: frames.DecodeOptions
    ) -> frames.Decoded:
        call = frames.Decode(Source(path, growing=True), _block(found), found.chunks, options)
        deadline = batch_deadline(EXPECTED * len(found.chunks), self._least_deadline)
        decoded = await lane.call(call, frames.Decoded, deadline=deadline)
        return msgspec.structs.replace(decoded, results=await self._written(lane, decoded.results))

    async def _written(self, lane: Lane, results: tuple[ChunkResult, ...]) -> tuple[ChunkResult, ...]:
        """The results with Chinese in the characters that were asked for."""
        characters = self._engine.chinese
        if characters is None or not (texts := chinese.texts_of(results, self._language)):
            return results
        call = frames.WriteChinese(texts, characters)
        written = await lane.call(call, frames.ChineseWritten, deadline=WRITE_DEADLINE)
        return chinese.with_texts(results, self._language, written.texts)

    async def _detect_language(self, lane: Lane, path: bytes, found: frames.Heard) -> None:
        allowed = self._engine.languages
        call = frames.DetectLanguage(Source(path, growing=True), _block(found), found.chunks[:LANGUAGE_CHUNKS], allowed)
        told = await lane.call(call, frames.LanguageDetected, deadline=DETECT_DEADLINE)
        self._language, self._language_probability = told.language, told.probability


def _block(found: frames.Heard) -> tuple[int, int]:
    return found.chunks[0].start, found.chunks[-1].end
