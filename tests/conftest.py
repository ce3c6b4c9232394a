"""Fixtures for every test."""

from collections.abc import Iterator

import pytest

from tests.harness import Daemon, running_daemon


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A real daemon with the test model, in a folder of its own."""
    with running_daemon() as running:
        yield running
