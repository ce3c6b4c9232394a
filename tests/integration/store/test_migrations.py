"""Older, newer and foreign databases, and the backups made on the way."""

import sqlite3
from pathlib import Path

import pytest

from tests.integration.store.making import content, queued
from whisperd.errors import DatabaseError
from whisperd.store import backups, jobs
from whisperd.store.connection import Database, connect
from whisperd.store.jobs import JobChanges
from whisperd.store.migrations import MIGRATIONS, migrate

pytestmark = pytest.mark.anyio

NEXT = (*MIGRATIONS, ("ALTER TABLE jobs ADD COLUMN colour TEXT",))
BROKEN = (*MIGRATIONS, ("ALTER TABLE jobs ADD COLUMN colour TEXT", "CREATE TABLE jobs (id INTEGER) STRICT"))
NOW = 1_800_000_000.0


def version(conn: sqlite3.Connection) -> int:
    return conn.execute("PRAGMA user_version").fetchone()[0]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database of the present version with one job in it."""
    path = tmp_path / "whisperd.db"
    conn = connect(path)
    migrate(conn, path, NOW)
    queued(conn)
    conn.close()
    return path


def test_a_new_database_is_made_without_a_backup(old: Path) -> None:
    conn = connect(old)
    assert version(conn) == len(MIGRATIONS)
    assert backups.found(old) == []
    conn.close()


def test_all_tables_are_strict(old: Path) -> None:
    conn = connect(old)
    loose = """SELECT name FROM pragma_table_list
        WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'"""
    assert conn.execute(loose).fetchall() == []
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute("UPDATE jobs SET state = 'lost'")
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute("UPDATE jobs SET state = 'failed', finished_at = 1")
    conn.close()


def test_a_migration_keeps_the_data_and_makes_a_backup_first(old: Path) -> None:
    conn = connect(old)
    migrate(conn, old, NOW, migrations=NEXT)
    assert version(conn) == len(NEXT)
    assert conn.execute("SELECT count(*), colour FROM jobs").fetchall() == [(1, None)]
    [backup] = backups.found(old)
    assert backup.version == len(MIGRATIONS)
    assert backup.path.stat().st_mode & 0o077 == 0
    copy = connect(backup.path)
    assert version(copy) == len(MIGRATIONS)
    assert jobs.get(copy, 1) is not None
    copy.close()
    conn.close()


def test_jobs_from_before_speech_without_words_was_counted_are_read(tmp_path: Path) -> None:
    path = tmp_path / "whisperd.db"
    conn = connect(path)
    migrate(conn, path, NOW, migrations=MIGRATIONS[:1])
    conn.execute(
        """INSERT INTO jobs (path, kind, priority, position, state, created_at, queued_at, options, partial, missing)
        VALUES (X'2F61', 'file', 1, 1, 'queued', 1.0, 1.0, '{}', 0, 0.5)"""
    )
    migrate(conn, path, NOW)
    assert version(conn) == len(MIGRATIONS)
    [backup] = backups.found(path)
    assert backup.version == 1
    [job] = jobs.get_many(conn, [1])
    assert (job.path, job.missing, job.unheard) == (b"/a", 0.5, None)
    assert jobs.update(conn, 1, JobChanges(unheard=1.5)).unheard == 1.5
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute("UPDATE jobs SET unheard = -1")
    conn.close()


def test_a_failed_migration_changes_nothing(old: Path) -> None:
    conn = connect(old)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(conn, old, NOW, migrations=BROKEN)
    assert version(conn) == len(MIGRATIONS)
    assert "colour" not in {row[1] for row in conn.execute("PRAGMA table_info(jobs)")}
    migrate(conn, old, NOW + 1, migrations=NEXT)
    assert version(conn) == len(NEXT)
    conn.close()


def test_migrating_twice_does_nothing_more(old: Path) -> None:
    conn = connect(old)
    migrate(conn, old, NOW)
    migrate(conn, old, NOW)
    assert backups.found(old) == []
    conn.close()


def test_only_the_newest_backups_are_kept(old: Path) -> None:
    conn = connect(old)
    made = [backups.create(conn, old, 1, NOW + n * 24 * 3600, keep=3) for n in range(5)]
    assert backups.found(old) == made[:1:-1]
    conn.close()


def test_many_backups_of_a_day_leave_those_of_earlier_days(old: Path) -> None:
    conn = connect(old)
    earlier = backups.create(conn, old, 1, NOW - 24 * 3600, keep=3)
    made = [backups.create(conn, old, 1, NOW + n, keep=3) for n in range(5)]
    assert backups.found(old) == [made[4], made[3], earlier]
    backups.create(conn, old, 1, NOW + 9, keep=1)
    assert [backup.made for backup in backups.found(old)] == [max(backup.made for backup in backups.found(old))]
    conn.close()


def test_a_backup_of_the_tables_before_a_migration_outlives_the_day(old: Path) -> None:
    conn = connect(old)
    before = backups.create(conn, old, 0, NOW, keep=3)
    for n in range(1, 5):
        backups.create(conn, old, 1, NOW + n, keep=3)
    assert before in backups.found(old)
    conn.close()


async def test_a_newer_database_is_refused_untouched_with_the_backup_to_go_back_to(old: Path) -> None:
    conn = connect(old)
    backup = backups.create(conn, old, 1, NOW)
    backups.create(conn, old, 98, NOW + 1)
    conn.execute("PRAGMA user_version = 99")
    conn.close()
    before = content(old)
    with pytest.raises(DatabaseError, match="newer whisperd") as refusal:
        async with Database.open(old):
            pass
    assert f"cp {backup.path} {old}" in refusal.value.hint
    assert content(old) == before


async def test_a_newer_database_without_a_backup_is_refused_with_another_way_out(old: Path) -> None:
    conn = connect(old)
    conn.execute("PRAGMA user_version = 99")
    conn.close()
    with pytest.raises(DatabaseError, match="newer whisperd") as refusal:
        async with Database.open(old):
            pass
    assert "install the newer whisperd" in refusal.value.hint


async def test_another_programs_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE bookmarks (url TEXT)")
    conn.close()
    before = content(path)
    with pytest.raises(DatabaseError, match="another program"):
        async with Database.open(path):
            pass
    assert content(path) == before


def test_a_backup_of_a_database_in_use_has_what_is_only_in_its_log(tmp_path: Path) -> None:
    path = tmp_path / "whisperd.db"
    conn = connect(path)
    migrate(conn, path, NOW)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA wal_autocheckpoint = 0")
    job = queued(conn)
    backup = backups.create(conn, path, len(MIGRATIONS), NOW)
    assert [file.name for file in tmp_path.glob("*.backup*")] == [backup.path.name]
    copy = connect(backup.path)
    assert jobs.get(copy, job.id) == job
    copy.close()
    conn.close()
