"""Fixtures for every test."""

import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

from tests.harness import Daemon, running_daemon

# Whoever starts the tests in the background (nohup, `&` in a script) has them ignore signals, and so would every
# program that they start; a handler, unlike SIG_IGN, ends with the exec.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

# Processes that run tests side by side are told a terminal's size, which no program on a terminal of its own has.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)

# Each of them, and what it starts, has one core. A model that shares its cores with another test's waits for that one
# in every step, which costs a third more processor time on two cores, and what a test does meanwhile comes late.
if (side := os.environ.get("PYTEST_XDIST_WORKER")) is not None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(side.removeprefix("gw")) % len(cores)]})

# Nothing is asserted about speed: one example may take long while the machine does something else. And what fails
# once fails again: examples are drawn from the test, not from the moment.
hypothesis.settings.register_profile(
    "whisperd", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("whisperd")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A real daemon with the test model, in a folder of its own."""
    with running_daemon() as running:
        yield running


@pytest.fixture
def gated() -> Iterator[Daemon]:
    """As `daemon`, but a job stays in its middle, after its first batch, until the test removes the file `gate`."""
    with running_daemon(gated=True) as running:
        yield running
