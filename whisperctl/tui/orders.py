"""Carrying out what a person asked for: requests that change something, and what becomes of their answers.

Owns: sending verbs, a page of subjects at a time, and saying what was refused. Leaves to others: which verb is for what
(`whisperctl.tui.verbs`), and asking before something is destroyed (`whisperctl.tui.app`).
"""

from collections.abc import Callable
from typing import Protocol

from whisperctl import render
from whisperctl.errors import CommandError
from whisperctl.shapes import Json, Params
from whisperctl.tui import picture as known
from whisperctl.tui.inputs import Answered, Input, JobsCame, Ordered, Unanswered
from whisperctl.tui.link import Link
from whisperctl.tui.picture import Subject
from whisperctl.tui.verbs import Verb
from whisperd.wire import names


class Say(Protocol):
    """Tells the person something."""

    def __call__(self, message: str, hint: str | None = None, *, severe: bool = False) -> None: ...


class Orders:
    """`take` and `settle` are the application's: what changes the picture, and drawing it at once."""

    def __init__(self, link: Link, take: Callable[[Input], None], settle: Callable[[], None], say: Say) -> None:
        self._link = link
        self._take = take
        self._settle = settle
        self._say = say

    async def carry_out(self, verb: Verb, meant: tuple[Subject, ...]) -> None:
        """Do it with all of these; that it was sent is shown at once."""
        self._take(Ordered(meant, verb.doing))
        self._settle()
        for what in ("job", "batch"):
            numbers = [number for kind, number in meant if kind == what]
            if what == "batch" and verb.name == "retry":  # which takes one batch, and of it all items that failed
                for number in numbers:
                    await self._send(names.BATCH_RETRY, {"id": number}, (("batch", number),))
                continue
            for start in range(0, len(numbers), names.MAX_PAGE):
                page = numbers[start : start + names.MAX_PAGE]
                await self._send(f"{what}.{verb.name}", {"ids": page}, tuple((what, number) for number in page))

    async def move(self, moved: tuple[int, ...], place: int) -> None:
        """Give these jobs consecutive places in the queue."""
        page = moved[: names.MAX_PAGE]
        meant: tuple[Subject, ...] = tuple(("job", number) for number in page)
        self._take(Ordered(meant, "moving…"))
        self._settle()
        await self._send(names.JOB_MOVE, {"ids": list(page), "place": place}, meant)

    async def pause_queue(self, paused: bool) -> None:
        await self._call(names.QUEUE_PAUSE if paused else names.QUEUE_RESUME)

    async def clear(self) -> None:
        """Remove finished jobs from the lists."""
        result = await self._call(names.QUEUE_CLEAR)
        if result is not None:
            self._say(f"{render.counted(result['removed'], 'job')} removed")
            self._take(Unanswered(frozenset({known.STATUS, known.BATCHES, (known.ENDED, 0), (known.FAILED, 0)})))

    async def _call(self, method: str, params: Params | None = None) -> Json:
        """The result, or None where there was an error, which is told."""
        try:
            return await self._link.call(method, params)
        except CommandError as error:
            self._say(error.message, error.hint, severe=True)
            return None

    async def _send(self, method: str, params: Params, meant: tuple[Subject, ...]) -> None:
        """One request, its answers into the picture, and a word about those that were refused."""
        result: Json = await self._call(method, params) or {}
        of_jobs = method.startswith("job.")
        answers: list[Json] = result.get("jobs" if of_jobs else "batches", [])
        refused = [answer["error"] for answer in answers if not answer["ok"]]
        if refused:
            many = f"{len(refused):,} of {len(answers):,} refused: " if len(answers) > 1 else ""
            self._say(f"{many}{refused[0]['message']}", refused[0]["hint"], severe=True)
        if of_jobs:
            done = [answer for answer in answers if answer["ok"]]
            jobs = tuple(answer["job"] for answer in done if answer["job"])
            self._take(JobsCame(tuple(answer["id"] for answer in done), jobs))
        else:
            self._take(Unanswered(frozenset({known.BATCHES, *(("items", number) for _, number in meant)})))
        self._take(Answered(meant))
        self._settle()
