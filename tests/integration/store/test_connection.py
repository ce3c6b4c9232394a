"""Transactions of the open database: whole or not at all, whoever cancels, locks, fills the disk or dies."""

import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

import whisperd
from tests.harness import PATIENCE
from tests.integration.store.making import new_job, queued
from whisperd.errors import DatabaseBusyError, DatabaseError, DiskFullError
from whisperd.jobs.job import State
from whisperd.store import jobs
from whisperd.store.connection import Database

pytestmark = pytest.mark.anyio

REPOSITORY = Path(whisperd.__file__).parents[1]


@contextmanager
def child(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs `script`; killed at the end."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def count(database: Database) -> int:
    return sum((await database.read(jobs.counts)).values())


# -- transactions -----------------------------------------------------------------------------------------------------


async def test_what_is_written_is_read_at_once_and_after_reopening(path: Path) -> None:
    async with Database.open(path) as database:
        job = await database.write(queued)
        assert await database.read(lambda conn: jobs.get(conn, job.id)) == job
    async with Database.open(path) as database:
        assert await database.read(lambda conn: jobs.get(conn, job.id)) == job


async def test_an_exception_undoes_the_whole_transaction_and_reaches_the_caller(path: Path) -> None:
    def fail(conn: sqlite3.Connection) -> None:
        queued(conn)
        raise LookupError("on purpose")

    async with Database.open(path) as database:
        with pytest.raises(LookupError, match="on purpose"):
            await database.write(fail)
        assert await count(database) == 0
        await database.write(queued)
        assert await count(database) == 1


async def test_a_defect_of_ours_is_not_called_a_fault_of_the_database(path: Path) -> None:
    async with Database.open(path) as database:
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(lambda conn: conn.execute("INSERT INTO blocks VALUES (1, 0, x'00')"))


async def test_the_reading_connection_writes_nothing(path: Path) -> None:
    async with Database.open(path) as database:
        with pytest.raises(DatabaseError):
            await database.read(queued)


async def test_a_read_sees_one_state_of_the_database_from_its_beginning_to_its_end(path: Path) -> None:
    begun, written = threading.Event(), threading.Event()

    def look_twice(conn: sqlite3.Connection) -> tuple[int, int]:
        before = jobs.counts(conn)[State.QUEUED]
        begun.set()
        assert written.wait(PATIENCE)
        return before, jobs.counts(conn)[State.QUEUED]

    async with Database.open(path) as database, anyio.create_task_group() as tasks:

        async def write_meanwhile() -> None:
            await anyio.to_thread.run_sync(begun.wait)
            await database.write(queued)
            written.set()

        tasks.start_soon(write_meanwhile)
        assert await database.read(look_twice) == (0, 0)


async def test_only_the_owner_may_read_the_files(path: Path) -> None:
    async with Database.open(path) as database:
        await database.write(queued)
        modes = {file.name: file.stat().st_mode & 0o077 for file in path.parent.iterdir()}
        assert modes == {"whisperd.db": 0, "whisperd.db-wal": 0, "whisperd.db-shm": 0}
        assert path.parent.stat().st_mode & 0o077 == 0


async def test_closing_leaves_a_single_file(path: Path) -> None:
    async with Database.open(path) as database:
        await database.write(queued)
    assert [file.name for file in path.parent.iterdir()] == ["whisperd.db"]


# -- cancellation -----------------------------------------------------------------------------------------------------


async def test_a_transaction_that_has_begun_is_brought_to_its_end(path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(conn: sqlite3.Connection) -> None:
        queued(conn)
        begun.set()
        assert go_on.wait(PATIENCE)

    async with Database.open(path) as database:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(database.write, slowly)
                await anyio.to_thread.run_sync(begun.wait)
                tasks.cancel_scope.cancel()
                go_on.set()
        assert await count(database) == 1


async def test_a_transaction_cancelled_before_its_turn_leaves_nothing_behind(path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(conn: sqlite3.Connection) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    async with Database.open(path) as database:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(database.write, slowly)
                await anyio.to_thread.run_sync(begun.wait)
                with anyio.move_on_after(0.01) as waiting:
                    await database.write(queued)
                assert waiting.cancelled_caught
                go_on.set()
        assert await count(database) == 0


async def test_cancelling_at_any_moment_leaves_a_whole_transaction_or_none(path: Path) -> None:
    chance = random.Random(2)
    told = 0
    async with Database.open(path) as database:
        for tried in range(1, 101):
            with anyio.fail_after(PATIENCE), anyio.move_on_after(chance.uniform(0, 0.01)):
                await database.write(lambda conn: [queued(conn) for _ in range(3)])
                told += 3
            found = await count(database)
            assert found % 3 == 0
            assert told <= found <= 3 * tried


def test_a_process_ends_though_a_call_hangs() -> None:
    script = """
import asyncio, threading
from whisperd.store.thread import SerialThread
async def main():
    call = asyncio.create_task(SerialThread("hangs").call(threading.Event().wait))
    await asyncio.sleep(0)
    call.cancel()
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, timeout=PATIENCE, check=False)
    assert done.returncode == 0


# -- other programs ---------------------------------------------------------------------------------------------------

LOCK = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute(sys.argv[2])
print("locked", flush=True)
sys.stdin.readline()
conn.execute("ROLLBACK")
print("free", flush=True)
sys.stdin.readline()
"""


async def test_a_database_that_another_program_has_locked_is_reported_and_goes_on_afterwards(path: Path) -> None:
    async with Database.open(path, busy_timeout=0.05) as database:
        with child(LOCK, path, "BEGIN IMMEDIATE") as other:
            assert other.stdout.readline() == "locked\n"
            with pytest.raises(DatabaseBusyError, match="locked by another program") as busy:
                await database.write(queued)
            assert busy.value.retryable
            assert "fuser" in busy.value.hint
            assert await count(database) == 0
            other.stdin.write("\n")
            other.stdin.flush()
            assert other.stdout.readline() == "free\n"
            await database.write(queued)
        assert await count(database) == 1


async def test_opening_a_locked_database_says_so(path: Path) -> None:
    async with Database.open(path):
        pass
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseBusyError, match="locked by another program"):
            async with Database.open(path, busy_timeout=0.05):
                pass
    finally:
        holder.close()


WRITE_MANY = """
import sys, time
from pathlib import Path
import anyio
from tests.integration.store.making import brought, queued
from whisperd.jobs.transitions import Command
from whisperd.store.connection import Database

def write(conn):
    job = queued(conn)
    brought(conn, job, Command.START, Command.REQUEUE)
    return job.id

async def main(path, times):
    async with Database.open(path, busy_timeout=30) as database:
        for _ in range(times):
            print(await database.write(write), flush=True)

anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
"""


async def test_two_processes_lose_none_of_each_others_writes(path: Path) -> None:
    async with Database.open(path, busy_timeout=30) as database:
        with child(WRITE_MANY, path, 50) as other:
            for _ in range(50):
                await database.write(queued)
            await anyio.to_thread.run_sync(other.wait)
            assert other.returncode == 0
        assert await count(database) == 100


def events_per_job(conn: sqlite3.Connection) -> set[int]:
    return {row[0] for row in conn.execute("SELECT count(*) FROM events GROUP BY job")}


async def test_killed_at_any_moment_all_that_was_acknowledged_is_there_and_nothing_is_half(path: Path) -> None:
    chance = random.Random(9)
    acknowledged: set[int] = set()
    for _ in range(6):
        with child(WRITE_MANY, path, 100_000) as writer:
            for _ in range(chance.randint(1, 60)):
                acknowledged.add(int(writer.stdout.readline()))
            writer.send_signal(signal.SIGKILL)
            # What it had committed and reported before the signal reached it counts as well; the last line may be cut.
            rest = writer.stdout.read().split("\n")
            acknowledged |= {int(line) for line in rest[:-1]}
        async with Database.open(path) as database:
            check = await database.read(lambda conn: conn.execute("PRAGMA integrity_check").fetchall())
            assert check == [("ok",)]
            rows = await database.read(lambda conn: jobs.page(conn, limit=100_000))
            assert acknowledged <= {row.id for row in rows}
            assert len(rows) - len(acknowledged) <= 6  # one a kill: committed, and killed before it could say so
            assert {row.state for row in rows} == {State.QUEUED}
            assert await database.read(events_per_job) == {3}
            assert (await database.read(jobs.counts))[State.QUEUED] == len(rows)


# -- disks ------------------------------------------------------------------------------------------------------------

FILL = """
import resource, sys
from pathlib import Path
import anyio
from tests.integration.store.making import new_job, queued
from whisperd.errors import DiskFullError
from whisperd.store import jobs
from whisperd.store.connection import Database

async def main(path):
    async with Database.open(path) as database:
        await database.write(queued)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        kept = 1
        try:
            while True:
                await database.write(lambda conn: [queued(conn, new_job(b"/" * 4000)) for _ in range(50)])
                kept += 50
        except DiskFullError as error:
            print(error.message, error.hint, sep="\\n")
        counted = sum((await database.read(jobs.counts)).values())
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await database.write(queued)
        print(kept, counted)

anyio.run(main, Path(sys.argv[1]))
"""


async def test_a_full_disk_is_reported_keeps_what_was_acknowledged_and_is_got_over(path: Path) -> None:
    filled = await anyio.run_process([sys.executable, "-c", FILL, str(path)], cwd=REPOSITORY)
    message, hint, figures = filled.stdout.decode().splitlines()
    kept, counted = map(int, figures.split())
    assert str(path) in message
    assert "file-size limit is full" in message
    assert "free some space" in hint
    assert kept == counted > 1
    async with Database.open(path) as database:
        assert await count(database) == kept + 1


async def test_a_full_disk_is_reported_as_such(path: Path) -> None:
    async with Database.open(path) as database:

        def grow(conn: sqlite3.Connection) -> None:
            (pages,) = conn.execute("PRAGMA page_count").fetchone()
            conn.execute(f"PRAGMA max_page_count = {pages}")
            try:
                for _ in range(1_000):
                    queued(conn, new_job(b"/" * 4_000))
            finally:
                conn.execute("PRAGMA max_page_count = 4294967294")

        with pytest.raises(DiskFullError, match="the disk is full"):
            await database.write(grow)
        assert await count(database) == 0
        await database.write(queued)


async def test_a_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DatabaseError, match="can't be opened for writing") as refusal:
        async with Database.open(tmp_path / "file" / "whisperd.db"):
            pass
    assert "choose another state folder" in refusal.value.hint
