"""How long the daemon runs, by a clock that nobody sets."""

import time
from pathlib import Path

import pytest

from whisperd.api.daemon import Identity, since_boot
from whisperd.jobs.policy import Lanes


def test_a_clock_that_is_set_back_makes_no_daemon_younger_than_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity(Path("/s"), Path("/w.sock"), None, time.time(), since_boot() - 5.0, Lanes(1, "asked for"))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 5.0 <= identity.uptime < 60.0
