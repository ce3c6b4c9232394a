"""Dictation as a whole: the sessions, in order, and the one microphone.

Owns: which sessions there are, who records, what commands do to them, recordings that were left behind, and telling
what happens. Leaves to others: a session's course (`course`), its state (`session`), the methods (`whisperd.api`).
"""

import itertools
import logging
import math
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import anyio
import msgspec
from anyio.abc import TaskGroup, TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from whisperd.clock import SteadyClock
from whisperd.config.current import Current
from whisperd.dictation import course, listening
from whisperd.dictation.recordings import Shelf, recordings_folder
from whisperd.dictation.session import Request, Session
from whisperd.dictation.surroundings import LastText, Surroundings
from whisperd.dictation.transitions import Command
from whisperd.errors import DatabaseError, DiskFullError, MicrophoneError, NotFoundError, RefusedError, WhisperdError
from whisperd.events import Event, EventBus
from whisperd.hooks import Hooks
from whisperd.job_commands import JobCommands
from whisperd.jobs.job import Kind, Options, Priority
from whisperd.ledger import Ledger
from whisperd.models.engine import require_library, resolve_engine, resolve_options
from whisperd.scheduler import Scheduler
from whisperd.store import recordings
from whisperd.store.jobs import JobRow, NewJob
from whisperd.wire import dictate, names
from whisperd.wire.dictate import DictateResult, DictateStartParams, DictationState, SessionState
from whisperd.wire.params import check_options
from whisperd.wire.types import ErrorData
from whisperd.workers.recorder import Microphone, may_have_a_microphone

_log = logging.getLogger(__name__)

REMEMBERED = 32
"""Ended sessions whose result can still be asked for by number."""

PREPARE_AFTER = 5.0
"""Seconds after the start when a recorder is made ready on a machine that has sound: nothing else waits for that."""

CLEAR_INTERVAL = 3600.0


class Dictation:
    """Runs sessions until its task is cancelled; what is being recorded then is found by the next daemon."""

    def __init__(
        self,
        ledger: Ledger,
        scheduler: Scheduler,
        commands: JobCommands,
        bus: EventBus,
        current: Current,
        hooks: Hooks,
        state_dir: Path,
        runtime_dir: Path,
        clock: SteadyClock,
    ) -> None:
        """`runtime_dir`: for recordings that nothing is kept of; in memory, where the system has such a folder."""
        self._ledger = ledger
        self._commands = commands
        self._bus = bus
        self._current = current
        self._hooks = hooks
        self._state_dir = state_dir
        self._clock = clock
        self._microphone = Microphone()
        self._shelf = Shelf(ledger.database, recordings_folder(state_dir), runtime_dir / "private")
        self._numbers = itertools.count(1)
        self._open: dict[int, Session] = {}
        self._ended: OrderedDict[int, Session] = OrderedDict()
        self._newest: Session | None = None
        self._group: TaskGroup | None = None
        self._problem: WhisperdError | None = None
        self._say, self._said = anyio.create_memory_object_stream[dictate.DictateStateEvent](math.inf)
        self._around = Surroundings(
            ledger,
            scheduler,
            commands,
            bus,
            current,
            self._microphone,
            self._shelf,
            self._tell,
            self._completed,
            LastText(),
        )

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Take up what was left behind, then serve for ever.

        To be started after the scheduler, and before the socket is served.
        """
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._publish, self._said)
                # Before there are sessions, whose recordings are not left behind. What the database knows of them is
                # asked later: a key that starts the daemon waits for nothing that it does not need.
                left_behind = await self._left_behind()
                self._group = group
                task_status.started()
                group.start_soon(self._queue_orphans, left_behind)
                group.start_soon(self._prepare)
                group.start_soon(self._clear)
        finally:
            self._group = None
            await self._microphone.end()

    # -- commands -----------------------------------------------------------------------------------------------------

    async def begin(self, params: DictateStartParams) -> Session:
        """A session whose microphone is being opened. Raises InvalidParamsError, RefusedError, ModelNotFoundError."""
        request = await self._request(params)
        if (recording := self.recording()) is not None:
            raise RefusedError(
                f"dictation {recording.number} is listening already",
                hint="stop or cancel it: `whisperctl dictate stop`",
            )
        if self._group is None:
            raise RefusedError("whisperd is stopping", hint="try again in a moment")
        before = next(reversed(self._open.values()), None)
        session = Session(next(self._numbers), request, before)
        self._open[session.number] = self._newest = session
        self._tell(session)
        self._group.start_soon(self._run, session)
        return session

    async def opened(self, session: Session) -> None:
        """Wait until the microphone is open. Raises MicrophoneError when it can't be opened."""
        await session.answering.wait()
        if session.opened is None and session.problem is not None:
            session.taken = True
            raise session.problem

    async def stop(self, number: int | None) -> DictateResult:
        """End a recording and wait for its text; one that has ended by itself meanwhile gives its text too.

        Raises NotFoundError, RefusedError.
        """
        session = self.to_end() if number is None else self._session(number)
        if session is None:
            raise RefusedError("nothing is being dictated", hint="begin with `whisperctl dictate start`")
        self.release(session)
        return await self._result(session)

    async def cancel(self, number: int | None) -> DictateResult:
        """Throw a session away. Raises NotFoundError, RefusedError."""
        session = self._session(number) if number else self.recording() or self._thinking()
        if session is None:
            raise RefusedError("nothing is being dictated, so there is nothing to cancel")
        session.give(Command.CANCEL)
        self._tell(session)
        session.let_go()
        return await self._result(session)

    def release(self, session: Session, reason: str | None = None) -> None:
        """End the recording, if it has not ended; `reason` where that was not by command."""
        listening.release(session, self._tell, reason)

    def to_end(self) -> Session | None:
        """The session that whoever asks for an end means: that which records, or the newest where it has ended by
        itself and nobody has its text yet."""
        newest = self._newest
        by_itself = newest is not None and newest.ended_by_itself and not newest.taken and not newest.cancelled
        return self.recording() or (newest if by_itself else None)

    async def again(self) -> DictateResult:
        """The last text, also where it could not be stored. Raises NotFoundError."""
        if (unstored := self._around.last.unstored) is not None:
            return unstored
        found = await self._ledger.database.read(recordings.last_text)
        if found is None:
            raise NotFoundError("nothing has been dictated yet")
        job, text = found
        return DictateResult(None, SessionState.DONE, self._around.delivered(text), job)

    async def devices(self) -> list[dictate.DeviceView]:
        """Raises MicrophoneError."""
        found = await self._microphone.devices()
        return [dictate.DeviceView(d.name, d.host, d.channels, d.rate, d.default) for d in found]

    def status(self) -> dictate.DictateStatusResult:
        sessions = [session.view() for session in self._open.values() if not session.state.final]
        listening = any(view.state.recording for view in sessions)
        busy = DictationState.THINKING if sessions else DictationState.IDLE
        return dictate.DictateStatusResult(
            state=DictationState.LISTENING if listening else busy,
            sessions=sessions,
            device=self._current.settings.dictation.device,
            error=ErrorData.of(self._problem) if self._problem else None,
        )

    # -- sessions -----------------------------------------------------------------------------------------------------

    async def _request(self, params: DictateStartParams) -> Request:
        settings = self._current.settings
        given = [params.hotwords if params.hotwords is not None else settings.transcription.hotwords]
        hotwords = " ".join(word for word in (*given, *settings.dictation.vocabulary) if word)
        asked = Options(
            model=params.model,
            language=params.language,
            languages=params.languages,
            prompt=params.prompt,
            hotwords=hotwords or None,
        )
        resolved = resolve_options(Kind.DICTATION, check_options(asked, "params"), settings)
        options = msgspec.structs.replace(resolved, formats=())
        require_library(options)
        engine = await resolve_engine(Kind.DICTATION, options, settings, self._state_dir)
        return Request(options, engine, params.device or settings.dictation.device, params.private)

    @property
    def in_progress(self) -> bool:
        """Whether anything is being recorded, or waits for its text."""
        return self._thinking() is not None

    def recording(self) -> Session | None:
        """The session that records now."""
        return next((session for session in self._open.values() if session.state.recording), None)

    def _thinking(self) -> Session | None:
        return next((session for session in self._open.values() if not session.state.final), None)

    def _session(self, number: int) -> Session:
        session = self._open.get(number) or self._ended.get(number)
        if session is None:
            raise NotFoundError(
                f"there is no dictation {number}", hint="`whisperctl dictate status` shows those there are"
            )
        return session

    async def _result(self, session: Session) -> DictateResult:
        await session.settled.wait()
        assert session.result is not None
        session.taken = True
        if session.request.private and session is self._newest:
            self._newest = None
        return session.result

    async def _run(self, session: Session) -> None:
        try:
            await course.run(session, self._around)
        finally:
            del self._open[session.number]
            self._problem = session.problem if isinstance(session.problem, MicrophoneError) else None
            if not session.request.private:
                self._ended[session.number] = session
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)

    def _completed(self, job: JobRow) -> None:
        if self._group is not None:
            self._hooks.start(self._group, job)

    # -- telling ------------------------------------------------------------------------------------------------------

    def _tell(self, session: Session) -> None:
        """Say what the session's state is now, once; in the order of saying."""
        if session.told is session.state:
            return
        session.told = session.state
        job = session.result.job if session.result else None
        self._say.send_nowait(dictate.DictateStateEvent(session.number, session.state, session.reason, job))

    async def _publish(self, said: MemoryObjectReceiveStream[dictate.DictateStateEvent]) -> None:
        async for event in said:
            data: dict[str, Any] = msgspec.to_builtins(event)
            try:
                await self._ledger.record(names.TOPIC_DICTATE_STATE, data)
            except (DatabaseError, DiskFullError) as error:
                _log.error("a change of dictation could not be stored: %s", error.message)
                self._bus.publish(Event(names.TOPIC_DICTATE_STATE, time.time(), data))

    # -- recordings ---------------------------------------------------------------------------------------------------

    async def _left_behind(self) -> dict[bytes, float]:
        try:
            return await self._shelf.left_behind()
        except OSError as error:
            _log.error("recordings of dictations could not be looked through: %s", error)
            return {}

    async def _queue_orphans(self, left_behind: dict[bytes, float]) -> None:
        """Recordings that a killed daemon left behind become jobs that nobody waits for."""
        settings = self._current.settings
        options = resolve_options(Kind.DICTATION, Options(), settings)
        try:
            found = await self._shelf.orphans(left_behind)
            new = [NewJob(path=path, kind=Kind.DICTATION, priority=Priority.LOW, options=options) for path in found]
            if new:
                await self._commands.submit([(job, None) for job in new])
                _log.info("%d recordings without a transcript were found and queued", len(new))
        except (WhisperdError, OSError) as error:
            _log.error("recordings of dictations could not be queued: %s", error)

    async def _clear(self) -> None:
        while True:
            try:
                await self._shelf.clear(self._clock.now() - self._current.settings.dictation.keep_recordings)
            except (DatabaseError, DiskFullError, OSError) as error:
                _log.error("old recordings could not be removed: %s", error)
            await anyio.sleep(CLEAR_INTERVAL)

    async def _prepare(self) -> None:
        await anyio.sleep(PREPARE_AFTER)
        if may_have_a_microphone():
            await self._microphone.prepare()
