"""`whisperctl hotkey run` as a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.harness import PATIENCE, ROOT, wait_for


class Agent:
    """What it says on stderr is in `said`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_said(self, words: str) -> None:
        try:
            wait_for(lambda: words in self.said)
        except AssertionError:
            raise AssertionError(f"the agent did not say {words!r} but:\n{self.said}") from None

    def end(self) -> int:
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.said += line


@contextlib.contextmanager
def running_agent(socket: Path, *words: str, ready: bool = True, silent: bool = True) -> Iterator[Agent]:
    """The agent, once it watches its keys."""
    command = [sys.executable, "-m", "whisperctl", "--socket", str(socket), "hotkey", "run", *words]
    command += ["--silent"] if silent else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT)])}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    agent = Agent(process)
    try:
        if ready:
            agent.wait_until_said("listening for ")
        yield agent
    finally:
        if process.poll() is None:
            agent.end()
        assert process.stderr
        process.stderr.close()
