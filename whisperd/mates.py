"""The runs in progress on one lane, and the decoding batches that they share.

Owns: gathering what runs want to have decoded, which of it goes into one call, what the end of a shared call means for
each, and how many blocks of audio are held at once. Leaves to others: a run's steps (`whisperd.transcription`), how
many chunks pay (`whisperd.jobs.sharing`), the lane's process (`whisperd.workers.lane`).

A lane gives its turn in the order of asking. While one call computes, other runs open and plan their files or ask for a
decoding; who is first among the latter takes along what fits. Results are stored by each run for itself, so that a
checkpoint never knows who its mates were. When a shared call dies, each of its files is tried alone before any is
charged.
"""

import contextlib
import logging
import math
from collections.abc import AsyncGenerator, Callable

import anyio
from anyio.abc import TaskGroup

from whisperd import frames
from whisperd.errors import WorkerError
from whisperd.jobs import batching, sharing
from whisperd.jobs.sharing import Timed
from whisperd.store import measurements
from whisperd.store.connection import Database
from whisperd.workers.lane import CallFailedError, Lane, NamedModel, WorkerStartError

_log = logging.getLogger(__name__)

BLOCKS_AT_ONCE = 4.0
"""Blocks of ten minutes whose samples are held at once for the files in progress (38 MB each)."""


class GaveWayError(Exception):
    """The run ended because it was asked to, after a stored batch or while it waited for its turn."""


class Wish:
    """A decoding that a run waits for. `expected` is the seconds it should take, `least` the deadline's least."""

    def __init__(
        self,
        call: frames.Decode,
        model: NamedModel,
        loaded: frames.Loaded,
        *,
        expected: float,
        least: float,
        give_way: Callable[[], bool],
    ) -> None:
        self.call = call
        self.model = model
        self.loaded = loaded
        self.expected = expected
        self.least = least
        self.give_way = give_way
        self.alone = not sharing.mates_change_nothing(loaded)
        self.done = anyio.Event()
        self.outcome: frames.Decoded | Exception | None = None

    @property
    def kind(self) -> tuple[NamedModel, str, frames.DecodeOptions, int]:
        """Wishes of one kind may be fulfilled by one call."""
        return self.model, self.loaded.fingerprint, self.call.options, self.call.chunks[0].context

    @property
    def about(self) -> str:
        """What the time of a chunk depends on besides how many are decoded with it."""
        options = self.call.options
        words = ", words" if options.words else ""
        return f"{self.loaded.fingerprint}, beam {options.beam_size}, context {self.call.chunks[0].context}{words}"

    @property
    def chunks(self) -> int:
        return len(self.call.chunks)

    def end(self, outcome: frames.Decoded | Exception) -> None:
        self.outcome = outcome
        self.done.set()


class Mates:
    """Of one lane. Its calls are made in `group`, which outlives every run: one that is cancelled does not take what
    its mates wait for with it."""

    def __init__(self, lane: Lane, database: Database, group: TaskGroup) -> None:
        self._lane = lane
        self._database = database
        self._group = group
        self._waiting: list[Wish] = []
        self._served: dict[Wish, anyio.CancelScope] = {}
        self._times: dict[str, dict[int, Timed]] = {}
        self._blocks = 0.0
        self._freed = anyio.Event()

    @contextlib.asynccontextmanager
    async def room(self, blocks: float) -> AsyncGenerator[None]:
        """Room for so many blocks of samples (a file has at most one at a time); waited for, except by the first."""
        while self._blocks > 0 and self._blocks + blocks > BLOCKS_AT_ONCE:
            await self._freed.wait()
        self._blocks += blocks
        try:
            yield
        finally:
            self._blocks -= blocks
            freed, self._freed = self._freed, anyio.Event()
            freed.set()

    async def decode(self, wish: Wish) -> frames.Decoded:
        """What the wish's call gives, alone or with mates. Raises GaveWayError, and what `Lane.call` raises."""
        await self._know_times(wish)
        self._waiting.append(wish)
        self._group.start_soon(self._serve)
        try:
            await wish.done.wait()
        finally:
            self._drop(wish)
        assert wish.outcome is not None
        if isinstance(wish.outcome, Exception):
            raise wish.outcome
        return wish.outcome

    def _drop(self, wish: Wish) -> None:
        """Its run waits no longer: a call that nobody waits for is ended."""
        if wish in self._waiting:
            self._waiting.remove(wish)
        scope = self._served.pop(wish, None)
        if scope is not None and scope not in self._served.values():
            scope.cancel()

    async def _serve(self) -> None:
        """Make one call for the wishes that are first when the turn comes."""
        async with self._lane.turn:
            wishes = self._next()
            with anyio.CancelScope() as scope:
                self._served |= dict.fromkeys(wishes, scope)
                if wishes:
                    await self._fulfil(wishes)
        for wish in wishes:
            self._served.pop(wish, None)

    def _next(self) -> list[Wish]:
        for wish in [wish for wish in self._waiting if wish.give_way()]:
            self._waiting.remove(wish)
            wish.end(GaveWayError())
        if not self._waiting:
            return []
        first = self._waiting[0]
        wishes = [first]
        room = 0 if first.alone else sharing.next_size(self._times[first.about]) - first.chunks
        for wish in self._waiting[1:]:
            if not wish.alone and wish.kind == first.kind and wish.chunks <= room:
                wishes.append(wish)
                room -= wish.chunks
        self._waiting = [wish for wish in self._waiting if wish not in wishes]
        return wishes

    async def _fulfil(self, wishes: list[Wish]) -> None:
        """Bring each wish to its end, whatever happens; those of a shared call that died wait again, each alone."""
        try:
            replies = await self._call(wishes)
            await self._learn(wishes[0], replies)
        except WorkerError as error:
            if len(wishes) > 1 and not isinstance(error, WorkerStartError):
                self._try_alone(wishes, error)
                return
            _end_all(wishes, error)
        except Exception as error:
            _end_all(wishes, error)
        else:
            for wish, reply in zip(wishes, replies, strict=True):
                wish.end(CallFailedError(reply) if isinstance(reply, frames.Failed) else reply)

    def _try_alone(self, wishes: list[Wish], error: WorkerError) -> None:
        _log.warning("a decoding batch of %d files died; each is tried alone: %s", len(wishes), error.message)
        if isinstance(error, CallFailedError) and error.failure is frames.FailureKind.OUT_OF_MEMORY:
            size = sharing.size_of(sum(wish.chunks for wish in wishes))
            self._times[wishes[0].about][size] = Timed(sharing.TRIAL, math.inf)
        again = [wish for wish in wishes if wish in self._served]
        for wish in again:
            wish.alone = True
            self._group.start_soon(self._serve)
        self._waiting[:0] = again

    async def _call(self, wishes: list[Wish]) -> list[frames.Decoded | frames.Failed]:
        """A reply for each wish, its seconds without those for which the lane was stopped."""
        first = wishes[0]
        loaded = await self._lane.load_in_turn(first.model)
        if loaded.fingerprint != first.loaded.fingerprint:
            raise GaveWayError  # the model's folder has another content: the next run finds that, and begins anew
        deadline = batching.batch_deadline(sum(wish.expected for wish in wishes), max(wish.least for wish in wishes))
        stopped = self._lane.stopped_time
        if len(wishes) == 1:
            replies = (await self._lane.call_in_turn(first.call, frames.Decoded, deadline=deadline),)
        else:
            together = frames.DecodeTogether(tuple(wish.call for wish in wishes))
            replies = (await self._lane.call_in_turn(together, frames.DecodedTogether, deadline=deadline)).parts
        lost = (self._lane.stopped_time - stopped) / len(replies)
        return [
            frames.Decoded(reply.results, max(0.0, reply.seconds - lost))
            if isinstance(reply, frames.Decoded)
            else reply
            for reply in replies
        ]

    # -- learning -----------------------------------------------------------------------------------------------------

    async def _know_times(self, wish: Wish) -> None:
        """Have at hand what each size took of this engine and kind of chunk."""
        if wish.about not in self._times:
            self._times[wish.about] = await self._database.read(lambda c: measurements.sharing_times(c, wish.about))

    async def _learn(self, wish: Wish, replies: list[frames.Decoded | frames.Failed]) -> None:
        decoded = [reply for reply in replies if isinstance(reply, frames.Decoded)]
        chunks = sum(len(reply.results) for reply in decoded)
        if wish.alone or not chunks:
            return
        times, size = self._times[wish.about], sharing.size_of(chunks)
        before = times.get(size, Timed())
        if before.chunks < sharing.TRIAL:
            times[size] = after = before.plus(chunks, sum(reply.seconds for reply in decoded))
            await self._database.write(lambda c: measurements.save_sharing_time(c, wish.about, size, after))


def _end_all(wishes: list[Wish], error: Exception) -> None:
    for wish in wishes:
        wish.end(error)
