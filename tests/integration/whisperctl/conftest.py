"""A short folder for sockets, and whisperctl run in this process against a scripted daemon."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A private folder that is also home and current folder; its path is short enough for a socket's."""
    made = Path(tempfile.mkdtemp(prefix="wc-"))
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.setenv("XDG_STATE_HOME", str(made / "state"))
    monkeypatch.setenv("WHISPERD_SOCKET", str(made / "run" / "whisperd.sock"))
    monkeypatch.chdir(made)
    yield made
    shutil.rmtree(made)
