"""One run of one job on a lane: from its checkpoint, or its beginning, to its transcript.

Owns: the order of a run (open, load, plan, detect, calibrate, decode) and storing every step before the next one
begins, so that a run can end at any moment and the next goes on in the same plan. Leaves to others: when a run starts
and what its end means for the job (`whisperd.scheduler`), computing (`whisperd.worker`).

Exact resumption rests on what is stored before any decoding: the block's plan with its batches, the language, and the
engine's fingerprint (the options are stored with the job). Another fingerprint discards the checkpoint and says so in
the notes.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from whisperd import frames
from whisperd.frames import BlockPlan, FailureKind
from whisperd.jobs import batching, checks
from whisperd.jobs.job import Stage
from whisperd.mates import GaveWayError, Mates, Wish
from whisperd.models.engine import Engine
from whisperd.store import checkpoints, jobs, measurements
from whisperd.store.connection import Database
from whisperd.store.jobs import JobChanges, JobRow
from whisperd.transcripts import chinese
from whisperd.transcripts.transcript import Transcript, assemble
from whisperd.workers.lane import CallFailedError, Lane, NamedModel

R = TypeVar("R", bound=frames.Reply)

OPEN_DEADLINE = 600.0
"""Seconds to identify a file: hashing 60 GB at 100 MB/s."""

BLOCK_SECONDS = 600.0
"""Seconds of audio of which the worker holds the samples at once, at most, of each file."""

CALIBRATION_BUDGET = 20.0
"""Seconds of decoding that finding an accelerator's best batch size may cost, once for each engine and kind of
decoding."""

CALIBRATION_CHUNKS = 16
"""Chunks that calibration may use; the first block must hold at least a quarter of them to be worth it."""

WRITE_DEADLINE = 120.0
"""Seconds for putting a transcript into other characters: loading a library, and some microseconds a character."""

LANGUAGE_CHUNKS = 4
"""Chunks, at most two minutes, that the language is found from."""


Tell = Callable[[tuple[frames.Segment, ...]], None]
"""Told of the segments of each decoding batch, in the order of time, once they are stored; must not block."""


class Report(Protocol):
    """Told of every step, with the job as it is then; called on the event loop, must not block."""

    def __call__(self, stage: Stage, now: JobRow) -> None: ...


class Run:
    """A run in progress; `transcribe` is its only entry."""

    def __init__(
        self,
        job: JobRow,
        engine: Engine,
        *,
        lane: Lane,
        mates: Mates,
        database: Database,
        report: Report,
        tell_segments: Tell,
        give_way: Callable[[], bool],
        batch_deadline: float,
        real_time_factor: float,
        limit: float | None = None,
        longest: float | None = None,
        known: Callable[[JobRow], Awaitable[Transcript | None]] | None = None,
    ) -> None:
        """`batch_deadline` is the least that a decoding batch is given, in seconds; `real_time_factor` is what to
        expect of the model; `limit` the seconds of computing
        that the job may take in all; `longest` the seconds of audio it may have; `known` is asked, once the file is
        open, for a transcript that makes decoding it superfluous."""
        self._job = job
        self._engine = engine
        self._lane = lane
        self._mates = mates
        self._database = database
        self._report = report
        self._tell_segments = tell_segments
        self._give_way = give_way
        self._batch_deadline = batch_deadline
        self._real_time_factor = real_time_factor
        self._limit = limit
        self._longest = longest
        self._known = known
        self._source = frames.Source(job.audio, job.identity)
        self._loaded: frames.Loaded | None = None
        self._expected = 0.0

    async def transcribe(self) -> Transcript:
        """Run the job to its transcript, storing every batch. The transcript itself is not stored here.

        Raises RunFailedError, GaveWayError, and what `Lane.call` raises.
        """
        await self._open()
        if self._known and (transcript := await self._known(self._job)):
            return transcript
        blocks = 1.0 if self._job.duration is None else min(1.0, self._job.duration / BLOCK_SECONDS)
        async with self._mates.room(blocks):
            return await self._decode_all()

    async def _decode_all(self) -> Transcript:
        await self._load()
        checkpoint = await self._database.read(lambda c: checkpoints.load(c, self._job.id))
        for stored in checkpoint.blocks[-1:]:
            await self._decode_block(stored.block, stored.plan, stored.decoded)
        block, start = checkpoint.next_block, checkpoint.next_start
        while start is not None:
            plan = await self._plan(block, start)
            await self._decode_block(block, plan, frozenset())
            block, start = block + 1, plan.next_start
        return await self._finish()

    # -- before decoding ----------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        self._tell(Stage.OPENING)
        opened = await self._call(
            frames.Open(frames.Source(self._job.audio), max(1, len(self._lane.jobs))),
            frames.Opened,
            deadline=OPEN_DEADLINE,
        )
        checks.same_content(self._job.identity, opened.identity)
        checks.length(opened.duration, self._longest)
        self._source = frames.Source(self._job.audio, opened.identity)
        await self._update(JobChanges(identity=opened.identity, duration=opened.duration or self._job.duration))

    async def _load(self) -> None:
        self._tell(Stage.LOADING_MODEL)
        if self._job.model != self._engine.model:
            await self._update(JobChanges(model=self._engine.model))
        self._loaded = loaded = await self._lane.load(self._engine.model, self._engine.load)
        engine = self._engine
        checks.languages(loaded, engine.model, engine.language, engine.task, multilingual=engine.multilingual)
        if self._job.fingerprint not in (None, loaded.fingerprint):
            await self._start_again()
        if self._lane.fallback and self._lane.fallback not in self._job.notes:
            await self._update(JobChanges(notes=(*self._job.notes, self._lane.fallback)))
        changes = JobChanges(
            identity=self._source.identity,
            fingerprint=loaded.fingerprint,
            device=loaded.device,
            batch_size=self._job.batch_size or await self._first_batch_size(loaded),
        )
        await self._update(changes)

    async def _start_again(self) -> None:
        note = "the engine changed (model, device, precision or library version), so the file was started again"
        duration, notes = self._job.duration, (*self._job.notes, note)

        def discard(connection: sqlite3.Connection) -> JobRow:
            checkpoints.discard(connection, self._job.id)
            return jobs.update(connection, self._job.id, JobChanges(duration=duration, notes=notes, batch_size=None))

        self._job = await self._database.write(discard)

    async def _first_batch_size(self, loaded: frames.Loaded) -> int | None:
        """The batch size by the model's speed on a CPU, by calibration elsewhere; None when that is still to be
        done."""
        engine = self._engine
        if loaded.device == "cpu":
            self._expected = self._real_time_factor * batching.LONGEST_CHUNK
            return batching.cpu_batch_size(self._real_time_factor)
        known = await self._database.read(
            lambda c: measurements.calibration(c, loaded.fingerprint, engine.beam_size, engine.audio_context)
        )
        return None if known is None else self._batch_size(known.batch_size, known.seconds_per_chunk)

    def _batch_size(self, best: int, seconds_per_chunk: dict[int, float]) -> int:
        self._expected = seconds_per_chunk[best]
        return batching.bounded_batch_size(best, seconds_per_chunk[best])

    async def _plan(self, block: int, start: int) -> BlockPlan:
        self._tell(Stage.TRANSCRIBING)
        planned = await self._call(
            frames.Plan(self._source, start, self._engine.audio_context),
            frames.Planned,
            deadline=120.0 + start / frames.SAMPLE_RATE / 50,  # a resumed file is decoded again up to here
        )
        plan = planned.plan
        if plan.chunks:
            language = await self._detect_language(plan)
            if self._job.batch_size is None:
                await self._calibrate(plan, language)
        batches = batching.group(plan.chunks, self._job.batch_size or 1)
        plan = msgspec.structs.replace(plan, batches=batches)
        await self._database.write(lambda c: checkpoints.save_block(c, self._job.id, block, plan))
        return plan

    async def _detect_language(self, plan: BlockPlan) -> str:
        if self._job.language is not None:
            return self._job.language
        if self._engine.language is not None:
            language, probability = self._engine.language, 1.0
        else:
            self._tell(Stage.DETECTING_LANGUAGE)
            detected = await self._call(
                frames.DetectLanguage(
                    self._source, (plan.start, plan.end), plan.chunks[:LANGUAGE_CHUNKS], self._engine.languages
                ),
                frames.LanguageDetected,
                deadline=120.0,
            )
            language, probability = detected.language, detected.probability
        await self._update(JobChanges(language=language, language_probability=probability))
        return language

    async def _calibrate(self, plan: BlockPlan, language: str) -> None:
        loaded, engine = self._loaded, self._engine
        assert loaded is not None
        if len(plan.chunks) * 4 < CALIBRATION_CHUNKS:
            await self._update(JobChanges(batch_size=batching.ON_ACCELERATOR))
            return
        call = frames.Calibrate(
            self._source,
            (plan.start, plan.end),
            plan.chunks[:CALIBRATION_CHUNKS],
            engine.decode_options(language),
            CALIBRATION_BUDGET,
        )
        deadline = 2 * CALIBRATION_BUDGET + self._batch_deadline
        try:
            found = await self._call(call, frames.Calibrated, deadline=deadline)
        except CallFailedError as error:
            if error.failure is not FailureKind.OUT_OF_MEMORY:
                raise
            await self._update(JobChanges(batch_size=1))
            return
        await self._database.write(
            lambda c: measurements.save_calibration(
                c,
                loaded.fingerprint,
                engine.beam_size,
                engine.audio_context,
                found.batch_size,
                found.seconds_per_chunk,
            )
        )
        await self._update(JobChanges(batch_size=self._batch_size(found.batch_size, found.seconds_per_chunk)))

    # -- decoding -----------------------------------------------------------------------------------------------------

    async def _decode_block(self, block: int, plan: BlockPlan, decoded: frozenset[int]) -> None:
        for batch, indices in enumerate(plan.batches):
            if batch in decoded:
                continue
            self._tell(Stage.TRANSCRIBING)
            await self._decode_batch(block, plan, batch, indices)
            checks.computing(self._job.processing_time, self._limit)
            if self._give_way():
                raise GaveWayError
        if plan.next_start is not None:
            await self._update(JobChanges(done=plan.next_start / frames.SAMPLE_RATE))

    async def _decode_batch(self, block: int, plan: BlockPlan, batch: int, indices: tuple[int, ...]) -> None:
        """Decode and store a batch of the plan; in pieces where memory has run out since it was planned."""
        size = self._job.batch_size or len(indices)
        results: tuple[frames.ChunkResult, ...] = ()
        seconds = 0.0
        for at in range(0, len(indices), size):
            chunks = tuple(plan.chunks[index] for index in indices[at : at + size])
            reply = await self._decode(plan, chunks)
            results += reply.results
            seconds += reply.seconds
        self._expected = max(seconds / len(indices), self._expected * 0.8)
        done = max(self._job.done, max(result.chunk.end for result in results) / frames.SAMPLE_RATE)
        await self._database.write(
            lambda c: checkpoints.save_batch(c, self._job.id, block, batch, results, seconds, done)
        )
        self._job = msgspec.structs.replace(self._job, done=done, processing_time=self._job.processing_time + seconds)
        in_time = sorted(results, key=lambda result: result.chunk.start)
        self._tell_segments(tuple(segment for result in in_time for segment in result.segments))

    async def _decode(self, plan: BlockPlan, chunks: tuple[frames.Chunk, ...]) -> frames.Decoded:
        assert self._job.language is not None
        assert self._loaded is not None
        call = frames.Decode(
            self._source, (plan.start, plan.end), chunks, self._engine.decode_options(self._job.language)
        )
        wish = Wish(
            call,
            self._model,
            self._loaded,
            expected=self._expected * len(chunks),
            least=self._batch_deadline,
            give_way=self._give_way,
        )
        return await self._mates.decode(wish)

    async def _call(self, call: frames.Call, expect: type[R], *, deadline: float) -> R:
        """A call when the turn comes, with the model loaded that this run has begun with.

        Raises GaveWayError where the run was asked to give way meanwhile, and what `Lane.call` raises.
        """
        model = self._model if self._loaded else None
        return await self._lane.call(call, expect, deadline=deadline, model=model, ready=self._check_way)

    @property
    def _model(self) -> NamedModel:
        return NamedModel(self._engine.model, self._engine.load)

    def _check_way(self) -> None:
        if self._give_way():
            raise GaveWayError

    async def _finish(self) -> Transcript:
        loaded = self._loaded
        assert loaded is not None
        self._tell(Stage.WRITING)
        checkpoint = await self._database.read(lambda c: checkpoints.load(c, self._job.id))
        results = await self._written(await self._database.read(lambda c: checkpoints.results(c, self._job.id)))
        damage = checkpoint.damage
        notes = self._job.notes
        if damage.bad_packets:
            packets = "packet was" if damage.bad_packets == 1 else "packets were"
            notes = (*notes, f"{damage.bad_packets} damaged {packets} skipped")
        return assemble(
            results,
            language=self._job.language,
            language_probability=self._job.language_probability or 0.0,
            duration=checkpoint.blocks[-1].plan.end / frames.SAMPLE_RATE,
            processing_time=round(self._job.processing_time, 3),
            model=self._engine.model,
            device=loaded.device,
            missing=round(damage.missing / frames.SAMPLE_RATE, 3),
            notes=notes,
        )

    async def _written(self, results: Sequence[frames.ChunkResult]) -> Sequence[frames.ChunkResult]:
        """The results with Chinese in the characters that were asked for. Checkpoints keep it as the model wrote it."""
        characters, language = self._engine.chinese, self._job.language
        if characters is None or not (texts := chinese.texts_of(results, language)):
            return results
        call = frames.WriteChinese(texts, characters)
        written = await self._call(call, frames.ChineseWritten, deadline=WRITE_DEADLINE)
        return chinese.with_texts(results, language, written.texts)

    # -- small things -------------------------------------------------------------------------------------------------

    async def _update(self, changes: JobChanges) -> None:
        self._job = await self._database.write(lambda c: jobs.update(c, self._job.id, changes))

    def _tell(self, stage: Stage) -> None:
        self._report(stage, self._job)
