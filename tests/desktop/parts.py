"""What tests of the desktop are made of: an X server, a bus, a text field, and stand-ins for programs."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.harness import PATIENCE, wait_for

_TOOLS = ("sh", "cat", "sleep", "mkdir", "touch")


class Screen(NamedTuple):
    """A running X server."""

    display: str

    def do(self, *words: str) -> None:
        """Press, release or move by xdotool."""
        subprocess.run(["xdotool", *words], env={**os.environ, "DISPLAY": self.display}, check=True, timeout=PATIENCE)


@contextlib.contextmanager
def virtual_screen() -> Iterator[Screen]:
    """Xvfb on a display number that it chooses itself."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-noreset", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            yield Screen(f":{told.readline().strip()}")
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextlib.contextmanager
def private_bus() -> Iterator[str]:
    """A session bus of our own; its address."""
    folder = tempfile.mkdtemp(prefix="wb-")
    process = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", f"--address=unix:dir={folder}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


class Field:
    """The text field of another program."""

    def __init__(self, contents: Path) -> None:
        self._contents = contents

    def text(self) -> str:
        return self._contents.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        try:
            wait_for(lambda: self.text() == text)
        except AssertionError:
            raise AssertionError(f"the field holds {self.text()!r}, not {text!r}") from None


class Programs:
    """Stand-ins on PATH. Each records its arguments and standard input, then does what the test says."""

    def __init__(self, folder: Path, records: Path) -> None:
        self.folder, self._records = folder, records
        folder.mkdir()
        records.mkdir()
        for tool in _TOOLS:
            found = shutil.which(tool)
            assert found
            (folder / tool).symlink_to(found)

    def real(self, *names: str) -> None:
        """Let programs that are installed be found."""
        for name in names:
            found = shutil.which(name, path=os.defpath)
            assert found, f"{name} is not installed"
            (self.folder / name).symlink_to(found)

    def stand_in(self, name: str, then: str = "sleep 0.3") -> None:
        """A program that reads what it is given, then runs the shell commands `then`: by default it takes its time."""
        records = self._records / name
        records.mkdir()
        script = self.folder / name
        script.write_text(
            f'#!/bin/sh\nn=0; while ! mkdir "{records}/$n" 2>/dev/null; do n=$((n+1)); done\n'
            f'printf "%s\\n" "$@" > "{records}/$n/arguments"\n[ -t 0 ] || cat > "{records}/$n/input"\n'
            f'touch "{records}/$n/done"\n{then}\n',
            encoding="utf-8",
        )
        script.chmod(0o755)

    def runs(self, name: str) -> "list[tuple[list[str], str]]":
        """Arguments and input of each run of a stand-in, in order."""
        folders = sorted((self._records / name).iterdir(), key=lambda folder: int(folder.name))
        return [
            (
                (folder / "arguments").read_text(encoding="utf-8").splitlines(),
                (folder / "input").read_text(encoding="utf-8"),
            )
            for folder in folders
        ]

    def finished(self, name: str) -> "list[bytes]":
        """The input of each run that has read all of it, in order."""
        folders = sorted((self._records / name).iterdir(), key=lambda folder: int(folder.name))
        return [(folder / "input").read_bytes() for folder in folders if (folder / "done").exists()]

    def typed(self, name: str) -> str:
        """All that a stand-in was given on standard input."""
        return "".join(given for _, given in self.runs(name))


def json_lines(text: str) -> "list[dict[str, object]]":
    return [json.loads(line) for line in text.splitlines()]
