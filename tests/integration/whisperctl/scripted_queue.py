"""Jobs for a scripted daemon."""

from collections.abc import Iterator
from typing import Any

from tests.scripted_daemon import Conversation, Params, Then, job, transcript
from whisperd.wire import names


class Queue:
    """The jobs of a scripted daemon, which run whenever a client has asked for them, the last one first.

    Each takes two steps: it begins to run, and it ends. Files named `bad…` fail.
    """

    def __init__(self) -> None:
        self.jobs: dict[int, Params] = {}
        self.by_key: dict[str, int] = {}
        self.listener: Conversation | None = None
        self._steps = self._run()

    def answers(self) -> Params:
        return {
            "job.submit": self.submit,
            "job.wait": self.wait,
            "job.text": lambda _, params: transcript(params["id"], f"text of {params['id']}"),
            "events.subscribe": self.subscribe,
        }

    def submit(self, _: Conversation, params: Params) -> Params:
        ids: list[int] = []
        for file in params["files"]:
            number = self.by_key.setdefault(file["key"], len(self.by_key) + 1)
            ids.append(number)
            if number not in self.jobs:
                self.jobs[number] = job(number, path=file.get("path", "/not/utf-8"), place=number)
        return {"jobs": [self.jobs[number] for number in ids]}

    def wait(self, _: Conversation, params: Params) -> Then:
        assert params["timeout"] == 0
        return Then({"jobs": [self.jobs[number] for number in params["ids"]]}, self.step)

    def subscribe(self, conversation: Conversation, _: Params) -> Params:
        self.listener = conversation
        return {"subscription": 1, "seq": 0}

    def step(self) -> None:
        next(self._steps, None)

    def _run(self) -> Iterator[None]:
        for number in sorted(self.jobs, reverse=True):
            if self.jobs[number]["state"] not in names.FINAL_STATES:
                self._change(number, state="running", stage="transcribing", duration=10.0, place=None)
                yield
                assert self.listener is not None
                self.listener.event("job.progress", number, {"progress": 0.5, "done": 5.0, "speed": 5.0, "eta": 1.0})
                if "/bad" in self.jobs[number]["path"]:
                    error = {"kind": "bad_input", "message": "not audio", "hint": "look at it"}
                    self._change(number, state="failed", error=error)
                else:
                    self._change(number, state="completed", progress=1.0, processing_time=2.0)
                yield

    def _change(self, number: int, **facts: Any) -> None:
        self.jobs[number] = {**self.jobs[number], **facts}
        assert self.listener is not None
        self.listener.event("job.state", number, {"state": facts["state"]}, seq=1)
