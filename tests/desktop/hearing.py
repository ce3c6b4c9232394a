"""A scripted daemon that dictates: what `dictate.*` answers, without microphone and model."""

import contextlib
import threading
from pathlib import Path
from typing import Any

from tests.harness import PATIENCE
from tests.scripted_daemon import AnswerError, Conversation, Params, ScriptedDaemon, Then


class Hearing:
    """Answers for a `ScriptedDaemon`. Each session's text is the next of `texts`; "" means that nothing was heard.

    A session listens as soon as it has started, unless `first_frames` is cleared. `thinks` holds texts back until it is
    set.
    """

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.thinks = threading.Event()
        self.thinks.set()
        self.first_frames = threading.Event()
        self.first_frames.set()
        self.sessions = 0
        self._subscribers: list[Conversation] = []

    def daemon(self, folder: Path) -> ScriptedDaemon:
        return ScriptedDaemon(
            folder / "run",
            {
                "dictate.start": self._start,
                "dictate.stop": self._stop,
                "dictate.cancel": lambda _, params: self._result(params["session"], "cancelled"),
                "dictate.again": lambda _, params: self._result(None, "done", "once more"),
                "events.subscribe": self._subscribe,
            },
        )

    def tell(self, session: int, state: str, **facts: Any) -> None:
        """An event to everyone who asked for them."""
        for conversation in self._subscribers:
            with contextlib.suppress(OSError):  # one of before a restart
                conversation.event("dictate.state", 0, {"session": session, "state": state, **facts}, seq=session)

    def _start(self, _: Conversation, params: Params) -> Then:
        assert params["while_connected"]
        if not self.texts:
            raise AnswerError(-32002, "microphone", "there is no microphone", "plug one in")
        self.sessions += 1
        session = self.sessions
        started = {"session": session, "state": "opening", "device": "virtual", "recording": "/nowhere.wav"}
        listens = [lambda: self.tell(session, "listening")] if self.first_frames.is_set() else []
        return Then(started, *listens)

    def _stop(self, _: Conversation, params: Params) -> Params:
        text = self.texts.pop(0)
        self.thinks.wait(PATIENCE)
        return self._result(params["session"], "done" if text else "nothing_heard", text)

    def _subscribe(self, conversation: Conversation, _: Params) -> Params:
        self._subscribers.append(conversation)
        return {"subscription": 1, "seq": 0}

    def _result(self, session: int | None, state: str, text: str = "") -> Params:
        return {
            "session": session, "state": state, "text": text, "job": 1, "duration": 1.0, "latency": 0.1, "error": None,
        }  # fmt: skip
