"""Stand-ins in the place of real workers, and processes that are gone when a test ends."""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from whisperd.workers import process
from whisperd.workers.process import WorkerProcess

STAND_IN = Path(__file__).with_name("stand_in.py")


class Workers:
    """Which command starts the next worker, and the arguments with which workers were started so far."""

    def __init__(self) -> None:
        self.started: list[list[str]] = []
        self.failing_starts = 0
        self.arguments: tuple[str, ...] = ()

    def command(self, fd: int, arguments: object) -> list[str]:
        broken = len(self.started) < self.failing_starts
        more = ("--exit-at-start", "7") if broken else self.arguments
        self.started.append([sys.executable, str(STAND_IN), "--fd", str(fd), *more])
        return self.started[-1]


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    """Stand-ins are started instead of workers, without the time that each would take to have itself measured."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    workers = Workers()
    monkeypatch.setattr(process, "worker_command", workers.command)
    return workers


@pytest.fixture(autouse=True)
def no_process_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kill what a failing test has left behind."""
    pids: list[int] = []
    spawn: Callable[..., object] = WorkerProcess.spawn

    async def spawn_and_note(arguments: object) -> WorkerProcess:
        worker = await spawn(arguments)
        assert isinstance(worker, WorkerProcess)
        pids.append(worker.pid)
        return worker

    monkeypatch.setattr(WorkerProcess, "spawn", spawn_and_note)
    yield
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def open_files() -> Callable[[], int]:
    """How many files this process has open, without those that tests before this one have left to be collected."""
    gc.collect()
    return lambda: len(os.listdir("/proc/self/fd"))
