"""What starting costs, held as the modules that everyday verbs import."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import PATIENCE

FORBIDDEN = {
    "msgspec", "anyio", "asyncio", "typing", "dataclasses", "inspect", "pathlib", "subprocess", "shutil", "datetime",
    "socket", "selectors", "logging", "argparse", "gettext", "locale", "tempfile", "threading", "signal", "unicodedata",
    "contextlib", "zlib", "platformdirs", "whisperctl.shapes", "whisperctl.follow", "whisperctl.files",
}  # fmt: skip
"""None of these is needed to ask a question and print the answer."""

PROGRAM = """
import sys
before = set(sys.modules)
from whisperctl.cli import main
status = main(sys.argv[1:])
print(status, *sorted(set(sys.modules) - before), file=sys.stderr)
"""


@pytest.mark.parametrize("verb", [["status"], ["shutdown"], ["job", "list"], ["queue", "pause"]])
def test_everyday_verbs_import_next_to_nothing(verb: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-c", PROGRAM, "--socket", str(tmp_path / "none.sock"), *verb]
    root = str(Path(__file__).parents[3])
    ran = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=PATIENCE, env={"PYTHONPATH": root}
    )
    status, *modules = ran.stderr.splitlines()[-1].split()
    assert status == "3"
    assert "whisperctl.client" in modules
    assert not FORBIDDEN & set(modules)
    assert not {name for name in modules if name.startswith("whisperd.") and not name.startswith("whisperd.wire")}


@pytest.mark.parametrize("verb", [["job", "list"], ["submit", "a.wav"], ["transcribe", "a.wav"], ["events"]])
def test_no_verb_imports_what_the_daemon_is_made_of(verb: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-c", PROGRAM, "--socket", str(tmp_path / "none.sock"), *verb]
    root = str(Path(__file__).parents[3])
    ran = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=PATIENCE, env={"PYTHONPATH": root}
    )
    modules = set(ran.stderr.splitlines()[-1].split())
    assert not {"msgspec", "anyio", "asyncio", "typing", "dataclasses", "pathlib", "subprocess", "inspect"} & modules
