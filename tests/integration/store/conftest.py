"""A real database file for each test, in a transaction that is never committed where only queries are tested."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from whisperd.store import migrations
from whisperd.store.connection import connect


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "whisperd.db"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    file = tmp_path / "queries.db"
    connection = connect(file)
    migrations.migrate(connection, file, now=0.0)
    connection.execute("BEGIN")
    yield connection
    connection.close()
