"""`events --format waybar` beside a daemon that comes, listens and goes."""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.harness import PATIENCE
from tests.scripted_daemon import Conversation, Params, ScriptedDaemon
from whisperctl import cli

IDLE: Params = {"state": "idle", "sessions": [], "device": None, "error": None}


def session(level: float) -> Params:
    return {
        "session": 1, "state": "listening", "started_at": "", "duration": 1.0, "level": level, "private": False,
        "committed": "", "device": None,
    }  # fmt: skip


def daemon_at(folder: Path, subscribers: list[Conversation]) -> ScriptedDaemon:
    def subscribe(conversation: Conversation, _: Params) -> Params:
        subscribers.append(conversation)
        return {"subscription": 1, "seq": 0}

    answers = {"dictate.status": IDLE, "daemon.status": {"queue": {"queued": 2}}, "events.subscribe": subscribe}
    return ScriptedDaemon(folder / "run", answers)


def test_a_line_at_each_change_over_restarts_of_the_daemon(folder: Path) -> None:
    subscribers: list[Conversation] = []
    daemon = daemon_at(folder, subscribers)
    command = [sys.executable, "-m", "whisperctl", "--socket", str(daemon.socket), "events", "-f", "--format", "waybar"]
    lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUTF8": "1"}) as process:

        def read() -> None:
            assert process.stdout
            for line in process.stdout:
                lines.put(json.loads(line))

        threading.Thread(target=read, daemon=True).start()
        try:
            assert lines.get(timeout=PATIENCE)["class"] == "off"
            with daemon:
                idle = lines.get(timeout=PATIENCE)
                assert (idle["class"], idle["text"]) == ("idle", "2")
                daemon.answers["dictate.status"] = {**IDLE, "state": "listening", "sessions": [session(0.0)]}
                subscribers[0].event("dictate.state", 0, {"session": 1, "state": "listening"})
                assert lines.get(timeout=PATIENCE)["percentage"] == 0
                subscribers[0].event("dictate.level", 0, {"session": 1, "level": 1.0, "peak": 1.0})
                assert lines.get(timeout=PATIENCE)["percentage"] == 100
                daemon.answers["dictate.status"] = IDLE
                daemon.answers["daemon.status"] = {"queue": {"queued": 3}}
                subscribers[0].event("dictate.state", 0, {"session": 1, "state": "done"})
                assert lines.get(timeout=PATIENCE)["text"] == "3"
                daemon.answers["daemon.status"] = {"queue": {"queued": 4}}
                subscribers[0].event("job.state", 7, {"state": "queued"})
                assert lines.get(timeout=PATIENCE)["text"] == "4"
            assert lines.get(timeout=PATIENCE)["class"] == "off"
        finally:
            process.kill()


def test_one_line_for_bars_that_ask_now_and_then(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--socket", str(folder / "none.sock"), "events", "--format", "waybar"]) == 0
    assert json.loads(capsys.readouterr().out)["class"] == "off"
    with daemon_at(folder, []) as daemon:
        assert cli.main(["--socket", str(daemon.socket), "events", "--format", "waybar"]) == 0
    assert json.loads(capsys.readouterr().out)["tooltip"] == "dictation: idle\n2 jobs in the queue"


def test_choosing_events_makes_no_sense_for_a_bar(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["events", "--format", "waybar", "--since", "3"]) == 2
