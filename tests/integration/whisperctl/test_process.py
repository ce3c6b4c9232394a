"""whisperctl as a process: on a terminal, in a pipeline, with streams closed, interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness import PATIENCE, wait_until_asleep
from tests.integration.whisperctl.scripted_queue import Queue
from tests.integration.whisperctl.terminals import OnTerminal
from tests.scripted_daemon import AnswerError, Conversation, Params, ScriptedDaemon, Then, job
from whisperd.wire import names


@pytest.fixture
def queue() -> Queue:
    return Queue()


def held(queue: Queue) -> Params:
    """A queue in which nothing moves."""
    return queue.answers() | {"job.wait": lambda conversation, params: queue.wait(conversation, params).result}


def test_on_a_terminal_progress_is_redrawn_and_only_texts_stay(folder: Path, queue: Queue) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()):
        terminal = OnTerminal("transcribe", "a.wav", "b\nb.wav")
        assert terminal.finish() == names.EXIT_OK
    assert "0 of 2 done" in terminal.output
    assert "\x1b[36m" in terminal.output
    assert terminal.screen.lines == ["── a.wav ──", "text of 1", "── b\\nb.wav ──", "text of 2"]


def test_no_color_leaves_bars_and_takes_colours(folder: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with ScriptedDaemon(folder / "run", queue.answers()):
        terminal = OnTerminal("transcribe", "a.wav", "b.wav")
        assert terminal.finish() == names.EXIT_OK
    assert "░░░" in terminal.output
    assert "\x1b[36m" not in terminal.output


@pytest.mark.parametrize(
    ("words", "before"),
    [
        (["transcribe", "a.wav", "b.wav"], []),
        (["submit", "--wait", "a.wav", "b.wav"], []),
        (["job", "wait", "1-2"], []),
    ],
)
def test_ctrl_c_leaves_jobs_running_and_says_how_to_cancel_them(
    words: list[str], before: list[str], folder: Path, queue: Queue
) -> None:
    queue.jobs = {1: job(1, path="/a/a.wav"), 2: job(2, path="/a/b.wav")}
    with ScriptedDaemon(folder / "run", held(queue)) as daemon:
        terminal = OnTerminal(*words)
        terminal.read_until(lambda: "0 of 2 done" in terminal.output)
        terminal.press_ctrl_c()
        assert terminal.finish() == names.EXIT_INTERRUPTED
        assert daemon.asked("job.cancel") == []
    assert terminal.screen.lines == [
        "jobs 1-2 go on in whisperd",
        "  to follow: whisperctl job wait 1-2",
        "  to cancel: whisperctl job cancel 1-2",
    ]


def test_keys_typed_while_bars_are_drawn_do_not_move_them(folder: Path, queue: Queue) -> None:
    with ScriptedDaemon(folder / "run", held(queue)):
        terminal = OnTerminal("transcribe", "a.wav", "b.wav")
        terminal.read_until(lambda: "0 of 2 done" in terminal.output)
        assert not terminal.echoes
        terminal.press(b"what is this\n\n\n")
        drawn = terminal.output.count("0 of 2 done")
        terminal.read_until(lambda: terminal.output.count("0 of 2 done") > drawn + 1)
        assert sum("a.wav" in line for line in terminal.screen.lines) == 1
        terminal.press_ctrl_c()
        assert terminal.finish() == names.EXIT_INTERRUPTED
    assert terminal.echoed_at_its_end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_ends_it_finds_the_terminals_echo_given_back(
    number: signal.Signals, folder: Path, queue: Queue
) -> None:
    with ScriptedDaemon(folder / "run", held(queue)):
        terminal = OnTerminal("transcribe", "a.wav", "b.wav")
        terminal.read_until(lambda: "0 of 2 done" in terminal.output)
        terminal.send_signal(number)
        assert terminal.finish() == -number
    assert terminal.echoed_at_its_end


def fail(_: Conversation, params: Params) -> None:
    raise AnswerError(names.INTERNAL_ERROR, "internal", "that went wrong")


@pytest.mark.parametrize(("answers", "status"), [({}, names.EXIT_OK), ({"job.text": fail}, names.EXIT_FAILED)])
def test_a_good_end_and_an_error_give_the_terminals_echo_back(
    answers: Params, status: int, folder: Path, queue: Queue
) -> None:
    with ScriptedDaemon(folder / "run", queue.answers() | answers):
        terminal = OnTerminal("transcribe", "a.wav")
        assert terminal.finish() == status
    assert terminal.echoed_at_its_end


def test_ctrl_c_while_the_daemon_is_gone_ends_the_waiting(folder: Path, queue: Queue) -> None:
    def wait(conversation: Conversation, params: Params) -> Then:
        return Then(queue.wait(conversation, params).result, daemon.stop)

    daemon = ScriptedDaemon(folder / "run", queue.answers() | {"job.wait": wait})
    with daemon:
        terminal = OnTerminal("transcribe", "a.wav")
        terminal.read_until(lambda: "waiting for it to come back" in terminal.output)
        terminal.press_ctrl_c()
        assert terminal.finish() == names.EXIT_INTERRUPTED
    assert "  to cancel: whisperctl job cancel 1" in terminal.screen.lines


def run(*words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-m", "whisperctl", *words]
    return subprocess.run(command, env=environment, text=True, timeout=PATIENCE, check=False, **options)


def test_a_closed_pipe_ends_quietly(folder: Path) -> None:
    jobs = [job(number) for number in range(5_000)]
    with ScriptedDaemon(folder / "run", {"job.list": {"jobs": jobs, "next_cursor": None}}):
        shell = f"{sys.executable} -m whisperctl job list | head -n 1; echo ${{PIPESTATUS[0]}}"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        ran = subprocess.run(
            ["bash", "-c", shell], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    assert ran.stdout.splitlines()[0].startswith("  id")
    assert ran.stdout.splitlines()[-1] == "141"
    assert ran.stderr == ""


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_harm_nothing(closed: str, folder: Path) -> None:
    with ScriptedDaemon(folder / "run", {"job.list": {"jobs": [job(1)], "next_cursor": None}}) as daemon:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        shell = f"{sys.executable} -m whisperctl job list {closed}"
        ran = subprocess.run(
            ["bash", "-c", shell], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert ran.returncode == names.EXIT_OK
        assert len(daemon.asked("job.list")) == 1
    assert "Traceback" not in ran.stderr


def test_a_full_disk_is_an_error_not_a_success(folder: Path) -> None:
    with (
        ScriptedDaemon(folder / "run", {"job.list": {"jobs": [job(1)], "next_cursor": None}}),
        open("/dev/full", "w") as full,
    ):
        ran = run("job", "list", stdout=full, stderr=subprocess.PIPE)
    assert ran.returncode == names.EXIT_FAILED
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_interrupted_stream_of_events_ends_quietly(folder: Path) -> None:
    def subscribe(conversation: Conversation, _: Params) -> Then:
        return Then({"subscription": 1, "seq": 1}, lambda: conversation.event("job.state", 1, {}, seq=2))

    with ScriptedDaemon(folder / "run", {"events.subscribe": subscribe}):
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        command = [sys.executable, "-m", "whisperctl", "events", "--follow"]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as following:
            assert following.stdout is not None
            assert following.stderr is not None
            assert json.loads(following.stdout.readline())["seq"] == 2
            wait_until_asleep(following.pid)
            following.send_signal(signal.SIGINT)
            assert following.wait(PATIENCE) == names.EXIT_INTERRUPTED
            assert following.stderr.read() == ""


def test_an_interrupted_copy_of_standard_input_leaves_nothing(folder: Path, queue: Queue) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        command = [sys.executable, "-m", "whisperctl", "transcribe", "-"]
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as copying:
            spool = folder / "state" / "whisperd" / "spool"
            end = time.monotonic() + PATIENCE
            while not (spool.exists() and any(spool.iterdir())):
                assert time.monotonic() < end
                time.sleep(0.01)
            wait_until_asleep(copying.pid)
            copying.send_signal(signal.SIGINT)
            assert copying.wait(PATIENCE) == names.EXIT_INTERRUPTED
        assert list(spool.iterdir()) == []
        assert daemon.asked("job.submit") == []
