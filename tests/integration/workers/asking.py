"""Calls for stand-ins and the real worker, and what the kernel says of a process."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio

from tests.harness import PATIENCE
from whisperd.frames import Load, Open, Opened, Reply, Source
from whisperd.workers.process import WorkerProcess


def steps(*each: str) -> Open:
    """An `Open` by which a stand-in takes these steps."""
    return Open(Source(";".join(each).encode()))


def loading(*each: str, backend: str = "stand-in") -> Load:
    return Load(";".join(each), backend=backend)


def call_number(reply: Reply) -> int:
    assert isinstance(reply, Opened)
    return reply.identity.mtime_ns


@contextlib.asynccontextmanager
async def ready_worker(*arguments: str) -> AsyncIterator[WorkerProcess]:
    worker = await WorkerProcess.spawn(arguments)
    try:
        await worker.ready()
        yield worker
    finally:
        worker.kill()
        await worker.reap()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 (other processes set no event of ours)
            await anyio.sleep(0.01)


def kernel_state(pid: int) -> str:
    """R, S, D, T (stopped), Z (zombie), or "gone"."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "gone"


def kernel_file(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text().strip()
