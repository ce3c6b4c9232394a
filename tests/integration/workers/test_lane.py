"""A lane through all the processes that fill it."""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

import whisperd
from tests.harness import DATA, PATIENCE
from tests.integration.workers.asking import call_number, kernel_state, loading, steps, until
from tests.integration.workers.conftest import Workers
from whisperd.frames import Decode, Decoded, DecodeOptions, FailureKind, Load, Open, Opened, Source
from whisperd.workers import lane as lane_module
from whisperd.workers import memory_limit
from whisperd.workers.lane import CallFailedError, Lane, LaneLimits, LaneState, WorkerStartError
from whisperd.workers.process import CallTimeoutError, WorkerDiedError, WorkerProcess

pytestmark = pytest.mark.anyio

SHIPPED_MODEL = str(Path(whisperd.__file__).parent / "data" / "test-en")


class Watched(Lane):
    """A lane that notes each state that `status` would have shown."""

    def __init__(self, limits: LaneLimits | None = None) -> None:
        self.shown: list[LaneState] = []
        super().__init__("test", arguments=(), limits=limits or LaneLimits(), changed=self._note)

    def _note(self, lane: Lane) -> None:
        if self.shown[-1:] != [lane.state]:
            self.shown.append(lane.state)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid


@pytest.fixture(autouse=True)
def attempts_follow_each_other_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "BACKOFF", (0.0,) * len(lane_module.BACKOFF))


async def ask(lane: Lane, *each: str, deadline: float = PATIENCE) -> Opened:
    return await lane.call(steps(*each), Opened, deadline=deadline)


# -- with the real worker ---------------------------------------------------------------------------------------------


async def test_a_real_worker_fills_the_lane_when_a_call_needs_it_and_leaves_it_empty_at_its_end() -> None:
    lane = Watched()
    assert (lane.state, lane.process, lane.memory) == (LaneState.ABSENT, None, None)
    opened = await lane.call(Open(Source(bytes(DATA / "demo.flac"))), Opened, deadline=PATIENCE)
    assert opened.codec == "flac"
    assert (lane.memory or 0) > 10 << 20
    pid = lane.pid
    await lane.end()
    assert lane.shown == [LaneState.STARTING, LaneState.BUSY, LaneState.IDLE, LaneState.ABSENT]
    assert (kernel_state(pid), lane.process, lane.memory) == ("gone", None, None)


async def test_a_real_model_that_cannot_be_loaded_leaves_the_lane_without_one() -> None:
    lane = Watched()
    try:
        good = Load(SHIPPED_MODEL)
        assert (await lane.load("test-en", good)).device == "cpu"
        assert (lane.model, lane.loaded is not None) == ("test-en", True)
        with pytest.raises(CallFailedError) as failed:
            await lane.load("missing", Load("/no/such/model"))
        assert failed.value.failure is FailureKind.MODEL_LOAD
        assert (lane.model, lane.loaded) == (None, None)
        await lane.load("test-en", good)
        with pytest.raises(CallFailedError) as unread:
            missing = Decode(Source(b"/no/such/file"), (0, 0), (), DecodeOptions("en"))
            await lane.call(missing, Decoded, deadline=PATIENCE)
        assert unread.value.failure is FailureKind.INPUT_MISSING, "and not a model that is missing"
    finally:
        await lane.end()


# -- calls ------------------------------------------------------------------------------------------------------------


async def test_calls_follow_each_other_in_one_process(workers: Workers) -> None:
    lane = Watched()
    numbers: list[int] = []

    async def call() -> None:
        numbers.append(call_number(await ask(lane, "reply")))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(call)
    assert numbers == [1, 2, 3, 4, 5]
    assert len(workers.started) == 1
    await lane.end()


async def test_a_failure_that_the_worker_answers_leaves_it_alive(workers: Workers) -> None:
    lane = Watched()
    with pytest.raises(CallFailedError) as failed:
        await ask(lane, "fail")
    assert (failed.value.failure, failed.value.message) == (FailureKind.IO, "the disk did not answer")
    assert failed.value.hint == "look at the cable"
    assert call_number(await ask(lane, "reply")) == 2
    assert len(workers.started) == 1
    await lane.end()


async def test_an_answer_to_another_question_is_not_believed_and_its_process_replaced(workers: Workers) -> None:
    lane = Watched()
    with pytest.raises(WorkerDiedError, match=r"answered Open with LanguageDetected"):
        await ask(lane, "answer another call", "reply")
    assert lane.process is None
    assert call_number(await ask(lane, "reply")) == 1
    assert len(workers.started) == 2
    await lane.end()


@pytest.mark.parametrize(
    ("step", "error"), [("exit 1", WorkerDiedError), ("nonsense", WorkerDiedError), ("hang", CallTimeoutError)]
)
async def test_a_process_that_was_lost_is_replaced_by_the_next_call_and_status_says_why_until_then(
    workers: Workers, step: str, error: type[Exception]
) -> None:
    lane = Watched()
    with pytest.raises(error) as lost:
        await ask(lane, step, deadline=0.5 if step == "hang" else PATIENCE)
    assert (lane.state, lane.process, lane.error) == (LaneState.ABSENT, None, str(lost.value))
    assert call_number(await ask(lane, "reply")) == 1
    assert (lane.state, lane.error) == (LaneState.IDLE, None)
    await lane.end()


@pytest.mark.parametrize("crash", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE])
async def test_a_crash_while_a_file_is_read_is_said_of_the_file(workers: Workers, crash: signal.Signals) -> None:
    lane = Watched()
    with pytest.raises(
        CallFailedError, match=rf"reading .* ended the program that reads audio \({crash.name}\)"
    ) as lost:
        await ask(lane, f"kill {crash.value}")
    assert (lost.value.failure, lost.value.hint is None) == (FailureKind.BAD_INPUT, False)
    assert lane.process is None
    assert call_number(await ask(lane, "reply")) == 1
    await lane.end()


@pytest.mark.parametrize("end", ["kill 9", "kill 15", "kill 4", "exit 1", "exit 139"])
async def test_an_end_that_comes_from_elsewhere_is_not_said_of_the_file(workers: Workers, end: str) -> None:
    lane = Watched()
    with pytest.raises(WorkerDiedError):
        await ask(lane, end)
    await lane.end()


async def test_a_process_that_reached_the_units_memory_limit_ran_out_of_memory(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = Watched()
    await ask(lane, "reply")
    monkeypatch.setattr(memory_limit, "kills", lambda: 1)
    with pytest.raises(CallFailedError, match="memory limit of whisperd's unit") as lost:
        await ask(lane, "kill 9")
    assert lost.value.failure is FailureKind.OUT_OF_MEMORY
    with pytest.raises(WorkerDiedError):  # the next one began after that
        await ask(lane, "kill 9")
    await lane.end()


def test_the_kernel_tells_how_many_processes_it_ended_at_the_limit(tmp_path: Path) -> None:
    group = tmp_path / "user.slice" / "whisperd.service"
    group.mkdir(parents=True)
    (group / "memory.events").write_text("low 0\nhigh 3\nmax 17\noom 2\noom_kill 2\noom_group_kill 0\n")
    own = tmp_path / "cgroup"
    own.write_text("1:name=systemd:/x\n0::/user.slice/whisperd.service\n")
    assert memory_limit.kills(own, tmp_path) == 2
    own.write_text("0::/elsewhere\n")
    assert memory_limit.kills(own, tmp_path) == 0
    assert memory_limit.kills(tmp_path / "nothing", tmp_path) == 0
    assert memory_limit.kills() >= 0


async def test_a_cancelled_call_leaves_an_empty_lane_that_takes_the_next(workers: Workers) -> None:
    lane = Watched()
    await ask(lane, "reply")
    pid = lane.pid
    with anyio.move_on_after(0.1):
        await ask(lane, "hang")
    assert (kernel_state(pid), lane.state) == ("gone", LaneState.ABSENT)
    assert call_number(await ask(lane, "reply")) == 1
    await lane.end()


async def test_ending_a_lane_in_a_call_ends_the_call_and_not_the_process_that_comes_after(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = Watched()
    got = tmp_path / "got"
    next_number: list[int] = []
    reaped: list[WorkerProcess] = []
    reap = WorkerProcess.reap

    async def late_for_the_first(process: WorkerProcess) -> None:
        reaped.append(process)
        first = len(reaped) == 1
        await reap(process)
        if first:
            await until(lambda: next_number != [])

    async def hang() -> None:
        with pytest.raises(WorkerDiedError):
            await ask(lane, f"touch {got}", "hang")

    async def wait_for_the_lane() -> None:
        next_number.append(call_number(await ask(lane, "reply")))

    monkeypatch.setattr(WorkerProcess, "reap", late_for_the_first)
    async with anyio.create_task_group() as group:
        group.start_soon(hang)
        await until(got.exists)
        group.start_soon(wait_for_the_lane)
        await anyio.wait_all_tasks_blocked()
        await lane.end()
    assert next_number == [1]
    assert lane.process is not None
    assert lane.process.alive
    await lane.end()


# -- models -----------------------------------------------------------------------------------------------------------


async def test_a_model_that_is_loaded_is_not_loaded_again(workers: Workers) -> None:
    lane = Watched()
    first = await lane.load("small", loading("reply"))
    assert await lane.load("small", loading("reply")) == first
    assert first.seconds == 1.0
    other = await lane.load("base", loading("reply", backend="another"))
    assert (other.seconds, lane.model, lane.loaded) == (2.0, "base", other)
    assert LaneState.LOADING in lane.shown
    await lane.end()
    assert (lane.model, lane.loaded) == (None, None)


async def test_a_model_is_loaded_again_into_a_new_process(workers: Workers) -> None:
    lane = Watched()
    await lane.load("small", loading("reply"))
    with pytest.raises(WorkerDiedError):
        await ask(lane, "exit 1")
    assert (lane.model, lane.loaded) == (None, None)
    assert (await lane.load("small", loading("reply"))).seconds == 1.0
    await lane.end()


async def test_a_model_that_failed_to_load_is_no_longer_the_one_before_either(workers: Workers) -> None:
    lane = Watched()
    await lane.load("small", loading("reply"))
    with pytest.raises(CallFailedError):
        await lane.load("large", loading("fail"))
    assert (lane.model, lane.loaded) == (None, None)
    assert (await lane.load("small", loading("reply"))).seconds == 3.0
    await lane.end()


async def test_libraries_that_abort_while_loading_are_a_missing_dependency_and_no_crash(workers: Workers) -> None:
    lane = Watched()
    with pytest.raises(CallFailedError, match="SIGABRT") as failed:
        await lane.load("small", Load("kill 6", device="cuda"))
    assert failed.value.failure is FailureKind.DEPENDENCY
    assert "workers.device" in (failed.value.hint or "")
    with pytest.raises(WorkerDiedError):  # on a CPU there is no such excuse
        await lane.load("small", Load("kill 6", device="cpu"))
    await lane.end()


@pytest.mark.parametrize("trouble", ["kill 6", "fail dependency", "fail device_lost", "fail out_of_memory"])
async def test_an_accelerator_in_trouble_is_done_without_where_that_is_allowed(workers: Workers, trouble: str) -> None:
    lane = Watched()
    call = Load(f"on cuda {trouble};on cpu reply", device="cuda", compute_type="float16", cpu_fallback=True)
    loaded = await lane.load("small", call)
    assert loaded.device == "cpu"
    assert (lane.fallback or "").startswith("the model runs on the CPU instead of the accelerator: ")
    assert await lane.load("small", call) == loaded  # it is not tried again while the process lives
    await lane.end()
    assert lane.fallback is None


async def test_without_leave_an_accelerator_in_trouble_is_a_failure(workers: Workers) -> None:
    lane = Watched()
    with pytest.raises(CallFailedError) as failed:
        await lane.load("small", Load("fail device_lost", device="cuda"))
    assert failed.value.failure is FailureKind.DEVICE_LOST
    assert lane.process is None  # its context of the device is gone for good
    await lane.end()


async def test_a_model_whose_loading_takes_too_long_is_given_up(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "LOAD_DEADLINE", 0.2)
    lane = Watched()
    with pytest.raises(CallTimeoutError, match=r"did not answer Load"):
        await lane.load("small", loading("hang"))
    assert lane.process is None


# -- starting ---------------------------------------------------------------------------------------------------------


async def test_a_process_that_does_not_start_at_once_is_tried_again(workers: Workers) -> None:
    workers.failing_starts = 2
    lane = Watched()
    assert call_number(await ask(lane, "reply")) == 1
    assert len(workers.started) == 3
    assert lane.error is None
    await lane.end()


async def test_a_lane_whose_processes_never_start_gives_up_says_why_and_tries_anew_at_the_next_call(
    workers: Workers, open_files: Callable[[], int]
) -> None:
    workers.failing_starts = 5
    lane = Watched()
    before = open_files()
    with pytest.raises(WorkerStartError) as gave_up:
        await ask(lane, "reply")
    assert gave_up.value.message.startswith("5 attempts to start a worker failed; the last one: ")
    assert "exited with status 7 during start" in gave_up.value.message
    assert "whisperctl doctor" in (gave_up.value.hint or "")
    assert (len(workers.started), lane.state, lane.process) == (5, LaneState.BROKEN, None)
    assert open_files() <= before + 2, "asyncio keeps two for children, and nothing is kept for those that failed"
    assert call_number(await ask(lane, "reply")) == 1
    assert (lane.state, lane.error) == (LaneState.IDLE, None)
    await lane.end()


async def test_a_program_that_is_not_there_is_told_as_such(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("whisperd.workers.process.worker_command", lambda fd, arguments: [str(tmp_path / "python")])
    lane = Watched()
    with pytest.raises(WorkerStartError, match=r"No such file or directory"):
        await ask(lane, "reply")


async def test_a_lane_that_waits_before_its_next_attempt_is_cancelled_at_once_and_shows_it(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "BACKOFF", (0.0, PATIENCE))
    workers.failing_starts = 1
    lane = Watched()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: ask(lane, "reply"))
        await until(lambda: lane.error is not None)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert (lane.state, lane.process) == (LaneState.ABSENT, None)


async def test_cancelling_a_start_leaves_no_process(workers: Workers) -> None:
    workers.arguments = ("--never-ready",)
    lane = Watched()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: ask(lane, "reply"))
        await until(lambda: lane.process is not None)
        pid = lane.pid
        group.cancel_scope.cancel()
    assert (kernel_state(pid), lane.state, lane.process) == ("gone", LaneState.ABSENT, None)


# -- stopping ---------------------------------------------------------------------------------------------------------


async def test_a_stop_before_there_is_a_process_applies_to_the_one_that_starts(workers: Workers) -> None:
    lane = Watched()
    lane.stop()
    assert lane.state is LaneState.ABSENT
    replies: list[Opened] = []

    async def call() -> None:
        replies.append(await ask(lane, "reply"))

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await until(lambda: lane.process is not None and kernel_state(lane.pid) == "T")
        await anyio.wait_all_tasks_blocked()
        assert (lane.state, replies) == (LaneState.STOPPED, [])
        lane.resume()
    assert len(replies) == 1
    assert lane.state is LaneState.IDLE
    await lane.end()


async def test_time_for_which_a_start_was_stopped_is_not_its_own(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whisperd.workers.process.START_DEADLINE", 3.0)
    lane = Watched()
    lane.stop()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: ask(lane, "reply"))
        await until(lambda: lane.process is not None and kernel_state(lane.pid) == "T")
        await anyio.sleep(3.1)
        lane.resume()
    assert (len(workers.started), lane.state) == (1, LaneState.IDLE)
    await lane.end()


async def test_a_stopped_lane_shows_it_and_goes_on_with_the_same_call(workers: Workers, tmp_path: Path) -> None:
    lane = Watched()
    got, go = tmp_path / "got", tmp_path / "go"
    numbers: list[int] = []

    async def call() -> None:
        numbers.append(call_number(await ask(lane, f"touch {got}", f"await {go}", "reply")))

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await until(got.exists)
        lane.stop()
        await until(lambda: kernel_state(lane.pid) == "T")
        go.touch()
        await anyio.wait_all_tasks_blocked()
        assert (lane.state, numbers) == (LaneState.STOPPED, [])
        lane.resume()
    assert numbers == [1]
    assert lane.shown[-4:] == [LaneState.BUSY, LaneState.STOPPED, LaneState.BUSY, LaneState.IDLE]
    await lane.end()


async def test_a_stopped_lane_ends_like_any_other(workers: Workers) -> None:
    lane = Watched()
    await ask(lane, "reply")
    lane.stop()
    pid = lane.pid
    with anyio.fail_after(PATIENCE):
        await lane.end()
    assert kernel_state(pid) == "gone"


async def test_a_worker_that_was_stopped_from_outside_is_replaced_after_its_deadline(
    workers: Workers, tmp_path: Path
) -> None:
    lane = Watched()
    await ask(lane, "reply")
    os.kill(lane.pid, signal.SIGSTOP)
    with pytest.raises(CallTimeoutError):
        await ask(lane, "reply", deadline=0.3)
    assert call_number(await ask(lane, "reply")) == 1
    await lane.end()


# -- recycling --------------------------------------------------------------------------------------------------------


async def test_a_process_is_replaced_after_its_number_of_jobs(workers: Workers) -> None:
    lane = Watched(LaneLimits(growth=0, jobs=3))
    pids: list[int] = []
    for _ in range(7):
        await ask(lane, "reply")
        pids.append(lane.pid)
        await lane.finish_job()
    assert [pids.index(pid) for pid in pids] == [0, 0, 0, 3, 3, 3, 6]
    await lane.end()


async def test_a_process_that_has_grown_is_replaced_and_one_that_has_not_is_kept(workers: Workers) -> None:
    lane = Watched(LaneLimits(growth=32 << 20, jobs=1_000))
    await ask(lane, "grow 64", "reply")
    await lane.finish_job()  # what it holds after its first job is what it needs
    pid = lane.pid
    for _ in range(5):
        await ask(lane, "reply")
        await lane.finish_job()
    assert lane.pid == pid
    await ask(lane, "grow 64", "reply")
    await lane.finish_job()
    assert (kernel_state(pid), lane.process) == ("gone", None)


async def test_finishing_a_job_without_a_process_is_no_mistake(workers: Workers) -> None:
    lane = Watched(LaneLimits(jobs=1))
    await lane.finish_job()
    assert lane.process is None


async def test_a_dozen_processes_leave_nothing_open(workers: Workers, open_files: Callable[[], int]) -> None:
    lane = Watched()
    await ask(lane, "reply")
    await lane.end()
    before = open_files()
    for step in ("reply", "fail", "exit 1", "nonsense") * 3:
        with contextlib.suppress(CallFailedError, WorkerDiedError):
            await ask(lane, step)
        await lane.end()
    assert open_files() <= before
