"""Use cases of `history.*`: list, search, show, edit, delete, export.

Owns: what each means, and the cursors of their pages. Leaves to others: the queries (`whisperd.store.history`), the
transcripts themselves (`whisperd.store.transcripts`), jobs that still have a row (`whisperd.job_commands`).
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio.to_thread

from whisperd.api import cursors
from whisperd.api import history_views as views
from whisperd.api.handler import Handler
from whisperd.api.views import transcript_view
from whisperd.errors import NotFoundError, WhisperdError
from whisperd.job_commands import JobCommands
from whisperd.jobs.job import Format, Kind
from whisperd.store import history, jobs, queue, transcripts
from whisperd.store.connection import Database
from whisperd.store.history import TranscriptRow
from whisperd.transcripts.render import render
from whisperd.transcripts.transcript import Transcript
from whisperd.transcripts.words import expression
from whisperd.wire import history as wire
from whisperd.wire import names
from whisperd.wire.types import ErrorData

EXPORT_PAGE: Final = 200
EXPORT_BYTES: Final = 4 << 20
"""Transcripts, and characters of them, after which a page of an export ends."""


class HistoryApi:
    def __init__(self, database: Database, commands: JobCommands) -> None:
        self._database = database
        self._commands = commands

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.HISTORY_LIST: self.list,
            names.HISTORY_SEARCH: self.search,
            names.HISTORY_SHOW: self.show,
            names.HISTORY_EDIT: self.edit,
            names.HISTORY_DELETE: self.delete,
            names.HISTORY_EXPORT: self.export,
        }

    async def search(self, params: wire.HistorySearchParams) -> wire.HistorySearchResult:
        """Raises InvalidParamsError for a query without words."""
        words = expression(params.query)
        wanted = views.to_filter(params.filter)
        place = views.place(params.cursor)
        found, after = await self._database.read(
            lambda c: history.search(c, words, wanted, limit=params.limit, place=place)
        )
        cursor = views.place_cursor(after) if after else None
        return wire.HistorySearchResult([views.match_view(match) for match in found], cursor)

    async def show(self, params: wire.HistoryShowParams) -> wire.HistoryShowResult:
        """Raises NotFoundError."""
        row, transcript = await self._transcript(params.id)
        original = await self._database.read(lambda c: transcripts.original(c, params.id))
        rendered = render(transcript, params.format) if params.format else None
        return wire.HistoryShowResult(views.summary(row), transcript_view(transcript), original, rendered)

    async def edit(self, params: wire.HistoryEditParams) -> wire.HistoryEditResult:
        """Raises NotFoundError."""
        now = time.time()
        await self._database.write(lambda c: transcripts.edit(c, params.id, params.text, now))
        row, _ = await self._transcript(params.id)
        return wire.HistoryEditResult(views.summary(row))

    async def delete(self, params: wire.HistoryDeleteParams) -> wire.HistoryAnswersResult:
        return wire.HistoryAnswersResult([await self._delete(job_id) for job_id in dict.fromkeys(params.ids)])

    async def _delete(self, job_id: int) -> wire.HistoryAnswer:
        try:
            if await self._database.read(lambda c: history.get(c, job_id)) is None:
                raise _unknown(job_id)
            if await self._database.read(lambda c: jobs.get(c, job_id)) is None:
                await self._database.write(lambda c: queue.forget(c, job_id))
            else:
                await self._commands.delete(job_id)
        except WhisperdError as error:
            return wire.HistoryAnswer(job_id, ok=False, error=ErrorData.of(error))
        return wire.HistoryAnswer(job_id, ok=True)

    async def export(self, params: wire.HistoryExportParams) -> wire.HistoryExportResult:
        """Raises NotFoundError when one of the ids does not exist."""
        after = cursors.number(params.cursor) or 0
        rows = await self._rows_to_export(params, after)
        documents: list[wire.Document] = []
        size = 0
        for row in rows[:EXPORT_PAGE]:
            documents += await self._document(row, params.format)
            size += len(documents[-1].content) if documents else 0
            after = row.job
            if size >= EXPORT_BYTES:
                break
        more = bool(rows) and rows[-1].job != after
        return wire.HistoryExportResult(documents, str(after) if more else None)

    async def _rows_to_export(self, params: wire.HistoryExportParams, after: int) -> Sequence[TranscriptRow]:
        if params.ids is None:
            wanted = views.to_filter(params.filter)
            return await self._database.read(lambda c: history.oldest(c, wanted, limit=EXPORT_PAGE + 1, after=after))
        ids = sorted(set(params.ids))
        rows = await self._database.read(lambda c: history.some(c, ids))
        if missing := set(ids) - {row.job for row in rows}:
            raise _unknown(min(missing))
        return [row for row in rows if row.job > after]

    async def _document(self, row: TranscriptRow, form: Format | None) -> Sequence[wire.Document]:
        """The transcript as a document; none when it was deleted a moment ago."""

        def look(connection: Any) -> tuple[Transcript | None, str | None]:
            return transcripts.get(connection, row.job), transcripts.original(connection, row.job)

        transcript, original = await self._database.read(look)
        if transcript is None:
            return []
        content = await anyio.to_thread.run_sync(
            lambda: render(transcript, form) if form else views.record(row, transcript, original)
        )
        return [views.document(row, content)]

    async def _transcript(self, job_id: int) -> tuple[TranscriptRow, Transcript]:
        row = await self._database.read(lambda c: history.get(c, job_id))
        transcript = await self._database.read(lambda c: transcripts.get(c, job_id))
        if row is None or transcript is None:
            raise _unknown(job_id)
        return row, transcript

    # The method named `list` comes last: after it the name no longer means the type.
    async def list(self, params: wire.HistoryListParams) -> wire.HistoryListResult:
        wanted = views.to_filter(params.filter)
        before = views.position(params.cursor)
        folded = not params.unfold and wanted.folder is None and Kind.WATCH not in wanted.sources
        rows = await self._database.read(
            lambda c: history.page(c, wanted, limit=params.limit + 1, before=before, folded=folded)
        )
        with_folders = folded and before is None and not wanted.sources
        folders = await self._database.read(
            lambda c: history.folders(c, wanted, limit=names.MAX_PAGE if with_folders else 0)
        )
        more, rows = len(rows) > params.limit, rows[: params.limit]
        return wire.HistoryListResult(
            [views.summary(row) for row in rows],
            [views.folder_summary(row) for row in folders],
            views.position_cursor(rows[-1]) if more else None,
        )


def _unknown(job_id: int) -> NotFoundError:
    return NotFoundError(f"there is no transcript {job_id}", hint="`whisperctl history list` shows those there are")
