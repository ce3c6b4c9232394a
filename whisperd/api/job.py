"""Use cases of `job.*`: submit, list, show, text, wait, cancel.

Owns: what each means. Leaves to others: the checks that come before the queue (`admission`), state changes
(`whisperd.job_commands`), rows (the store), types and their conversion (`whisperd.wire`, `views`).
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import anyio

from whisperd.api import cursors
from whisperd.api.admission import Admission
from whisperd.api.handler import Handler
from whisperd.api.presenter import Presenter
from whisperd.api.views import story_entry, transcript_view
from whisperd.errors import InvalidParamsError, NotFoundError, RefusedError, WhisperdError
from whisperd.events import EventBus, EventsLostError, Subscription
from whisperd.frames import ChunkResult
from whisperd.job_commands import JobCommands
from whisperd.jobs.job import Kind, State
from whisperd.store import batches, checkpoints, events, jobs, order, transcripts
from whisperd.store.connection import Database
from whisperd.store.jobs import JobRow
from whisperd.transcripts.render import render
from whisperd.transcripts.transcript import Transcript, assemble
from whisperd.wire import names
from whisperd.wire.job import (
    JobAnswer,
    JobAnswersResult,
    JobIdsParams,
    JobListParams,
    JobListResult,
    JobMoveParams,
    JobParams,
    JobShowResult,
    JobsResult,
    JobTextParams,
    JobTextResult,
    JobWaitParams,
    Order,
    SubmitParams,
)
from whisperd.wire.types import ErrorData


class JobApi:
    def __init__(
        self,
        database: Database,
        commands: JobCommands,
        bus: EventBus,
        presenter: Presenter,
        admission: Admission,
    ) -> None:
        self._database = database
        self._commands = commands
        self._bus = bus
        self._presenter = presenter
        self._admission = admission

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.JOB_SUBMIT: self.submit,
            names.JOB_LIST: self.list,
            names.JOB_SHOW: self.show,
            names.JOB_TEXT: self.text,
            names.JOB_WAIT: self.wait,
            names.JOB_PAUSE: self.pause,
            names.JOB_RESUME: self.resume,
            names.JOB_CANCEL: self.cancel,
            names.JOB_RETRY: self.retry,
            names.JOB_DELETE: self.delete,
            names.JOB_MOVE: self.move,
        }

    async def submit(self, params: SubmitParams) -> JobsResult:
        """Raises InvalidParamsError, ModelNotFoundError, DiskFullError, QueueFullError; then nothing is queued."""
        if params.low and params.kind is Kind.DICTATION:
            raise InvalidParamsError("params.low: a dictation can't be lowered", hint="submit it with kind `file`")
        new = await self._admission.jobs(params.files, params.kind, params.options, low=params.low, again=params.again)
        rows = await self._commands.submit(new)
        return JobsResult(await self._presenter.views(rows))

    async def show(self, params: JobParams) -> JobShowResult:
        """Raises NotFoundError."""
        row = await self._row(params.id)
        story = await self._database.read(lambda c: events.of_job(c, params.id))
        return JobShowResult(await self._presenter.one(row), [story_entry(event) for event in story])

    async def text(self, params: JobTextParams) -> JobTextResult:
        """Also of a job whose row was cleared. Raises NotFoundError, and RefusedError while there is no transcript."""
        transcript = await self._database.read(lambda c: transcripts.get(c, params.id))
        row = await self._database.read(lambda c: jobs.get(c, params.id))
        if transcript is None or (row is not None and row.state is not State.COMPLETED):
            row = row or await self._row(params.id)
            if not params.so_far:
                raise _no_text(row)
            results = await self._database.read(lambda c: checkpoints.results(c, params.id))
            transcript = _so_far(row, results)
        rendered = render(transcript, params.format) if params.format else None
        return JobTextResult(params.id, transcript_view(transcript), rendered)

    async def wait(self, params: JobWaitParams) -> JobsResult:
        """Raises NotFoundError when one of the jobs does not exist."""
        pending = set(params.ids)
        with anyio.move_on_after(params.timeout):
            while pending:
                with self._bus.subscribe(topics=[names.TOPIC_JOB_STATE], jobs=params.ids) as changes:
                    pending = {row.id for row in await self._rows(params.ids) if not row.state.final}
                    await _until_final(pending, changes)
        return JobsResult(await self._presenter.views(await self._rows(params.ids)))

    async def pause(self, params: JobIdsParams) -> JobAnswersResult:
        return await self._each(params.ids, self._commands.pause)

    async def resume(self, params: JobIdsParams) -> JobAnswersResult:
        return await self._each(params.ids, self._commands.resume)

    async def cancel(self, params: JobIdsParams) -> JobAnswersResult:
        return await self._each(params.ids, self._commands.cancel)

    async def retry(self, params: JobIdsParams) -> JobAnswersResult:
        return await self._each(params.ids, self._commands.retry)

    async def delete(self, params: JobIdsParams) -> JobAnswersResult:
        return await self._each(params.ids, self._commands.delete)

    async def move(self, params: JobMoveParams) -> JobAnswersResult:
        places = dict(zip(params.ids, itertools.count(params.place), strict=False))
        return await self._each(params.ids, lambda job: self._commands.move(job, places[job]))

    async def _each(self, ids: Sequence[int], command: Callable[[int], Awaitable[JobRow | None]]) -> JobAnswersResult:
        """Give a command to each job, in the order given; one that is refused does not stop the others."""
        return JobAnswersResult([await self._answer(job_id, command) for job_id in dict.fromkeys(ids)])

    async def _answer(self, job_id: int, command: Callable[[int], Awaitable[JobRow | None]]) -> JobAnswer:
        try:
            row = await command(job_id)
        except WhisperdError as error:
            return JobAnswer(job_id, ok=False, error=ErrorData.of(error))
        return JobAnswer(job_id, ok=True, job=await self._presenter.one(row) if row else None)

    async def _queue(self, params: JobListParams) -> JobListResult:
        """Raises InvalidParamsError where anything else than queued jobs is asked for."""
        if params.kinds or any(state is not State.QUEUED for state in params.states):
            raise InvalidParamsError("params.order: in the queue's order there are all queued jobs and no others")
        after = _mark(params.cursor)
        rows = await self._database.read(lambda c: order.page(c, limit=params.limit + 1, after=after))
        more = len(rows) > params.limit
        rows = rows[: params.limit]
        return JobListResult(await self._presenter.views(rows), _marked(order.mark(rows[-1])) if more else None)

    # -- shared -------------------------------------------------------------------------------------------------------

    async def _row(self, job_id: int) -> JobRow:
        [row] = await self._rows([job_id])
        return row

    async def _rows(self, ids: Iterable[int]) -> list[JobRow]:
        wanted = sorted(set(ids))
        rows = await self._database.read(lambda c: jobs.get_many(c, wanted))
        if len(rows) < len(wanted):
            missing = sorted(set(wanted) - {row.id for row in rows})
            raise NotFoundError(f"there is no job {missing[0]}", hint="`whisperctl job list` shows those there are")
        by_id = {row.id: row for row in rows}
        return [by_id[job_id] for job_id in dict.fromkeys(ids)]

    # The method named `list` comes last: after it the name no longer means the type.
    async def list(self, params: JobListParams) -> JobListResult:
        """Raises NotFoundError for a batch that does not exist."""
        if params.order is Order.QUEUE:
            return await self._queue(params)
        before = cursors.number(params.cursor)

        def page(connection: sqlite3.Connection) -> list[JobRow]:
            batch = None if params.batch is None else batches.find(connection, params.batch).id
            return jobs.page(
                connection,
                states=params.states,
                kinds=params.kinds,
                batch=batch,
                limit=params.limit + 1,
                before=before,
            )

        rows = await self._database.read(page)
        more = len(rows) > params.limit
        rows = rows[: params.limit]
        return JobListResult(await self._presenter.views(rows), str(rows[-1].id) if more else None)


async def _until_final(pending: set[int], changes: Subscription) -> None:
    """Take jobs out of `pending` as they end; returns early when events were lost, for the caller to look again."""
    with contextlib.suppress(EventsLostError):
        while pending:
            event = await anext(changes)
            if event.job is not None and State(event.data["state"]).final:
                pending.discard(event.job)


def _marked(mark: order.Mark) -> str:
    return f"{'held' if mark.held else 'ready'}:{mark.priority}:{mark.position}:{mark.id}"


def _mark(cursor: str | None) -> order.Mark | None:
    """Where a page of the queue ended, by the cursor that it gave."""
    if cursor is None:
        return None
    part, _, rest = cursor.partition(":")
    if part not in ("held", "ready"):
        raise cursors.unknown()
    priority, position, job_id = cursors.numbers(rest, 3)
    return order.Mark(held=part == "held", priority=priority, position=position, id=job_id)


def _so_far(row: JobRow, results: Iterable[ChunkResult]) -> Transcript:
    """What is stored of a job that is not finished."""
    return assemble(
        results,
        language=row.language,
        language_probability=row.language_probability or 0.0,
        duration=row.done,
        processing_time=round(row.processing_time, 3),
        model=row.model or "",
        device=row.device or "",
    )


def _no_text(row: JobRow) -> RefusedError:
    if row.state.final:
        reason = f": {row.error.message}" if row.error else ""
        return RefusedError(f"job {row.id} is {row.state.value} and has no text{reason}")
    return RefusedError(
        f"job {row.id} is {row.state.value}; its text comes when it has completed",
        hint=f"wait for it with `whisperctl job wait {row.id}`",
    )
