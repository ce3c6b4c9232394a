"""Every command line and the configuration of README.md, as they stand there, in a home of their own.

The daemon is the one that the README's `whisperd run` starts. What the lines name is prepared: audio in the current
folder, and jobs in the states that make a line mean something. Programs that need hardware or a desktop are played by
scripts on PATH.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import PATIENCE, ROOT, Client, wait_for, wait_until_asleep
from tests.hub import running_hub
from tests.integration.whisperctl.terminals import OnTerminal
from tests.speech import synthesize, word_errors, write_audio

README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
SPOKEN = "open the green window"

NOT_RUN = {
    "make demo": "has a test of its own",
    "make test": "is what runs this",
    "pipx install .": "the package is installed already",
}
ASKING = {"whisperctl job cancel --all"}
"""Typed at a terminal, and answered with yes."""
ENDLESS = {"whisperctl events --follow"}
"""Ended by Ctrl-C once they have said something."""

PLAYED = {
    "arecord": 'exec cat "$HOME/note.wav"',
    "socat": f"""exec {sys.executable} -c '
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[2].removeprefix("UNIX:"))
    s.sendall(sys.stdin.buffer.read())
    print(s.makefile().readline(), end="")
' "$@" """,
}
"""Programs that the README's lines use, and what plays their part here."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def command_lines() -> list[str]:
    """The lines of the shell blocks, without comments."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in (re.sub(r"\s+#.*", "", line).strip() for line in lines) if line]


class Home:
    """A person's home, with what the README's lines name in it."""

    def __init__(self, folder: Path, hub: str) -> None:
        self.folder = folder
        self._hub = hub
        self.runtime = folder / "runtime"
        self.runtime.mkdir(mode=0o700)
        self.socket = self.runtime / "whisperd" / "whisperd.sock"
        self.daemon: subprocess.Popen[bytes] | None = None
        self._make_audio()
        self._make_programs()

    def _make_audio(self) -> None:
        write_audio(self.folder / "talk.mp3", synthesize(SPOKEN))
        write_audio(self.folder / "note.wav", synthesize(SPOKEN))
        for name, count in {"recordings": 1, "big-archive": 6}.items():
            (self.folder / name).mkdir()
            for number in range(count):
                write_audio(self.folder / name / f"{number}.flac", synthesize(SPOKEN + " today" * number))
        (self.folder / "recordings" / "broken.wav").write_text("not audio")

    def _make_programs(self) -> None:
        (self.folder / "bin").mkdir()
        for name, script in PLAYED.items():
            path = self.folder / "bin" / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "WHISPERD_"))}
        path = f"{self.folder / 'bin'}:{BIN}:{os.environ['PATH']}"
        return {
            **kept,
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "PATH": path,
            "HF_ENDPOINT": self._hub,
        }

    def call(self, method: str, **params: Any) -> Any:
        client = Client(self.socket)
        try:
            return client.call(method, **params)
        finally:
            client.close()

    def start_daemon(self, line: str) -> None:
        with (self.folder / "log").open("wb") as log:
            self.daemon = subprocess.Popen(shlex.split(line), env=self.environment, cwd=self.folder, stderr=log)
        wait_for(self.socket.exists)

    def stop_daemon(self) -> int:
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGINT)
        return self.daemon.wait(timeout=PATIENCE)

    def run(self, line: str) -> str:
        """The line's output. Fails where the line does."""
        ran = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert ran.returncode == 0, f"{line}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def run_asking(self, line: str) -> str:
        terminal = OnTerminal(*shlex.split(line)[1:], environment=self.environment)
        terminal.read_until(lambda: "[y/N]" in terminal.output)
        terminal.press(b"y\n")
        assert terminal.finish() == 0, terminal.output
        return terminal.output

    def run_endless(self, line: str) -> str:
        """Until it prints something, which it does as soon as something happens."""
        output = self.folder / "followed"
        with (
            output.open("wb") as file,
            subprocess.Popen(shlex.split(line), env=self.environment, cwd=self.folder, stdout=file) as following,
        ):

            def something_happened() -> bool:
                self.call("queue.pause")
                self.call("queue.resume")
                return output.stat().st_size > 0

            wait_for(something_happened)
            wait_until_asleep(following.pid)
            following.send_signal(signal.SIGINT)
            assert following.wait(timeout=PATIENCE) == 130
        return output.read_text()


@pytest.fixture
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="wr-"))
    with running_hub() as hub:
        hub.add("Systran/faster-whisper-small", ROOT / "whisperd" / "data" / "test-en")
        made = Home(folder, hub.url)
        yield made
        if made.daemon is not None and made.daemon.poll() is None:
            made.daemon.kill()
            made.daemon.wait(timeout=PATIENCE)
    shutil.rmtree(folder, ignore_errors=True)


def states(home: Home, *ids: int) -> list[str]:
    return [home.call("job.show", id=job)["job"]["state"] for job in ids]


def test_every_command_line_of_the_readme_does_what_it_says(home: Home) -> None:
    before: dict[str, Callable[[], Any]] = {
        # So that what is queued here is still there when the next lines pause, move and cancel it.
        "whisperctl submit --low big-archive/": lambda: home.call("queue.pause"),
        "whisperctl job retry --failed": lambda: home.call("queue.resume"),
    }
    said: dict[str, str] = {}
    for line in command_lines():
        if line in NOT_RUN:
            continue
        before.get(line, lambda: None)()
        if line == "whisperd run":
            home.start_daemon(line)
        elif line in ASKING:
            said[line] = home.run_asking(line)
        elif line in ENDLESS:
            said[line] = home.run_endless(line)
        else:
            said[line] = home.run(line)
        if line == "whisperctl submit --words recordings/":
            [*_, last] = home.call("job.list", limit=2)["jobs"]
            home.call("job.wait", ids=[last["id"], last["id"] + 1], timeout=PATIENCE)

    heard = ["whisperctl transcribe talk.mp3", "whisperctl submit --dictation --wait note.wav"]
    heard += [line for line in said if "arecord" in line]
    assert {line: said[line] for line in heard if word_errors(said[line], SPOKEN) > 1} == {}
    assert (home.folder / "talk.srt").exists()
    assert (home.folder / "talk.json").exists()
    assert said["whisperctl job text 3 --format vtt"].startswith("WEBVTT")
    assert "paused" in said["whisperctl job pause 7"]
    assert "queued" in said["whisperctl job resume 7"]
    assert "place 1" in said["whisperctl job move --to first 9"]
    assert "cancelled" in said["whisperctl job cancel --all"]
    assert states(home, 7, 9) == ["cancelled", "cancelled"]
    assert "broken.wav" in said["whisperctl job retry --failed"]
    assert not home.call("daemon.status")["paused"]
    assert said["whisperctl model pull small"] == "small is installed\n"
    assert "small" in said["whisperctl model bench"]
    assert '"queue.state"' in said["whisperctl events --follow"]
    assert "ExecStart=" in (home.folder / ".config" / "systemd" / "user" / "whisperd.service").read_text()
    assert "[health]" in said["whisperctl config show --default"]
    assert "whisperd_health" in said["whisperctl metrics"]
    assert "test-en" in said["whisperctl stats --days 30"] or "small" in said["whisperctl stats --days 30"]
    [socat] = [line for line in said if "socat" in line]
    assert '"result"' in said[socat]
    assert home.stop_daemon() == 0


def test_the_readmes_configuration_is_one(home: Home) -> None:
    [toml] = blocks("toml")
    path = home.folder / ".config" / "whisperd" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(toml, encoding="utf-8")
    home.run("whisperd check-config")


def test_the_readme_names_no_line_that_is_left_out_for_nothing() -> None:
    assert set(NOT_RUN) | ASKING | ENDLESS <= set(command_lines())


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^):#]+)\)", README))))
def test_what_the_readme_links_to_is_there(path: str) -> None:
    assert (ROOT / path).exists()
