"""What a start finds after a crash, and what is done about a damaged file."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import anyio
import msgspec
import pytest

from tests.harness import PATIENCE
from tests.integration.store.making import brought, content, new_job, plan, queued, result
from whisperd.errors import DatabaseCorruptError
from whisperd.jobs.job import Priority, State
from whisperd.jobs.retry import RetrySettings
from whisperd.jobs.transitions import Command
from whisperd.store import backups, checkpoints, jobs, order, recovery
from whisperd.store.connection import Database, connect
from whisperd.store.jobs import JobChanges

pytestmark = pytest.mark.anyio

SETTINGS = RetrySettings()
NOW = 1_800_000_000.0


# -- jobs of a dead daemon --------------------------------------------------------------------------------------------


def test_running_jobs_of_a_dead_daemon_are_queued_at_their_checkpoint_and_no_others_touched(
    conn: sqlite3.Connection,
) -> None:
    job = brought(conn, queued(conn), Command.START)
    block = plan(0, 320_000, None)
    checkpoints.save_block(conn, job.id, 0, block)
    checkpoints.save_batch(conn, job.id, 0, 0, (result(block.chunks[0]),), 1.0, 10.0)
    paused = brought(conn, queued(conn), Command.PAUSE)
    [recovered] = recovery.requeue_running(conn, SETTINGS, 9.0)
    assert (recovered.job.id, recovered.job.state, recovered.job.attempts) == (job.id, State.QUEUED, 0)
    assert recovered.events[0].data["reason"] == "daemon restarted"
    assert checkpoints.load(conn, job.id).blocks[0].pending == (1,)
    assert jobs.get(conn, paused.id) == paused
    assert recovery.requeue_running(conn, SETTINGS, 9.0) == []


def test_however_often_the_daemon_ends_a_job_is_never_charged(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    for _ in range(20):
        brought(conn, job, Command.START)
        [recovered] = recovery.requeue_running(conn, SETTINGS, 9.0)
        assert (recovered.job.state, recovered.job.attempts, recovered.job.failures) == (State.QUEUED, 0, {})


def test_a_job_during_which_the_daemon_ended_three_times_stands_behind_the_others_and_runs_alone(
    conn: sqlite3.Connection,
) -> None:
    first, second = queued(conn), queued(conn)
    moved = jobs.update(conn, queued(conn).id, JobChanges(position=4)).id
    for start in range(1, 4):
        assert order.next_queued(conn, list(Priority)) == jobs.get(conn, first.id)
        brought(conn, first, Command.START)
        [recovered] = recovery.requeue_running(conn, SETTINGS, 9.0)
        assert (recovered.job.alone, recovered.job.unfinished_starts) == (start == 3, start)
    assert order.places(conn, [first.id, second.id, moved]) == {second.id: 1, moved: 2, first.id: 3}
    brought(conn, first, Command.START)
    checkpoints.save_block(conn, first.id, 0, plan(0, 320_000, None))
    checkpoints.save_batch(conn, first.id, 0, 0, (), 1.0, 1.0)
    after = jobs.get(conn, first.id)
    assert after is not None
    assert (after.alone, after.unfinished_starts) == (False, 0)


def test_a_checkpoint_or_a_preemption_in_between_is_no_step_towards_suspicion(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    checkpoints.save_block(conn, job.id, 0, plan(0, 3_200_000, None, batches=20))
    for batch in range(5):
        brought(conn, job, Command.START)
        checkpoints.save_batch(conn, job.id, 0, batch, (), 1.0, 10.0)
        assert recovery.requeue_running(conn, SETTINGS, 9.0)[0].job.state is State.QUEUED
    for _ in range(5):
        job = brought(conn, job, Command.START, Command.REQUEUE)
    assert job.unfinished_starts == 0


# -- damage -----------------------------------------------------------------------------------------------------------


async def fill(path: Path) -> None:
    async with Database.open(path) as database:
        await database.write(lambda conn: [queued(conn, new_job(b"/audio/%d" % n)) for n in range(2_000)])


def overwrite_the_middle(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xa5" * (size // 4))


def cut_in_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def overwrite_the_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"not a database at all, but some text that happened to be written here")


DAMAGES = [overwrite_the_middle, cut_in_half, overwrite_the_header]


async def test_a_sound_database_passes_the_check_while_it_is_in_use(path: Path) -> None:
    await fill(path)
    async with Database.open(path) as database:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(recovery.quick_check, database)
            await database.write(queued)
        await recovery.quick_check(database)


async def test_the_check_ends_when_it_is_cancelled(path: Path) -> None:
    await fill(path)
    async with Database.open(path) as database:
        with anyio.fail_after(PATIENCE), anyio.move_on_after(0):
            await recovery.quick_check(database)
        await database.write(queued)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_found_moved_aside_and_replaced_by_what_can_be_read(
    path: Path, damage: Callable[[Path], None]
) -> None:
    await fill(path)
    damage(path)
    damaged = content(path)
    with pytest.raises(DatabaseCorruptError, match="is damaged") as found:
        async with Database.open(path) as database:
            await recovery.quick_check(database)
    assert str(path) in found.value.message
    assert "newest good backup" in found.value.hint
    rebuilt = recovery.rebuild(path, NOW)
    assert rebuilt.backup is None
    assert rebuilt.aside.read_bytes() == damaged
    salvaged = rebuilt.salvaged.jobs if rebuilt.salvaged else 0
    assert (salvaged == 0) == (damage is overwrite_the_header) == ("it starts empty" in rebuilt.message)
    async with Database.open(path) as database:
        assert sum((await database.read(jobs.counts)).values()) == salvaged
        await recovery.quick_check(database)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_repaired_from_the_newest_good_backup(path: Path, damage: Callable[[Path], None]) -> None:
    await fill(path)
    conn = connect(path)
    good, bad = backups.create(conn, path, 1, NOW), backups.create(conn, path, 1, NOW + 1)
    conn.close()
    overwrite_the_middle(bad.path)
    damage(path)
    rebuilt = recovery.rebuild(path, NOW + 2)
    assert rebuilt.backup == good.path
    assert str(good.path) in rebuilt.message
    async with Database.open(path) as database:
        await recovery.quick_check(database)
        assert (await database.read(jobs.counts))[State.QUEUED] == 2_000
    assert good.path.exists()


async def test_the_log_of_a_damaged_database_moves_aside_with_it(path: Path) -> None:
    await fill(path)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).write_bytes(suffix.encode())
    rebuilt = recovery.rebuild(path, NOW)
    assert [file for file in path.parent.iterdir() if not file.name.startswith(rebuilt.aside.name)] == [path]
    for suffix in ("-wal", "-shm"):
        assert rebuilt.aside.with_name(rebuilt.aside.name + suffix).read_bytes() == suffix.encode()


async def test_no_backup_is_made_of_a_damaged_database(path: Path) -> None:
    await fill(path)
    overwrite_the_middle(path)
    conn = connect(path)
    with pytest.raises(DatabaseCorruptError):
        backups.create(conn, path, 1, NOW)
    conn.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_jobs_that_ran_beside_each_other_are_not_charged_and_run_alone_until_they_have_a_checkpoint(
    conn: sqlite3.Connection,
) -> None:
    items = [queued(conn, msgspec.structs.replace(new_job(), company="c")) for _ in range(3)]
    for item in items[:2]:
        brought(conn, item, Command.START)
    recovery.requeue_running(conn, RetrySettings(), 3.0)
    after = jobs.get_many(conn, [item.id for item in items])
    assert [(job.state, job.alone, job.unfinished_starts) for job in after] == [
        (State.QUEUED, True, 0),
        (State.QUEUED, True, 0),
        (State.QUEUED, False, 0),
    ]
    beside = brought(conn, after[2], Command.START)
    query = {"limit": 4, "running": [beside.id], "model": "small", "overdue_before": 0.0}
    assert order.companions(conn, beside, **query) == []
    checkpoints.save_block(conn, items[0].id, 0, plan(0, 320_000, None))
    checkpoints.save_batch(conn, items[0].id, 0, 0, (), 1.0, 1.0)
    assert order.companions(conn, beside, **query) == [items[0].id]


async def test_a_backup_is_due_after_its_time_whatever_a_wrong_clock_has_left(path: Path) -> None:
    day = 24 * 3600.0
    async with Database.open(path) as database:
        assert await recovery.back_up_if_due(database, NOW + 45 * day, day, keep=3)
        assert await recovery.back_up_if_due(database, NOW, day, keep=3)
        assert not await recovery.back_up_if_due(database, NOW + day - 1, day, keep=3)
        assert await recovery.back_up_if_due(database, NOW + 3601, 3600.0, keep=3)
