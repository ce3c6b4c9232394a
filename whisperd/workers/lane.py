"""A lane: the place of one worker process, through all the processes that fill it.

Owns: starting the process when a call needs it, loading the model that a call needs, replacing a process that died
(backoff, restart budget) or has grown (recycling), and what `status` shows.
Leaves to others: what is called (`whisperd.transcription`) and who may use the lane when (`whisperd.scheduler`).

A lane runs one call at a time. Failures of calls become exceptions here: a `Failed` reply is `CallFailedError`.
"""

import enum
import logging
from collections.abc import Callable
from typing import TypeVar

import anyio
import msgspec

from whisperd import frames
from whisperd.errors import WorkerError
from whisperd.workers import crashes, memory_limit
from whisperd.workers.process import WorkerDiedError, WorkerProcess, resident_memory

_log = logging.getLogger(__name__)

R = TypeVar("R", bound=frames.Reply)

LOAD_DEADLINE = 300.0
"""Seconds to load a model: 3 GB from a slow disk."""

BACKOFF = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each attempt to start a process; its length is the budget of failed attempts in a row."""


_UNUSABLE = (frames.FailureKind.DEPENDENCY, frames.FailureKind.DEVICE_LOST, frames.FailureKind.OUT_OF_MEMORY)
"""Failures to load that the same model on the CPU may be free of."""


class LaneState(enum.StrEnum):
    ABSENT = "absent"
    STARTING = "starting"
    LOADING = "loading"
    IDLE = "idle"
    BUSY = "busy"
    STOPPED = "stopped"
    BROKEN = "broken"


class CallFailedError(WorkerError):
    """The worker answered that a call failed; the worker lives on."""

    def __init__(self, failed: frames.Failed) -> None:
        super().__init__(failed.message, hint=failed.hint)
        self.failure = failed.kind


class WorkerStartError(WorkerError):
    """No process can be started at present: nothing that a job could be charged for."""


class LaneLimits(msgspec.Struct, frozen=True):
    """When a process is recycled: after `jobs` jobs, or `growth` bytes above its memory after its first (0: never)."""

    growth: int = 1 << 30
    jobs: int = 500


class NamedModel(msgspec.Struct, frozen=True):
    """A model by the name that people know it by, and how it is loaded."""

    name: str
    load: frames.Load


class Lane:
    """`interactive`, `background` or `shared`. `changed` is called after every change that `status` would show."""

    def __init__(
        self, name: str, *, arguments: tuple[str, ...], limits: LaneLimits, changed: Callable[["Lane"], None]
    ) -> None:
        self.name = name
        self._arguments = ("--lane", name, *arguments)
        self.limits = limits
        self._changed = changed
        self._process: WorkerProcess | None = None
        self._loaded: tuple[frames.Load, frames.Loaded] | None = None
        self.turn = anyio.Lock()
        """Held by whose calls are made; given in the order of asking."""
        self._jobs = 0
        self._baseline: int | None = None
        self._memory_kills = 0
        self._state = LaneState.ABSENT
        self.stopped = False
        self._stopped_at = 0.0
        self._stopped_before = 0.0
        self.error: str | None = None
        self.fallback: str | None = None
        self.jobs: tuple[int, ...] = ()
        """The jobs in progress on the lane, in the order of their starts."""
        self.model: str | None = None

    @property
    def state(self) -> LaneState:
        return LaneState.STOPPED if self.stopped and self._process else self._state

    @property
    def stopped_time(self) -> float:
        """Seconds that the lane has been stopped in all."""
        return self._stopped_before + (anyio.current_time() - self._stopped_at if self.stopped else 0.0)

    @property
    def job(self) -> int | None:
        return self.jobs[0] if self.jobs else None

    @property
    def process(self) -> WorkerProcess | None:
        return self._process

    @property
    def loaded(self) -> frames.Loaded | None:
        return self._loaded[1] if self._loaded else None

    @property
    def memory(self) -> int | None:
        return resident_memory(self._process.pid) if self._process else None

    # -- calls --------------------------------------------------------------------------------------------------------

    async def call(
        self,
        call: frames.Call,
        expect: type[R],
        *,
        deadline: float,
        model: "NamedModel | None" = None,
        ready: Callable[[], None] | None = None,
    ) -> R:
        """One call to the lane's process, which is started if need be; the turn is waited for.

        `model` is loaded first where it is not. `ready` is called when the turn has come; what it raises ends the call
        before it has begun. Raises CallFailedError, WorkerDiedError, CallTimeoutError, WorkerStartError. After any but
        the first, or when cancelled, the process is gone and the next call starts another.
        """
        async with self.turn:
            if ready is not None:
                ready()
            if model is not None:
                await self.load_in_turn(model)
            return await self.call_in_turn(call, expect, deadline=deadline)

    async def call_in_turn(self, call: frames.Call, expect: type[R], *, deadline: float) -> R:
        """A call by who holds `turn`. Raises what `call` raises."""
        process = self._process or await self._start()
        self._show(LaneState.LOADING if isinstance(call, frames.Load) else LaneState.BUSY)
        try:
            reply = await process.call(call, deadline=deadline)
            if not isinstance(reply, (expect, frames.Failed)):
                asked, answered = type(call).__name__, type(reply).__name__
                raise WorkerDiedError(f"worker {process.pid} answered {asked} with {answered} and was replaced", None)
            if isinstance(reply, frames.Failed) and reply.kind is frames.FailureKind.DEVICE_LOST:
                await self._bury(process)  # its context is gone for good; another process may get a new one
        except BaseException as error:
            if isinstance(error, WorkerError):
                self.error = error.message
                _log.warning("%s (lane %s)", error.message, self.name)
            await self._bury(process)
            if isinstance(error, WorkerDiedError) and (failed := self._explained(call, error)):
                raise CallFailedError(failed) from error
            raise
        if self._process is not None:
            self._show(LaneState.IDLE)
        if isinstance(reply, frames.Failed):
            raise CallFailedError(reply)
        self.error = None
        return reply

    def _explained(self, call: frames.Call, error: WorkerDiedError) -> frames.Failed | None:
        hit = memory_limit.kills() > self._memory_kills
        return crashes.explained(call, error.status, memory_limit_hit=hit)

    async def load(self, name: str, load: frames.Load) -> frames.Loaded:
        """Have this model, known to people as `name`, loaded; at once when it is. Raises what `call` raises."""
        if self._loaded and self._loaded[0] == load and self._process:
            return self._loaded[1]
        async with self.turn:
            return await self.load_in_turn(NamedModel(name, load))

    async def load_in_turn(self, model: "NamedModel") -> frames.Loaded:
        """`load` by who holds `turn`."""
        if self._loaded and self._loaded[0] == model.load and self._process:
            return self._loaded[1]
        self._loaded = self.model = None  # the worker lets go of its model before it loads another
        load = model.load
        fallback: str | None = None
        try:
            loaded = await self._load(load)
        except CallFailedError as error:
            if error.failure not in _UNUSABLE or load.device == "cpu" or not load.cpu_fallback:
                raise
            fallback = f"the model runs on the CPU instead of the accelerator: {error.message}"
            _log.warning("%s (lane %s)", fallback, self.name)
            loaded = await self._load(
                msgspec.structs.replace(load, device="cpu", backend="ctranslate2", compute_type="auto")
            )
        self._loaded = (load, loaded)
        self.fallback = fallback
        self.model = model.name
        self._changed(self)
        return loaded

    async def _load(self, load: frames.Load) -> frames.Loaded:
        return await self.call_in_turn(load, frames.Loaded, deadline=LOAD_DEADLINE)

    # -- stopping and continuing --------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the process, and any that is started meanwhile, until `resume`."""
        if not self.stopped:
            self.stopped = True
            self._stopped_at = anyio.current_time()
        if self._process:
            self._process.stop()
        self._changed(self)

    def resume(self) -> None:
        self._stopped_before = self.stopped_time
        self.stopped = False
        if self._process:
            self._process.resume()
        self._changed(self)

    # -- the process --------------------------------------------------------------------------------------------------

    async def _start(self) -> WorkerProcess:
        for delay in BACKOFF:
            self._show(LaneState.STARTING)
            try:
                await anyio.sleep(delay)
                return await self._start_once()
            except (WorkerError, OSError) as error:
                self.error = f"a worker process could not be started: {error}"
                _log.error("%s (lane %s)", self.error, self.name)
            except BaseException:
                self._show(LaneState.ABSENT)
                raise
        self._show(LaneState.BROKEN)
        raise WorkerStartError(
            f"{len(BACKOFF)} attempts to start a worker failed; the last one: {self.error}",
            hint="run `whisperctl doctor`; the daemon's log has the worker's own words",
        )

    async def _start_once(self) -> WorkerProcess:
        self._memory_kills = memory_limit.kills()
        self._process = process = await WorkerProcess.spawn(self._arguments)
        if self.stopped:
            process.stop()
        try:
            await process.ready()
        except BaseException:
            await self._bury(process)
            raise
        _log.info("worker %d started on lane %s", process.pid, self.name)
        return process

    async def finish_job(self) -> None:
        """Tell the lane that a job is done: the moment to recycle a process that has grown or served long enough."""
        self._jobs += 1
        memory = self.memory
        if memory is None:
            return
        if self._baseline is None:
            self._baseline = memory
        grown = self.limits.growth and memory - self._baseline > self.limits.growth
        if grown or self._jobs >= self.limits.jobs:
            _log.info("worker of lane %s is recycled after %d jobs at %d MB", self.name, self._jobs, memory >> 20)
            async with self.turn:  # another job's call may be under way
                await self.end()

    async def end(self) -> None:
        """Kill the process, whatever it does, and wait until it is gone."""
        if self._process is not None:
            await self._bury(self._process)

    async def _bury(self, process: WorkerProcess) -> None:
        process.kill()
        await process.reap()
        if self._process is not process:
            return  # `end` and the call that it has ended both come here, and the next process may be there already
        self._process = None
        self._loaded = None
        self.fallback = None
        self.model = None
        self._jobs = 0
        self._baseline = None
        self._show(LaneState.ABSENT)

    def _show(self, state: LaneState) -> None:
        if state is not self._state:
            self._state = state
            self._changed(self)
