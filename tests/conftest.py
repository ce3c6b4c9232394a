"""Fixtures for every test."""

import signal
from collections.abc import Iterator

import pytest

from tests.harness import Daemon, running_daemon

# Whoever starts the tests in the background (nohup, `&` in a script) has them ignore signals, and so would every
# program that they start; a handler, unlike SIG_IGN, ends with the exec.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A real daemon with the test model, in a folder of its own."""
    with running_daemon() as running:
        yield running
