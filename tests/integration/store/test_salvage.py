"""What is still readable of a damaged database is kept, what is not comes from the backup, and the rest is told."""

import sqlite3
from pathlib import Path

import pytest

from tests.integration.store.making import brought, new_job, plan, queued
from tests.unit.transcripts.samples import transcript
from whisperd.jobs.job import Options, State
from whisperd.jobs.transitions import Command
from whisperd.store import backups, batch_items, batches, checkpoints, jobs, migrations, queue, recovery, transcripts
from whisperd.store.connection import Database, connect

pytestmark = pytest.mark.anyio

NOW = 1_700_000_000.0
COUNT = 600
"""Jobs: enough for many pages."""


@pytest.fixture
def filled(path: Path) -> Path:
    """Jobs, of which every third is completed with its transcript."""
    path.parent.mkdir()
    conn = connect(path)
    migrations.migrate(conn, path, now=0.0)
    conn.execute("BEGIN")
    add(conn, COUNT)
    conn.execute("COMMIT")
    conn.close()
    return path


def add(conn: sqlite3.Connection, count: int) -> None:
    for n in range(count):
        job = queued(conn, new_job(b"/audio/%d" % n))
        if n % 3 == 0:
            job = brought(conn, job, Command.START)
            transcripts.save(conn, job, transcript(), 3.0)
            brought(conn, job, Command.COMPLETE)


def pages(path: Path, table: str) -> list[int]:
    """The pages with the table's rows, in the order of the file."""
    with sqlite3.connect(path) as conn:
        rows = conn.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno", (table,))
        found = [page for (page,) in rows]
    conn.close()
    return found


def damage(path: Path, *numbers: int) -> None:
    with path.open("r+b") as file:
        for number in numbers:
            file.seek((number - 1) * 4096)
            file.write(b"\xa5" * 4096)


async def counted(path: Path) -> tuple[int, int]:
    async with Database.open(path) as database:
        await recovery.quick_check(database)
        kept = await database.read(lambda c: c.execute("SELECT count(*) FROM transcripts").fetchone()[0])
        states = await database.read(jobs.counts)
        assert sum(states.values()) == await database.read(
            lambda c: c.execute("SELECT count(*) FROM jobs").fetchone()[0]
        )
        assert len(await database.read(lambda c: jobs.page(c, limit=10_000))) == sum(states.values())
        return sum(states.values()), kept


async def test_a_damaged_page_costs_the_jobs_on_it_and_they_are_counted(filled: Path) -> None:
    damage(filled, *pages(filled, "jobs")[5:7])
    rebuilt = recovery.rebuild(filled, NOW)
    assert rebuilt.salvaged is not None
    found = await counted(filled)
    assert found == (rebuilt.salvaged.jobs, COUNT // 3)
    assert COUNT - 150 < found[0] < COUNT
    assert rebuilt.salvaged.only_aside == COUNT - found[0]
    assert f"up to {COUNT - found[0]} are in that file alone" in rebuilt.message


async def test_what_can_not_be_read_comes_from_the_backup_and_what_was_deleted_stays_so(filled: Path) -> None:
    conn = connect(filled)
    backup = backups.create(conn, filled, len(migrations.MIGRATIONS), NOW)
    add(conn, 90)
    for job_id in (1, COUNT - 2):  # completed ones
        queue.delete(conn, job_id)
    conn.close()
    damage(filled, *pages(filled, "jobs")[5:7])
    rebuilt = recovery.rebuild(filled, NOW + 1)
    assert rebuilt.salvaged is not None
    assert (rebuilt.backup, rebuilt.salvaged.only_aside) == (backup.path, 0)
    assert rebuilt.salvaged.came_back > 0
    assert await counted(filled) == (COUNT + 88, (COUNT + 90) // 3 - 2)
    assert "none is missing" in rebuilt.message


@pytest.mark.parametrize("table", ["jobs_by_state", "queue_counts", "transcript_words_data", "transcripts_by_time"])
async def test_damage_of_what_can_be_made_anew_costs_nothing(filled: Path, table: str) -> None:
    with sqlite3.connect(filled) as conn:
        found = [p for (p,) in conn.execute("SELECT pageno FROM dbstat WHERE name = ?", (table,))]
    conn.close()
    damage(filled, *found)
    rebuilt = recovery.rebuild(filled, NOW)
    assert rebuilt.salvaged is not None
    assert (rebuilt.salvaged.only_aside, await counted(filled)) == (0, (COUNT, COUNT // 3))


async def test_a_number_is_never_given_out_twice_though_its_job_is_lost(filled: Path) -> None:
    damage(filled, pages(filled, "jobs")[-1])
    recovery.rebuild(filled, NOW)
    async with Database.open(filled) as database:
        assert (await database.write(queued)).id == COUNT + 1


async def test_the_log_of_a_killed_daemon_is_read_too(path: Path) -> None:
    async with Database.open(path) as database:
        await database.write(lambda conn: add(conn, COUNT))
        kept = path.with_name("kept")
        for suffix in ("", "-wal"):
            kept.with_name("kept" + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    for suffix in ("", "-wal"):
        kept.with_name("kept" + suffix).rename(path.with_name(path.name + suffix))
    assert recovery.rebuild(path, NOW).salvaged is not None
    assert await counted(path) == (COUNT, COUNT // 3)


async def test_an_item_whose_batch_is_lost_is_a_job_of_its_own(filled: Path) -> None:
    conn = connect(filled)
    batch, _ = batches.create(conn, "b", 3, Options(), 1.0)
    items, _ = batch_items.add(conn, batch, [(new_job(), None)], 1.0)
    conn.close()
    damage(filled, *pages(filled, "batches"))
    recovery.rebuild(filled, NOW)
    async with Database.open(filled) as database:
        item = await database.read(lambda c: jobs.get(c, items[0].id))
        assert item is not None
        assert (item.batch, item.hold, item.state) == (None, None, State.QUEUED)


async def test_a_checkpoint_that_may_be_in_pieces_is_begun_anew(filled: Path) -> None:
    conn = connect(filled)
    job = queued(conn)
    for block in range(40):
        checkpoints.save_block(conn, job.id, block, plan(block * 320_000, (block + 1) * 320_000, None, batches=20))
        checkpoints.save_batch(conn, job.id, block, 0, (), 1.0, 10.0)
    conn.close()
    damage(filled, pages(filled, "blocks")[1])
    recovery.rebuild(filled, NOW)
    async with Database.open(filled) as database:
        assert (await database.read(lambda c: checkpoints.load(c, job.id))).blocks == ()
        row = await database.read(lambda c: jobs.get(c, job.id))
        assert row is not None
        assert row.done == 0.0


async def test_a_database_of_an_earlier_version_is_read_into_the_present_tables(filled: Path) -> None:
    conn = connect(filled)
    conn.execute("ALTER TABLE jobs DROP COLUMN moved_to")  # as if a later version had brought it
    conn.execute("DROP TABLE sharing_times")
    conn.close()
    damage(filled, *pages(filled, "jobs")[5:7])
    rebuilt = recovery.rebuild(filled, NOW)
    assert rebuilt.salvaged is not None
    assert await counted(filled) == (rebuilt.salvaged.jobs, COUNT // 3)
