"""`whisperctl top` as a person has it: on a real terminal of 80 × 24, with a real daemon."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import DATA, ROOT, Daemon, running_daemon, wait_for

TMUX = shutil.which("tmux") or pytest.fail("tmux is not installed: `make test` installs it")


class Terminal:
    """A screen of tmux, with a server of its own."""

    def __init__(self, folder: Path, columns: int, rows: int) -> None:
        self._tmux = [TMUX, "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._size = ["-x", str(columns), "-y", str(rows)]

    def start(self, daemon: Daemon, *words: str) -> None:
        environment = {**daemon.environment, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "COLORTERM": "truecolor"}
        named = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
        command = f"{sys.executable} -m whisperctl {' '.join(words)}; echo status $?; exec cat"
        self._run("new-session", "-d", *self._size, *named, command)

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self) -> list[str]:
        return self._run("capture-pane", "-p").split("\n")

    def sees(self, *words: str) -> None:
        """Wait until all of these are on the screen."""
        try:
            wait_for(lambda: all(word in "\n".join(self.screen()) for word in words))
        except AssertionError as error:
            raise AssertionError(f"{words} are not on the screen:\n" + "\n".join(self.screen())) from error

    def stop(self) -> None:
        self._run("kill-server")

    def _run(self, *words: str) -> str:
        environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
        done = subprocess.run([*self._tmux, *words], env=environment, capture_output=True, text=True, check=True)
        return done.stdout


@pytest.fixture
def terminal(folder: Path) -> Iterator[Terminal]:
    made = Terminal(folder, 80, 24)
    yield made
    made.stop()


def test_a_day_at_a_terminal(folder: Path, terminal: Terminal) -> None:
    broken = folder / "broken.mp3"
    broken.write_bytes(b"not audio at all " * 100)
    with running_daemon() as daemon:
        terminal.start(daemon, "top")
        terminal.sees("whisperd", "idle", "Nothing is queued.", "? help")
        [job] = daemon.submit(DATA / "demo.flac")
        daemon.submit(broken)
        daemon.wait(job["id"])
        terminal.sees("RECENTLY DONE", "demo.flac", "1 failed")
        terminal.press("Enter")
        terminal.sees("0:0", "t running text")
        text = daemon.call("job.text", id=job["id"])["transcript"]["text"].split()
        terminal.sees(text[0], text[-1])
        terminal.press("q")
        terminal.sees("RECENTLY DONE")
        terminal.press("3")
        terminal.sees("broken.mp3", "is a text file, not audio", "→ give the audio itself")
        terminal.press("1")
        terminal.sees("RECENTLY DONE")
        terminal.press("P")
        terminal.sees("queue paused")
        daemon.submit(DATA / "demo.flac", again=True)
        terminal.sees("QUEUE 1", "the queue is paused")
        daemon.kill()
        terminal.sees("✗ gone", "whisperd is gone", "nobody listens")
        daemon.start()
        terminal.sees("queue paused", "QUEUE 1")
        assert all(len(line) <= 80 for line in terminal.screen())
        terminal.resize(160, 50)
        terminal.sees("WORKERS", "DICTATION")
        terminal.press("q")
        terminal.sees("status 0")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("top", "2>/dev/null"), "status 2"),
        (("--json", "top"), "top has no JSON"),
        (("--socket", "/nowhere/w.sock", "top"), "whisperd is not running"),
    ],
)
def test_where_it_cannot_be_shown_it_says_so(
    folder: Path, terminal: Terminal, words: tuple[str, ...], message: str
) -> None:
    terminal.start(Daemon(folder), *words)
    terminal.sees(message)


def test_without_textual_it_says_what_to_install(folder: Path, terminal: Terminal) -> None:
    daemon = Daemon(folder)
    blocker = "import sys; sys.modules['textual'] = None; from whisperctl.cli import main; sys.exit(main(['top']))"
    (folder / "blocked.py").write_text(blocker)
    terminal.start(daemon, "--version;", sys.executable, str(folder / "blocked.py"))
    terminal.sees("needs the Python package textual", "pip install textual", "status 1")
