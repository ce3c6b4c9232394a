"""Use cases of `batch.*`: create, list, show, add, remove, set, start, pause, resume, cancel, retry, delete.

Owns: what each means and answers. Leaves to others: the checks that come before the queue (`admission`), carrying the
commands out (`whisperd.batch_commands`), a batch's figures (`whisperd.batch_progress`).
"""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence

from whisperd.api import cursors
from whisperd.api.admission import Admission
from whisperd.api.handler import Handler
from whisperd.api.presenter import Presenter
from whisperd.batch_commands import BatchCommands, Reference
from whisperd.batch_progress import BatchFigures
from whisperd.config.current import Current
from whisperd.errors import InvalidParamsError, WhisperdError
from whisperd.jobs.job import Kind, State
from whisperd.store import batch_items, batches
from whisperd.store.batches import BatchRow
from whisperd.store.connection import Database
from whisperd.store.jobs import JobRow
from whisperd.wire import batch as wire
from whisperd.wire import names
from whisperd.wire.job import JobAnswer, JobAnswersResult, JobsResult
from whisperd.wire.paths import to_wire
from whisperd.wire.types import ErrorData

FAILURES_SHOWN = 100
"""Failed items that `batch.show` names with their errors; `states` asks for all of them, a page at a time."""


class BatchApi:
    def __init__(
        self,
        database: Database,
        commands: BatchCommands,
        figures: BatchFigures,
        presenter: Presenter,
        admission: Admission,
        current: Current,
    ) -> None:
        self._database = database
        self._commands = commands
        self._figures = figures
        self._presenter = presenter
        self._admission = admission
        self._current = current

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.BATCH_CREATE: self.create,
            names.BATCH_LIST: self.list,
            names.BATCH_SHOW: self.show,
            names.BATCH_ADD: self.add,
            names.BATCH_REMOVE: self.remove,
            names.BATCH_SET: self.set,
            names.BATCH_START: self.start,
            names.BATCH_PAUSE: self.pause,
            names.BATCH_RESUME: self.resume,
            names.BATCH_CANCEL: self.cancel,
            names.BATCH_RETRY: self.retry,
            names.BATCH_DELETE: self.delete,
        }

    async def create(self, params: wire.BatchCreateParams) -> wire.BatchResult:
        """Raises InvalidParamsError, RefusedError, ModelNotFoundError, DiskFullError, QueueFullError; then nothing is
        made."""
        _check_name(params.name)
        options = await self._admission.options(Kind.BATCH, params.options)
        new = await self._admission.jobs(params.files, Kind.BATCH, options) if params.files else []
        concurrency = params.concurrency or self._current.settings.batches.concurrency
        batch = await self._commands.create(params.name, concurrency, options, new, start=params.start)
        return wire.BatchResult(await self._figures.view(batch))

    async def show(self, params: wire.BatchShowParams) -> wire.BatchShowResult:
        """Raises NotFoundError."""
        after = cursors.number(params.cursor) or 0

        def look(conn: sqlite3.Connection) -> tuple[BatchRow, Sequence[JobRow], Sequence[JobRow]]:
            batch = batches.find(conn, params.id)
            items = batch_items.page(conn, batch.id, states=params.states, limit=params.limit + 1, after=after)
            return batch, items, batch_items.page(conn, batch.id, states=[State.FAILED], limit=FAILURES_SHOWN)

        batch, items, failed = await self._database.read(look)
        more = len(items) > params.limit
        items = items[: params.limit]
        return wire.BatchShowResult(
            await self._figures.view(batch),
            await self._presenter.views(items),
            [_failure(job) for job in failed],
            str(items[-1].id) if more else None,
        )

    async def add(self, params: wire.BatchAddParams) -> JobsResult:
        """Raises NotFoundError, InvalidParamsError, ModelNotFoundError, DiskFullError, QueueFullError, RefusedError."""
        batch = await self._database.read(lambda c: batches.find(c, params.id))
        options = batch.options if params.options is None else params.options
        new = await self._admission.jobs(params.files, Kind.BATCH, options, again=params.again)
        return JobsResult(await self._presenter.views(await self._commands.add(batch.id, new)))

    async def remove(self, params: wire.BatchRemoveParams) -> JobAnswersResult:
        """Raises NotFoundError for a batch that does not exist."""
        return await self._items(params.id, params.jobs, self._commands.remove)

    async def set(self, params: wire.BatchSetParams) -> wire.BatchResult:
        """Raises NotFoundError, InvalidParamsError, RefusedError."""
        if params.name is not None:
            _check_name(params.name)
        batch = await self._commands.change(params.id, name=params.name, concurrency=params.concurrency)
        return wire.BatchResult(await self._figures.view(batch))

    async def start(self, params: wire.BatchIdsParams) -> wire.BatchAnswersResult:
        return await self._each(params.ids, self._commands.start)

    async def pause(self, params: wire.BatchIdsParams) -> wire.BatchAnswersResult:
        return await self._each(params.ids, self._commands.pause)

    async def resume(self, params: wire.BatchIdsParams) -> wire.BatchAnswersResult:
        return await self._each(params.ids, self._commands.resume)

    async def cancel(self, params: wire.BatchIdsParams) -> wire.BatchAnswersResult:
        return await self._each(params.ids, self._commands.cancel)

    async def retry(self, params: wire.BatchRetryParams) -> JobAnswersResult:
        """Raises NotFoundError for a batch that does not exist."""
        items = params.jobs or await self._commands.failed(params.id)
        return await self._items(params.id, items, self._commands.retry)

    async def delete(self, params: wire.BatchDeleteParams) -> wire.BatchAnswersResult:
        async def delete(reference: Reference) -> None:
            await self._commands.delete(reference, with_transcripts=params.transcripts)

        return await self._each(params.ids, delete)

    async def _each(
        self, references: Sequence[Reference], command: Callable[[Reference], Awaitable[BatchRow | None]]
    ) -> wire.BatchAnswersResult:
        """Give a command to each batch, in the order given; one that is refused does not stop the others."""
        answers = [await self._answer(reference, command) for reference in dict.fromkeys(references)]
        return wire.BatchAnswersResult(answers)

    async def _answer(
        self, reference: Reference, command: Callable[[Reference], Awaitable[BatchRow | None]]
    ) -> wire.BatchAnswer:
        try:
            batch = await command(reference)
        except WhisperdError as error:
            return wire.BatchAnswer(reference, ok=False, error=ErrorData.of(error))
        return wire.BatchAnswer(reference, ok=True, batch=await self._figures.view(batch) if batch else None)

    async def _items(
        self, reference: Reference, jobs: Sequence[int], command: Callable[[Reference, int], Awaitable[JobRow]]
    ) -> JobAnswersResult:
        batch = await self._database.read(lambda c: batches.find(c, reference))
        answers: list[JobAnswer] = []
        for job in dict.fromkeys(jobs):
            try:
                row = await command(batch.id, job)
            except WhisperdError as error:
                answers.append(JobAnswer(job, ok=False, error=ErrorData.of(error)))
            else:
                answers.append(JobAnswer(job, ok=True, job=await self._presenter.one(row)))
        return JobAnswersResult(answers)

    # The method named `list` comes last: after it the name no longer means the type.
    async def list(self, params: wire.BatchListParams) -> wire.BatchListResult:
        before = cursors.number(params.cursor)
        rows = await self._database.read(
            lambda c: batches.page(c, states=params.states, limit=params.limit + 1, before=before)
        )
        more = len(rows) > params.limit
        rows = rows[: params.limit]
        views = [await self._figures.view(row) for row in rows]
        return wire.BatchListResult(views, str(rows[-1].id) if more else None)


def _check_name(name: str) -> None:
    if name.isdecimal() or name != name.strip() or not name.isprintable():
        raise InvalidParamsError(
            "params.name: a batch's name is printable, without spaces at its ends, and no number, which would be an id"
        )


def _failure(job: JobRow) -> wire.BatchFailure:
    assert job.error is not None  # the table has it so for every failed job
    return wire.BatchFailure(job.id, to_wire(job.path)[0], job.error.kind, job.error.message, job.error.hint)
