"""The live view in this process, on a screen of 80 × 24, with a daemon that does what the test tells it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from tests.harness import PATIENCE
from tests.scripted_daemon import AnswerError, Conversation, Params, ScriptedDaemon
from tests.unit.whisperctl.tui.making import COUNTS, in_state, status, worker
from whisperctl.tui.app import Top
from whisperctl.tui.canvas import Canvas
from whisperctl.tui.line import plain
from whisperctl.tui.palette import DARK
from whisperd.wire import names


class Jobs:
    """The jobs of a scripted daemon: verbs change them, as far as a test needs it, and are told as events."""

    def __init__(self, *jobs: Params) -> None:
        self.jobs = {job["id"]: job for job in jobs}
        self.listeners: list[Conversation] = []
        self.batches: list[Params] = []
        self.paused = False

    def answers(self) -> Params:
        verbs = {"pause": "paused", "resume": "queued", "cancel": "cancelled", "retry": "queued"}
        return {
            "daemon.status": self.status,
            "job.list": self.list,
            "job.wait": lambda _, params: {"jobs": [self.found(number) for number in params["ids"]]},
            "job.show": lambda _, params: {"job": self.found(params["id"]), "story": []},
            "job.move": lambda _, params: self.answer(params["ids"], "queued", place=params["place"]),
            "job.delete": self.delete,
            "queue.pause": lambda *_: self.pause(True),
            "queue.resume": lambda *_: self.pause(False),
            "events.subscribe": self.subscribe,
            "events.unsubscribe": {"unsubscribed": True},
            **{f"job.{verb}": self._changing(state) for verb, state in verbs.items()},
        }

    def status(self, *_: Any) -> Params:
        counts = {state: sum(job["state"] == state for job in self.jobs.values()) for state in COUNTS}
        running = [job for job in self.jobs.values() if job["state"] == "running"]
        return status(*running, queue=counts, paused=self.paused, workers=[worker("background", state="busy")])

    def list(self, _: Any, params: Params) -> Params:
        states = ["queued"] if params.get("order") == "queue" else params["states"]
        found = [job for job in self.jobs.values() if job["state"] in states]
        first = int(params.get("cursor") or 0)
        page = found[first : first + params["limit"]]
        more = first + len(page)
        return {"jobs": page, "next_cursor": str(more) if more < len(found) else None}

    def found(self, number: int) -> Params:
        if number not in self.jobs:
            raise AnswerError(names.NOT_FOUND, "not_found", f"there is no job {number}")
        return self.jobs[number]

    def change(self, number: int, state: str, **facts: Any) -> Params:
        """A job's state changes, and everybody is told."""
        self.jobs[number] = in_state(number, state, path=self.jobs[number]["path"], **facts)
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.event("job.state", number, {"state": state}, seq=1)
        return self.jobs[number]

    def answer(self, ids: "list[int]", state: str, **facts: Any) -> Params:
        return {"jobs": [{"id": n, "ok": True, "job": self.change(n, state, **facts), "error": None} for n in ids]}

    def delete(self, _: Any, params: Params) -> Params:
        for number in params["ids"]:
            del self.jobs[number]
        return {"jobs": [{"id": number, "ok": True, "job": None, "error": None} for number in params["ids"]]}

    def pause(self, paused: bool) -> Params:
        self.paused = paused
        for listener in self.listeners:
            listener.event("queue.state", 0, {"paused": paused}, seq=1)
        return {"paused": paused, "queue": COUNTS}

    def subscribe(self, conversation: Conversation, _: Params) -> Params:
        self.listeners.append(conversation)
        return {"subscription": len(self.listeners), "seq": 0}

    def _changing(self, state: str) -> "Callable[[Any, Params], Params]":
        return lambda _, params: self.answer(params["ids"], state)


class Driver:
    """Presses keys and looks at the screen."""

    def __init__(self, app: Top, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def click(self, *, row: int, column: int = 20, times: int = 1, control: bool = False) -> None:
        await self._pilot.click(offset=(column, row), times=times, control=control)

    async def resize(self, columns: int, rows: int) -> None:
        await self._pilot.resize_terminal(columns, rows)

    async def type(self, text: str) -> None:
        self.app.screen.query_one(Input).value = text
        await self._pilot.pause()

    def screen(self) -> list[str]:
        """The lines that are shown, from top to bottom."""
        return [
            "".join(segment.text for segment in strip).rstrip() for strip in self.app.screen._compositor.render_strips()
        ]

    def text(self) -> str:
        return "\n".join(self.screen())

    def cursor_line(self) -> str:
        listing = self.app.listing
        assert listing is not None
        assert listing.cursor is not None
        return " ".join(plain(self.app.scene.row(listing.cursor, 79)).split())

    async def until(self, condition: "Callable[[], object]") -> None:
        """Wait until something is so on the screen or in the daemon."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"not so after {PATIENCE} s: {condition}\n{self.text()}"
            await self._pilot.pause(0.02)

    async def sees(self, *words: str) -> None:
        await self.until(lambda: all(word in self.text() for word in words))

    async def stands_on(self, words: str) -> None:
        """Wait until the cursor's row begins with this."""
        await self.until(lambda: self.cursor_line().startswith(words))

    def canvas(self, name: str) -> Canvas:
        return self.app.screen.query_one(f"#{name}", Canvas)


@contextlib.asynccontextmanager
async def driven(socket: Path, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Driver]:
    app = Top(str(socket), DARK)
    async with app.run_test(size=size) as pilot:
        yield Driver(app, pilot)


def drive(
    folder: Path, jobs: Jobs, scenario: "Callable[[Driver, ScriptedDaemon], Awaitable[None]]",
    size: tuple[int, int] = (80, 24), **answers: Any,
) -> None:  # fmt: skip
    """Run a scenario against a scripted daemon with these jobs."""

    async def run() -> None:
        async with driven(daemon.socket, size) as driver:
            await scenario(driver, daemon)

    with ScriptedDaemon(folder / "run", {**jobs.answers(), **answers}) as daemon:
        asyncio.run(run())
