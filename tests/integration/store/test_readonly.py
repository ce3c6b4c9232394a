"""A state folder in which nothing may be written."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.store.making import queued
from whisperd.errors import DatabaseError
from whisperd.store.connection import Database

pytestmark = pytest.mark.anyio

NOBODY = 65_534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that is writable at first. Not pytest's own: another user must be able to reach it."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def locked_out(folder: Path) -> Iterator[None]:
    """May call nothing writable: as an ordinary user by the folder's mode, as root by being nobody meanwhile."""
    yield
    if os.getuid() == 0:
        os.seteuid(0)
    folder.chmod(0o755)


def lock_out(folder: Path) -> None:
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    if os.getuid() == 0:
        os.seteuid(NOBODY)


async def test_a_database_in_a_read_only_folder_is_reported_with_what_to_do(folder: Path, locked_out: None) -> None:
    path = folder / "whisperd.db"
    async with Database.open(path) as database:
        await database.write(queued)
    before = path.read_bytes()
    lock_out(folder)
    with pytest.raises(DatabaseError, match="can't be opened for writing") as refusal:
        async with Database.open(path):
            pass
    assert str(folder) in refusal.value.hint
    assert path.read_bytes() == before


async def test_a_new_database_in_a_read_only_folder_is_reported(folder: Path, locked_out: None) -> None:
    lock_out(folder)
    with pytest.raises(DatabaseError, match="can't be opened for writing"):
        async with Database.open(folder / "whisperd.db"):
            pass
    with pytest.raises(DatabaseError, match="can't be opened for writing"):
        async with Database.open(folder / "deeper" / "whisperd.db"):
            pass
