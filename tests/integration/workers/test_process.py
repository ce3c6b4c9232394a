"""One worker process: calls, deadlines, stops and ends."""

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute

from tests.harness import DATA, PATIENCE, ROOT, alive, wait_for
from tests.integration.workers.asking import call_number, kernel_file, kernel_state, ready_worker, steps, until
from tests.integration.workers.conftest import Workers
from whisperd.frames import Failed, FailureKind, Open, Opened, Source
from whisperd.workers import process
from whisperd.workers.child import describe_exit
from whisperd.workers.process import CallTimeoutError, WorkerDiedError, WorkerProcess, resident_memory

pytestmark = pytest.mark.anyio

BIG = "x" * (8 << 20)
"""More than any socket buffers."""


def unread(worker: WorkerProcess) -> int:
    """Bytes that were written to the worker and that it has not read."""
    raw = worker._stream.extra(SocketAttribute.raw_socket)
    (count,) = struct.unpack("i", fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, struct.pack("i", 0)))
    return count


# -- the real worker --------------------------------------------------------------------------------------------------


async def test_a_real_worker_answers_call_after_call_and_ends_without_a_trace(open_files: Callable[[], int]) -> None:
    async with ready_worker("--lane", "test"):
        pass  # asyncio opens what it keeps for its first child
    before = open_files()
    async with ready_worker("--lane", "test") as worker:
        opened = await worker.call(Open(Source(bytes(DATA / "demo.flac"))), deadline=PATIENCE)
        assert isinstance(opened, Opened)
        assert opened.codec == "flac"
        failed = await worker.call(Open(Source(b"/no/such/file")), deadline=PATIENCE)
        assert isinstance(failed, Failed)
        assert failed.kind is FailureKind.INPUT_MISSING
        again = await worker.call(Open(Source(bytes(DATA / "demo.flac"))), deadline=PATIENCE)
        assert again == opened
        assert worker.alive
        assert (resident_memory(worker.pid) or 0) > 10 << 20
    assert kernel_state(worker.pid) == "gone", "not even a zombie"
    assert resident_memory(worker.pid) is None
    assert open_files() <= before


async def test_a_real_worker_leads_a_process_group_of_its_own_and_comes_last_when_memory_runs_out() -> None:
    async with ready_worker("--nice", "7", "--lane", "background") as worker:
        await worker.call(Open(Source(b"/no/such/file")), deadline=PATIENCE)
        assert os.getpgid(worker.pid) == worker.pid
        assert os.getpriority(os.PRIO_PROCESS, worker.pid) >= 7
        assert kernel_file(worker.pid, "oom_score_adj") == "500"
        assert kernel_file(worker.pid, "comm") == "whisperd-backgr"


@contextlib.contextmanager
def daemon_of_one_worker(*, ready: bool, stopped: bool) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A program that has started a worker, and waited for it and stopped it where that is asked; with the
    worker's process id."""
    program = f"""
import anyio
from whisperd.workers.process import WorkerProcess

async def main():
    worker = await WorkerProcess.spawn(("--lane", "test"))
    if {ready}:
        await worker.ready()
    if {stopped}:
        worker.stop()
    print(worker.pid, flush=True)
    await anyio.sleep_forever()

anyio.run(main)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT, text=True) as daemon:
        assert daemon.stdout is not None
        yield daemon, int(daemon.stdout.readline())


@pytest.mark.parametrize("stopped", [False, True])
def test_a_real_worker_dies_with_its_daemon_also_while_it_is_stopped(stopped: bool) -> None:
    with daemon_of_one_worker(ready=True, stopped=stopped) as (daemon, pid):
        wait_for(lambda: kernel_state(pid) == "T" if stopped else alive(pid))
        daemon.kill()
    wait_for(lambda: not alive(pid))


def test_a_real_worker_that_is_to_be_stopped_while_it_starts_dies_with_its_daemon_too() -> None:
    """One that the kernel stops before it follows its parent's life would stay so for ever."""
    with daemon_of_one_worker(ready=False, stopped=True) as (daemon, pid):
        daemon.kill()
    wait_for(lambda: not alive(pid), deadline=20.0)


async def test_a_worker_is_stopped_once_it_is_ready_and_not_before(workers: Workers) -> None:
    worker = await WorkerProcess.spawn(())
    worker.stop()
    assert (worker.stopped, kernel_state(worker.pid) == "T") == (True, False)
    with anyio.fail_after(PATIENCE):
        await worker.ready()
    await until(lambda: kernel_state(worker.pid) == "T")
    worker.resume()
    assert call_number(await worker.call(steps("reply"), deadline=PATIENCE)) == 1
    worker.kill()
    await worker.reap()


# -- calls that end badly ---------------------------------------------------------------------------------------------


async def test_a_call_past_its_deadline_is_given_up_and_its_process_killed(workers: Workers) -> None:
    async with ready_worker() as worker:
        with pytest.raises(CallTimeoutError, match=rf"worker {worker.pid} did not answer Open within 0 s"):
            await worker.call(steps("hang"), deadline=0.2)
        await worker.reap()
        assert not worker.alive


async def test_a_hung_worker_that_reads_nothing_holds_up_neither_the_loop_nor_its_deadline(workers: Workers) -> None:
    """Stopped from outside, so that nobody here knows; and the call is larger than what a socket buffers."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    async with ready_worker() as worker:
        os.kill(worker.pid, signal.SIGSTOP)
        await until(lambda: kernel_state(worker.pid) == "T")
        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            with anyio.fail_after(PATIENCE), pytest.raises(CallTimeoutError):
                await worker.call(steps(BIG), deadline=2.0)
            group.cancel_scope.cancel()
    assert ticks > 5


@pytest.mark.parametrize(
    ("step", "status", "words"),
    [
        ("exit 3", 3, "exited with status 3 during Open"),
        ("exit 0", 0, "exited with status 0 during Open"),
        (f"kill {signal.SIGSEGV.value}", -signal.SIGSEGV, "was killed by SIGSEGV during Open"),
        ("half a reply", 0, "exited with status 0 during Open"),
    ],
)
async def test_a_process_that_ends_in_a_call_is_an_error_that_says_how_it_ended(
    workers: Workers, step: str, status: int, words: str
) -> None:
    async with ready_worker() as worker:
        with pytest.raises(WorkerDiedError) as died:
            await worker.call(steps(step), deadline=PATIENCE)
        assert died.value.message == f"worker {worker.pid} {words}"
        assert died.value.status == status
        assert not worker.alive


async def test_a_process_that_is_killed_in_a_call_is_named_with_the_signal(workers: Workers, tmp_path: Path) -> None:
    async with ready_worker() as worker, anyio.create_task_group() as group:

        async def kill_it() -> None:
            await until((tmp_path / "got").exists)
            os.kill(worker.pid, signal.SIGKILL)

        group.start_soon(kill_it)
        with pytest.raises(WorkerDiedError, match=r"was killed by SIGKILL during Open") as died:
            await worker.call(steps(f"touch {tmp_path / 'got'}", "hang"), deadline=PATIENCE)
        assert died.value.status == -signal.SIGKILL


async def test_a_worker_that_closes_its_connection_and_lives_on_is_replaced(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "EXIT_GRACE", 0.1)
    async with ready_worker() as worker:
        with pytest.raises(WorkerDiedError, match=r"lost its connection during Open"):
            await worker.call(steps("close"), deadline=PATIENCE)
        assert not worker.alive


@pytest.mark.parametrize(
    ("step", "words"), [("nonsense", r"answered Open with .*not a reply"), ("too much", r"4294967295 bytes")]
)
async def test_a_worker_that_talks_nonsense_is_replaced_and_the_error_says_so(
    workers: Workers, step: str, words: str
) -> None:
    async with ready_worker() as worker:
        with pytest.raises(WorkerDiedError, match=words):
            await worker.call(steps(step), deadline=PATIENCE)
        await worker.reap()
        assert not worker.alive


async def test_a_call_to_a_process_that_has_died_since_is_an_error_that_says_how(workers: Workers) -> None:
    async with ready_worker() as worker:
        os.kill(worker.pid, signal.SIGKILL)
        await worker.wait()
        with pytest.raises(WorkerDiedError, match=r"was killed by SIGKILL during Open"):
            await worker.call(steps("reply"), deadline=PATIENCE)


async def test_cancelling_a_call_kills_the_process_since_its_answer_would_be_taken_for_the_next_one_s(
    workers: Workers,
) -> None:
    async with ready_worker() as worker:
        with anyio.move_on_after(0.1):
            await worker.call(steps("hang"), deadline=PATIENCE)
        assert await worker.wait() == -signal.SIGKILL


@pytest.mark.parametrize("failing", [["--exit-at-start", "5"], ["--never-ready"]])
async def test_a_process_that_never_becomes_ready_is_an_error(
    workers: Workers, failing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workers.arguments = tuple(failing)
    monkeypatch.setattr(process, "START_DEADLINE", 5.0 if "5" in failing else 0.2)
    worker = await WorkerProcess.spawn(())
    with pytest.raises((WorkerDiedError, CallTimeoutError), match=r"exited with status 5 during start|start within"):
        await worker.ready()
    await worker.reap()
    assert not worker.alive


async def test_ending_one_that_is_being_called_tells_its_caller(workers: Workers, tmp_path: Path) -> None:
    async with ready_worker() as worker, anyio.create_task_group() as group:

        async def end_it() -> None:
            await until((tmp_path / "got").exists)
            worker.kill()
            await worker.reap()

        group.start_soon(end_it)
        with pytest.raises(WorkerDiedError):
            await worker.call(steps(f"touch {tmp_path / 'got'}", "hang"), deadline=PATIENCE)


async def test_a_process_that_does_not_even_die_holds_nobody_up(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one in the kernel's hands, waiting for a disk that does not answer."""
    monkeypatch.setattr(process, "REAP_DEADLINE", 0.1)
    async with ready_worker() as worker:
        with monkeypatch.context() as undying, anyio.fail_after(PATIENCE):
            undying.setattr(WorkerProcess, "kill", lambda self: None)
            await worker.reap()
        assert worker.alive


# -- stopping and continuing ------------------------------------------------------------------------------------------


async def test_the_clock_of_a_call_stands_still_while_its_process_is_stopped(workers: Workers, tmp_path: Path) -> None:
    got, go = tmp_path / "got", tmp_path / "go"
    async with ready_worker() as worker, anyio.create_task_group() as group:

        async def stop_it_for_longer_than_its_deadline() -> None:
            await until(got.exists)
            worker.stop()
            worker.stop()  # again changes nothing
            await until(lambda: kernel_state(worker.pid) == "T")
            go.touch()
            await anyio.sleep(3.1)
            worker.resume()
            worker.resume()

        group.start_soon(stop_it_for_longer_than_its_deadline)
        reply = await worker.call(steps(f"touch {got}", f"await {go}", "reply"), deadline=3.0)
        assert isinstance(reply, Opened)
        assert not worker.stopped


async def test_the_clock_goes_on_where_it_stood(workers: Workers, tmp_path: Path) -> None:
    got = tmp_path / "got"
    async with ready_worker() as worker, anyio.create_task_group() as group:

        async def stop_and_continue() -> None:
            await until(got.exists)
            for _ in range(3):
                worker.stop()
                await anyio.sleep(0.05)
                worker.resume()

        group.start_soon(stop_and_continue)
        with anyio.fail_after(PATIENCE), pytest.raises(CallTimeoutError):
            await worker.call(steps(f"touch {got}", "hang"), deadline=1.0)


@pytest.mark.parametrize("size", [0, len(BIG)])
async def test_nothing_is_written_to_a_stopped_worker_and_the_call_is_sent_once_it_goes_on(
    workers: Workers, size: int
) -> None:
    replies: list[Opened] = []
    async with ready_worker() as worker, anyio.create_task_group() as group:

        async def call() -> None:
            reply = await worker.call(steps("reply " + "x" * size), deadline=PATIENCE)
            assert isinstance(reply, Opened)
            replies.append(reply)

        worker.stop()
        group.start_soon(call)
        await anyio.wait_all_tasks_blocked()
        assert unread(worker) == 0
        worker.resume()
    assert [reply.identity.size for reply in replies] == [6 + size]


async def test_a_call_that_waits_for_a_stopped_worker_does_not_use_up_its_deadline(workers: Workers) -> None:
    async with ready_worker() as worker, anyio.create_task_group() as group:

        async def continue_later() -> None:
            await anyio.sleep(3.1)
            worker.resume()

        worker.stop()
        group.start_soon(continue_later)
        assert call_number(await worker.call(steps("reply"), deadline=3.0)) == 1


@pytest.mark.parametrize("sent", [True, False])
async def test_cancelling_a_call_to_a_stopped_worker_kills_it(workers: Workers, tmp_path: Path, sent: bool) -> None:
    got = tmp_path / "got"
    async with ready_worker() as worker:
        if not sent:
            worker.stop()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: worker.call(steps(f"touch {got}", "hang"), deadline=PATIENCE))
            await until(lambda: got.exists() or not sent)
            worker.stop()
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        with anyio.fail_after(PATIENCE):
            assert await worker.wait() == -signal.SIGKILL


async def test_a_stopped_worker_that_is_killed_from_outside_ends_its_call(workers: Workers, tmp_path: Path) -> None:
    got = tmp_path / "got"
    async with ready_worker() as worker, anyio.create_task_group() as group:

        async def stop_and_kill() -> None:
            await until(got.exists)
            worker.stop()
            os.kill(worker.pid, signal.SIGKILL)

        group.start_soon(stop_and_kill)
        with pytest.raises(WorkerDiedError, match=r"SIGKILL"):
            await worker.call(steps(f"touch {got}", "hang"), deadline=PATIENCE)


async def test_stopping_a_dead_process_does_nothing(workers: Workers) -> None:
    async with ready_worker() as worker:
        worker.kill()
        await worker.reap()
        worker.stop()
        assert not worker.stopped
        worker.resume()
        worker.kill()
        await worker.reap()


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "lost its connection"),
        (0, "exited with status 0"),
        (1, "exited with status 1"),
        (-6, "was killed by SIGABRT"),
        (-99, "was killed by signal 99"),
    ],
)
def test_an_exit_status_is_told_in_words(status: int | None, words: str) -> None:
    assert describe_exit(status) == words
