"""One worker for all tests that don't end it."""

from collections.abc import Iterator

import pytest

from tests.integration.worker.child import Child, loaded_worker


@pytest.fixture(scope="session")
def worker() -> Iterator[Child]:
    with loaded_worker() as child:
        yield child
