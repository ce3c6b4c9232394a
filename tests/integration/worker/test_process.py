"""The worker as a process: how it starts, ends, fails and leaves no trace."""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import PATIENCE, wait_for
from tests.integration.worker.child import MODEL, PLAIN, ROOT, Child, decode, loaded_worker, plans
from tests.speech import long_speech, synthesize, write_audio
from whisperd.frames import (
    Calibrate,
    Calibrated,
    Decode,
    Decoded,
    DetectLanguage,
    Failed,
    FailureKind,
    LanguageDetected,
    Load,
    Loaded,
    Open,
    Opened,
    Source,
)

DATA = Path(__file__).parents[2] / "data"


def test_the_first_frame_is_ready_and_end_of_file_is_a_clean_exit() -> None:
    with Child() as child:
        child.end()
    assert child.process.returncode == 0


def test_a_worker_with_a_model_exits_cleanly_too() -> None:
    with loaded_worker() as child:
        child.end()
    assert child.process.returncode == 0


def test_a_worker_dies_with_its_daemon(tmp_path: Path) -> None:
    # A stand-in for the daemon starts a worker, says its pid once it is ready, and is killed.
    daemon = tmp_path / "daemon.py"
    daemon.write_text(
        "import os, socket, subprocess, sys, time\n"
        "mine, theirs = socket.socketpair()\n"
        "command = [sys.executable, '-m', 'whisperd.worker', '--parent', str(os.getpid())]\n"
        "command += ['--fd', str(theirs.fileno())]\n"
        "child = subprocess.Popen(command, pass_fds=[theirs.fileno()])\n"
        "mine.recv(100)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, daemon], stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as parent:
        assert parent.stdout is not None
        watch = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        readable, _, _ = select.select([watch], [], [], 10)
        assert readable, "the worker outlived its daemon"
    finally:
        os.close(watch)


def test_a_worker_whose_daemon_is_another_process_does_not_start() -> None:
    mine, theirs = socket.socketpair()
    with mine, theirs:
        command = [sys.executable, "-m", "whisperd.worker", "--fd", str(theirs.fileno()), "--parent", "1"]
        done = subprocess.run(
            command, pass_fds=[theirs.fileno()], capture_output=True, cwd=ROOT, timeout=PATIENCE, check=False
        )
        assert done.returncode == 1
        assert b"daemon was gone" in done.stderr


def test_it_comes_last_before_it_is_ready() -> None:
    with Child("--nice", "7", "--lane", "background", own_session=True) as child:
        pid = child.process.pid
        assert os.getpriority(os.PRIO_PROCESS, pid) == 7
        assert io_priority(pid) == "best-effort: prio 7"
        assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "500"
        assert Path(f"/proc/{pid}/comm").read_text().strip() == "whisperd-background"[:15]
        autogroup = Path(f"/proc/{pid}/autogroup")
        if autogroup.exists():
            assert autogroup.read_text().split()[-1] == "7"


def test_a_session_that_is_not_its_own_is_left_as_it_is() -> None:
    before = Path("/proc/self/autogroup").read_text() if Path("/proc/self/autogroup").exists() else ""
    with Child("--nice", "7") as child:
        assert os.getsid(child.process.pid) == os.getsid(0)
        if before:
            assert Path("/proc/self/autogroup").read_text() == before


def test_an_interactive_worker_is_not_nice() -> None:
    with Child() as child:
        assert os.getpriority(os.PRIO_PROCESS, child.process.pid) == os.getpriority(os.PRIO_PROCESS, 0)
        assert io_priority(child.process.pid) == io_priority(os.getpid())


def io_priority(pid: int) -> str:
    return subprocess.run(["ionice", "-p", str(pid)], capture_output=True, text=True, check=True).stdout.strip()


def test_ctrl_c_is_left_to_the_daemon() -> None:
    with Child() as child:
        child.process.send_signal(signal.SIGINT)
        child.load()


def test_calls_that_make_no_sense_fail_and_the_worker_lives_on(worker: Child, tmp_path: Path) -> None:
    assert worker.fails(Open(Source(b"/no/such/file"))).kind is FailureKind.INPUT_MISSING
    with Child() as fresh:
        path = write_audio(tmp_path / "a.wav", synthesize("set a timer for ten minutes"))
        source, _ = fresh.open(path)
        failure = fresh.fails(DetectLanguage(source, (0, 1000), ()))
        assert (failure.kind, failure.message) == (FailureKind.INTERNAL, "no model is loaded")
        assert fresh.load().multilingual is False


def test_nonsense_on_the_socket_ends_the_worker_with_a_line() -> None:
    with Child() as child:
        child.socket.sendall(b"\xff\xff\xff\xff")
        assert child.process.wait(PATIENCE) == 1
        assert "connection to the daemon broke" in child.end()


def test_the_same_model_is_kept_and_has_the_same_fingerprint() -> None:
    with Child() as child:
        first = child.load()
        assert child.load() == first
    with Child() as other:
        assert other.load().fingerprint == first.fingerprint


def test_fingerprints_of_other_threads_differ(worker: Child) -> None:
    with Child() as child:
        assert child.call(Load(MODEL, threads=1), Loaded).fingerprint != worker.load().fingerprint


@pytest.mark.parametrize("missing", ["tokenizer.json", "model.bin", "config.json"])
def test_an_incomplete_model_folder_fails_with_what_is_missing(worker: Child, tmp_path: Path, missing: str) -> None:
    for name in {"model.bin", "config.json", "tokenizer.json", "vocabulary.json"} - {missing}:
        (tmp_path / name).symlink_to(Path(MODEL) / name)
    failure = worker.fails(Load(str(tmp_path), threads=2))
    assert failure.kind is FailureKind.MODEL_LOAD
    assert missing in failure.message
    worker.load()


@pytest.mark.parametrize("damaged", ["tokenizer.json", "model.bin"])
def test_a_damaged_model_fails_to_load_and_the_next_one_loads(worker: Child, tmp_path: Path, damaged: str) -> None:
    for name in {"model.bin", "config.json", "tokenizer.json", "vocabulary.json"} - {damaged}:
        (tmp_path / name).symlink_to(Path(MODEL) / name)
    (tmp_path / damaged).write_bytes((Path(MODEL) / damaged).read_bytes()[:5000])
    failure = worker.fails(Load(str(tmp_path), threads=2))
    assert failure.kind is FailureKind.MODEL_LOAD, failure
    worker.load()


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (Load("/no/such/model"), FailureKind.MODEL_LOAD),
        (Load(MODEL, backend="abacus"), FailureKind.MODEL_LOAD),
        (Load(MODEL, compute_type="int3"), FailureKind.MODEL_LOAD),
        (Load(MODEL, device="cuda"), FailureKind.DEPENDENCY),
    ],
    ids=["no folder", "no backend", "no compute type", "no GPU"],
)
def test_what_can_not_be_loaded_fails_with_its_kind(worker: Child, call: Load, kind: FailureKind) -> None:
    failure = worker.fails(call)
    assert failure.kind is kind, failure
    assert failure.hint
    worker.load()


def test_an_english_model_knows_its_language_without_listening(worker: Child) -> None:
    source, _ = worker.open(DATA / "demo.flac")
    plan = next(plans(worker, source))
    detected = worker.call(DetectLanguage(source, (plan.start, plan.end), plan.chunks[:1]), LanguageDetected)
    assert detected == LanguageDetected("en", 1.0)


def test_calibration_stays_in_its_budget_and_chooses_a_size_it_tried(worker: Child) -> None:
    source, _ = worker.open(DATA / "demo.flac")
    plan = next(plans(worker, source))
    call = Calibrate(source, (plan.start, plan.end), plan.chunks, PLAIN, budget=10.0)
    calibrated = worker.call(call, Calibrated)
    assert calibrated.batch_size in calibrated.seconds_per_chunk
    assert all(seconds > 0 for seconds in calibrated.seconds_per_chunk.values())


def test_memory_does_not_creep_over_many_calls(worker: Child, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.m4a", long_speech(15, 5)[0])

    def work(rounds: int) -> None:
        for _ in range(rounds):
            # Another path each time: the file is opened, decoded and planned anew.
            link = tmp_path / "link.m4a"
            link.unlink(missing_ok=True)
            os.link(path, link)
            for name in (path, link):
                source, _ = worker.open(name)
                for plan in plans(worker, source):
                    decode(worker, source, plan)

    work(2)
    before = worker.memory()
    work(6)
    assert worker.memory() - before < 6 << 20


def test_the_memory_that_one_batch_took_serves_the_next(worker: Child, batch: Decode) -> None:
    worker.call(batch, Decoded)
    before = worker.page_faults()
    worker.call(batch, Decoded)
    # Where large blocks are returned after each step these are 170,000; a block that finds no gap makes some 1,000.
    assert worker.page_faults() - before < 20_000


def test_what_one_model_took_is_given_back_before_another_is_loaded(batch: Decode) -> None:
    with loaded_worker() as worker:
        loaded = worker.memory()
        worker.call(batch, Decoded)
        assert worker.memory() - loaded > 80 << 20
        worker.call(Load(MODEL, threads=1), Loaded)
        assert worker.memory() - loaded < 40 << 20


def test_a_worker_without_work_gives_memory_back_and_works_on_as_before(worker: Child, batch: Decode) -> None:
    results = worker.call(batch, Decoded).results
    worked = worker.memory()
    wait_for(lambda: worked - worker.memory() > 80 << 20)
    assert worker.call(batch, Decoded).results == results


@pytest.fixture
def batch(worker: Child, tmp_path: Path) -> Decode:
    """Four chunks in full context."""
    source, _ = worker.open(write_audio(tmp_path / "long.wav", long_speech(100, 5)[0]))
    plan = next(plans(worker, source))
    return Decode(source, (plan.start, plan.end), tuple(plan.chunks[:4]), PLAIN)


def test_no_word_that_was_said_is_printed_and_nothing_is_left_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with Child(environment={"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}) as child:
        child.load()
        source, _ = child.open(DATA / "demo.flac")
        for plan in plans(child, source):
            decode(child, source, plan)
        assert isinstance(child.fails(Open(Source(b"/no/such"))), Failed)
        output = child.end()
    assert output == ""
    # onnxruntime would keep a device id and a queue of reports here, and send them.
    assert list(home.rglob("*")) == []


def test_open_tells_what_the_container_tells(worker: Child) -> None:
    _, opened = worker.open(DATA / "demo.flac")
    assert isinstance(opened, Opened)
    assert (opened.container, opened.codec, opened.sample_rate, opened.channels) == ("flac", "flac", 16000, 1)
    assert opened.duration == pytest.approx(31.06, abs=0.1)
    assert len(opened.identity.digest) == 64
