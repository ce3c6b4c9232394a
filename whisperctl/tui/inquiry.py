"""Asking the daemon for what is stale in the picture, no more often than worth it.

Owns: which question comes next and when (`choose`, pure), and how each is asked. Leaves to others: the connection
(`whisperctl.tui.link`) and what an answer changes (`whisperctl.tui.advance`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from whisperctl.errors import CommandError, RequestFailedError
from whisperctl.follow import RECHECK
from whisperctl.shapes import Job, Json, Params
from whisperctl.tui import picture as known
from whisperctl.tui.inputs import (
    Asked,
    BatchesCame,
    DictationCame,
    EventsLost,
    HealthCame,
    Input,
    ItemsCame,
    JobsCame,
    ListCame,
    MethodUnknown,
    StatusCame,
    TranscriptsCame,
    Unanswered,
    WordsCame,
)
from whisperctl.tui.link import Link
from whisperctl.tui.picture import LOADED, REMEMBERED, Picture, Subject, Transcripts
from whisperd.wire import names

PAGE = 500
"""Jobs in one answer: some milliseconds of the daemon's time."""
FOUND = 100
"""Transcripts in one answer."""
_AT_ONCE = 200
"""Changed jobs asked for in one question."""

_ORDER = (
    "job",
    "words",
    "status",
    "queue",
    "batches",
    "items",
    "failed",
    "waiting",
    "paused",
    "ended",
    "dictation",
    "health",
)
"""Which question goes first."""
GAPS = {
    "job": 0.1,
    "status": 0.5,
    "queue": 3.0,
    "batches": 1.0,
    "items": 1.0,
    "history": 1.0,
    "dictation": 0.2,
    "words": 0.5,
}
"""Seconds from a question to the next one of its kind."""
_GAP = 2.0

_LIST_PARAMS: dict[str, Params] = {
    known.QUEUE: {"order": "queue"},
    known.WAITING: {"states": ["waiting"]},
    known.PAUSED: {"states": ["paused"]},
    known.FAILED: {"states": ["failed"]},
    known.ENDED: {"states": ["completed", "cancelled"]},
}


def choose(
    picture: Picture, relevant: Callable[[Subject], bool], not_before: Mapping[str, float], now: float
) -> tuple[frozenset[Subject], float | None]:
    """What to ask for now, and if nothing, in how many seconds to look again; None: when something changes."""
    if picture.gone or not picture.connected:
        return frozenset(), None
    wanted = [subject for subject in picture.stale if subject[0] != known.RUNNING and relevant(subject)]
    ready = [subject for subject in wanted if not_before.get(subject[0], 0.0) <= now]
    if not ready:
        return frozenset(), min((not_before[what] - now for what, _ in wanted), default=None)
    kind = min((what for what, _ in ready), key=lambda what: _ORDER.index(what) if what in _ORDER else len(_ORDER))
    of_kind = sorted(subject for subject in ready if subject[0] == kind)
    return frozenset(of_kind[: _AT_ONCE if kind == "job" else 1]), None


class Gaze(Protocol):
    """What the person looks at, and what is known."""

    @property
    def picture(self) -> Picture: ...

    def relevant(self, subject: Subject) -> bool:
        """Whether anything of it is seen."""
        ...

    @property
    def query(self) -> str:
        """What transcripts are searched for."""
        ...


class Inquiry:
    """`take` is given the answers."""

    def __init__(self, link: Link, take: Callable[[Input], None], gaze: Gaze) -> None:
        self._link = link
        self._take = take
        self._gaze = gaze
        self._changed = asyncio.Event()
        self._not_before: dict[str, float] = {}

    def look_again(self) -> None:
        """Something became stale, or what the person sees has changed."""
        self._changed.set()

    def hurry(self, what: str) -> None:
        """Don't wait with the next question of this kind: the person waits for its answer."""
        self._not_before.pop(what, None)
        self._changed.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        recheck_at = time.monotonic() + RECHECK
        while True:
            self._changed.clear()
            now = time.monotonic()
            if now >= recheck_at:
                self._take(EventsLost())
                recheck_at = now + RECHECK
            subjects, wait = choose(self._gaze.picture, self._gaze.relevant, self._not_before, now)
            if subjects:
                await self._ask(subjects)
                continue
            wait = recheck_at - now if wait is None else min(wait, recheck_at - now)
            try:
                await asyncio.wait_for(self._changed.wait(), max(wait, 0.0))
            except TimeoutError:
                continue

    async def _ask(self, subjects: frozenset[Subject]) -> None:
        what, number = next(iter(subjects))
        self._take(Asked(subjects))
        try:
            if what == "job":
                await self._jobs(sorted(number for _, number in subjects))
            elif what == "items":
                await self._items(number)
            elif what == "words":
                await self._words(number)
            elif what in _LIST_PARAMS:
                await self._list(what)
            else:
                await self._simple[what](self)
        except RequestFailedError as error:
            if error.code == names.METHOD_NOT_FOUND:
                self._take(MethodUnknown(what))
            else:
                self._take(Unanswered(subjects))
                self._not_before[what] = time.monotonic() + _GAP
                return
        except CommandError:
            self._take(Unanswered(subjects))
        self._not_before[what] = time.monotonic() + GAPS.get(what, _GAP)

    async def _status(self) -> None:
        self._take(StatusCame(await self._link.call(names.DAEMON_STATUS)))

    async def _jobs(self, numbers: list[int]) -> None:
        """These jobs as they are. A question is refused as a whole where one of them is gone: then they are halved."""
        try:
            found: Json = await self._link.call(names.JOB_WAIT, {"ids": numbers, "timeout": 0})
        except RequestFailedError as error:
            if error.code != names.NOT_FOUND:
                raise
            if len(numbers) == 1:
                self._take(JobsCame(tuple(numbers), ()))
                return
            middle = len(numbers) // 2
            await self._jobs(numbers[:middle])
            await self._jobs(numbers[middle:])
        else:
            self._take(JobsCame(tuple(numbers), tuple(found["jobs"])))

    async def _list(self, name: str) -> None:
        """A list, page by page; what is shown first of a long one is its first page."""
        jobs: list[Job] = []
        params: Params = {**_LIST_PARAMS[name], "limit": REMEMBERED if name == known.ENDED else PAGE}
        most = REMEMBERED if name == known.ENDED else LOADED
        while True:
            page: Json = await self._link.call(names.JOB_LIST, params)
            jobs += page["jobs"]
            params["cursor"] = page["next_cursor"]
            if not params["cursor"] or len(jobs) >= most:
                break
            if not self._gaze.picture.listed(name):
                self._take(ListCame(name, tuple(jobs)))
        self._take(ListCame(name, tuple(jobs)))

    async def _batches(self) -> None:
        page: Json = await self._link.call(names.BATCH_LIST, {"limit": PAGE})
        self._take(BatchesCame(tuple(page["batches"])))

    async def _items(self, number: int) -> None:
        jobs: list[Job] = []
        params: Params = {"id": number, "limit": PAGE}
        while True:
            try:
                page: Json = await self._link.call(names.BATCH_SHOW, params)
            except RequestFailedError as error:
                if error.code != names.NOT_FOUND:
                    raise
                self._take(ItemsCame(number, None, ()))
                return
            jobs += page["items"]
            params["cursor"] = page["next_cursor"]
            if not params["cursor"] or len(jobs) >= LOADED:
                break
        self._take(ItemsCame(number, page["batch"], tuple(jobs)))

    async def _words(self, number: int) -> None:
        text: Json = await self._link.call(names.JOB_TEXT, {"id": number, "so_far": True})
        self._take(WordsCame(number, tuple(text["transcript"]["segments"])))

    async def _history(self) -> None:
        self._take(TranscriptsCame(await transcripts(self._link, self._gaze.query, None)))

    async def _dictation(self) -> None:
        self._take(DictationCame(await self._link.call(names.DICTATE_STATUS)))

    async def _health(self) -> None:
        self._take(HealthCame(await self._link.call(names.DAEMON_HEALTH)))

    _simple: Mapping[str, Callable[[Any], Awaitable[None]]] = {
        "status": _status,
        "batches": _batches,
        "history": _history,
        "dictation": _dictation,
        "health": _health,
    }


async def transcripts(link: Link, query: str, cursor: str | None) -> Transcripts:
    """A page of the newest transcripts, or of those in which `query` is found.

    A query that the daemon refuses is an answer too: its `error`.
    """
    params: Params = {"limit": FOUND, "cursor": cursor}
    if not query:
        page: Json = await link.call(names.HISTORY_LIST, params)
        return Transcripts("", (*page["transcripts"], *page["folders"]), page["next_cursor"], known=True)
    try:
        page = await link.call(names.HISTORY_SEARCH, {**params, "query": query})
    except RequestFailedError as error:
        if error.code != names.INVALID_PARAMS:
            raise
        return Transcripts(query, (), None, error.message, known=True)
    rows = tuple({**match["transcript"], "snippet": match["snippet"]} for match in page["matches"])
    return Transcripts(query, rows, page["next_cursor"], known=True)
