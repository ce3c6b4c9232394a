"""The completion hook: what it is told, how many run at once, and that nothing of it outlives its time."""

import os
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from tests.harness import alive, wait_for
from tests.integration.store.making import new_job
from whisperd.config.settings import HookSettings
from whisperd.hooks import AT_ONCE, Hooks, values_of
from whisperd.jobs.job import Format, Output
from whisperd.store import jobs, migrations
from whisperd.store.connection import connect
from whisperd.store.jobs import JobRow
from whisperd.wire.paths import to_wire

pytestmark = pytest.mark.anyio


@pytest.fixture
def job(tmp_path: Path) -> JobRow:
    connection = connect(tmp_path / "one.db")
    migrations.migrate(connection, tmp_path / "one.db", now=0.0)
    made = jobs.insert(connection, new_job(), 1.0).job
    connection.close()
    return made


def shell(script: str, *more: str, timeout: float = 60.0) -> HookSettings:
    return HookSettings(on_completed=("sh", "-c", script, *more), timeout=timeout)


def number_in(path: Path) -> int:
    wait_for(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


async def run(settings: HookSettings, *completed: JobRow) -> None:
    hooks = Hooks(lambda: settings)
    async with anyio.create_task_group() as group:
        for job in completed:
            hooks.start(group, job)


@pytest.fixture
def written(tmp_path: Path) -> bytes:
    """A file whose name is not UTF-8."""
    name = os.fsencode(tmp_path) + b"/n\xe4me.txt"
    Path(os.fsdecode(name)).write_text("said")
    return name


async def test_a_transcript_whose_name_is_not_utf_8_is_the_file_that_there_is(
    job: JobRow, tmp_path: Path, written: bytes
) -> None:
    shown, path_b64 = to_wire(written)
    job = replace(job, outputs=(Output(Format.TXT, shown, path_b64, size=4, digest="00"),))
    assert os.fsencode(values_of(job)["transcript"]) == written
    await run(shell('cat "$0" > "$1"', "{transcript}", str(tmp_path / "read")), job)
    assert (tmp_path / "read").read_text() == "said"


async def test_a_hundred_completions_are_all_told_a_few_at_once(job: JobRow, tmp_path: Path) -> None:
    script = f'echo + >> "{tmp_path}/log"; sleep 0.01; echo - >> "{tmp_path}/log"'
    await run(shell(script), *[job] * 100)
    signs = (tmp_path / "log").read_text().split()
    running = [signs[:n].count("+") - signs[:n].count("-") for n in range(len(signs) + 1)]
    assert (signs.count("+"), signs.count("-")) == (100, 100)
    assert 1 < max(running) <= AT_ONCE


async def test_what_a_hook_has_started_ends_with_its_time(job: JobRow, tmp_path: Path) -> None:
    await run(shell(f'sleep 1000 & echo $! > "{tmp_path}/child"; wait', timeout=1.0), job)
    child = number_in(tmp_path / "child")
    wait_for(lambda: not alive(child))


async def test_what_a_hook_leaves_in_the_background_ends_with_its_time_too(job: JobRow, tmp_path: Path) -> None:
    with anyio.fail_after(60):
        await run(shell(f'sleep 1000 & echo $! > "{tmp_path}/child"', timeout=1.0), job)
    child = number_in(tmp_path / "child")
    wait_for(lambda: not alive(child))


async def test_a_hook_that_cannot_be_started_is_logged(job: JobRow, caplog: pytest.LogCaptureFixture) -> None:
    await run(HookSettings(on_completed=("/no/such/program",)), job)
    await run(HookSettings(on_completed=("echo", "a\0b")), job)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
