"""The open database's file is deleted, replaced or changed by others: nothing more is acknowledged, nothing is lost."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.store.making import new_job, queued
from whisperd.errors import DatabaseCorruptError, DatabaseDisplacedError, DatabaseError
from whisperd.store import jobs, recovery
from whisperd.store.connection import Database

pytestmark = pytest.mark.anyio

NOW = 1_700_000_000.0


def deleted(path: Path) -> None:
    path.unlink()


def deleted_with_its_log(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def replaced(path: Path) -> None:
    other = path.with_name("other")
    shutil.copyfile(path, other)
    other.rename(path)


def replaced_by_what_is_no_database(path: Path) -> None:
    path.unlink()
    path.write_text("a shopping list")


def its_log_deleted(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


DISPLACEMENTS = [deleted, deleted_with_its_log, replaced, replaced_by_what_is_no_database, its_log_deleted]


@pytest.mark.parametrize("displace", DISPLACEMENTS)
async def test_nothing_is_acknowledged_any_more_and_what_was_is_put_back(
    path: Path, displace: Callable[[Path], None]
) -> None:
    async with Database.open(path) as database:
        await database.write(lambda conn: [queued(conn, new_job(b"/audio/%d" % n)) for n in range(500)])
        displace(path)
        with pytest.raises(DatabaseDisplacedError, match="another program") as told:
            await database.write(queued)
        assert str(path) in told.value.message
        with pytest.raises(DatabaseDisplacedError):
            await database.check_place()
        assert await recovery.rescue(database)
    back = recovery.put_back(path, NOW)
    assert "it was put back with all it held" in back.message
    async with Database.open(path) as database:
        assert sum((await database.read(jobs.counts)).values()) == 500
        await recovery.quick_check(database)
        await database.write(queued)


async def test_what_took_the_databases_place_is_set_aside(path: Path) -> None:
    async with Database.open(path) as database:
        await database.write(queued)
        replaced_by_what_is_no_database(path)
        assert await recovery.rescue(database)
    back = recovery.put_back(path, NOW)
    assert back.aside is not None
    assert (back.aside.read_text(), str(back.aside) in back.message) == ("a shopping list", True)


@pytest.mark.parametrize("size", [0, 8192])
async def test_a_file_that_was_cut_off_in_use_is_noticed(path: Path, size: int) -> None:
    async with Database.open(path) as database:
        await database.write(lambda conn: [queued(conn, new_job(b"/audio/%d" % n)) for n in range(500)])
    async with Database.open(path) as database:
        await database.write(queued)
        os.truncate(path, size)
        with pytest.raises(DatabaseCorruptError):
            await database.write(queued)
        with pytest.raises(DatabaseCorruptError):
            await recovery.rescue(database)


async def test_what_the_database_does_itself_is_no_displacement(path: Path) -> None:
    async with Database.open(path) as database:
        for _ in range(3):
            await database.write(lambda conn: [queued(conn, new_job(b"/audio/%d" % n)) for n in range(2_000)])
            await database.check_place()
        await database.write(lambda conn: conn.execute("DELETE FROM jobs"))
        await database.write(lambda conn: conn.execute("PRAGMA incremental_vacuum").fetchall())
        await recovery.back_up_if_due(database, NOW, 0.0, keep=1)
        await recovery.quick_check(database)
        await database.check_place()
        assert not await recovery.rescue(database)


async def test_another_program_may_read_it(path: Path) -> None:
    async with Database.open(path) as database:
        await database.write(queued)
        stranger = sqlite3.connect(path)
        assert stranger.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
        stranger.close()
        await database.check_place()
        await database.write(queued)


async def test_another_program_may_bring_the_log_into_it(path: Path) -> None:
    async with Database.open(path) as database:
        await database.write(lambda conn: [queued(conn, new_job(b"/audio/%d" % n)) for n in range(500)])
        stranger = sqlite3.connect(path)
        assert stranger.execute("PRAGMA wal_checkpoint").fetchone()[0] == 0
        stranger.close()
        await database.check_place()
        await database.write(queued)


async def test_a_larger_file_that_was_copied_over_it_is_noticed(path: Path) -> None:
    other = path.with_name("other")
    async with Database.open(other) as larger:
        await larger.write(lambda conn: [queued(conn, new_job(b"/audio/%d" % n)) for n in range(2_000)])
    async with Database.open(path) as database:
        await database.write(queued)
        shutil.copyfile(other, path)
        with pytest.raises(DatabaseCorruptError):
            await database.write(queued)


async def test_a_database_whose_folder_is_gone_is_told(path: Path) -> None:
    async with Database.open(path) as database:
        await database.write(queued)
        shutil.rmtree(path.parent)
        with pytest.raises(DatabaseError, match="can't be put back"):
            await recovery.rescue(database)
