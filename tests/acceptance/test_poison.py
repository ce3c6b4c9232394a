"""Files that kill their worker every time: they fail in the end, and the others complete. Daemons that are killed
while a file is worked on: that says nothing of the file."""

import contextlib
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.harness import Daemon, alive, running_daemon, wait_for
from tests.speech import long_speech, synthesize, write_audio


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audio")
    samples, _ = long_speech(60, seed=31)
    write_audio(folder / "poison.wav", samples)
    for number in range(10):
        write_audio(folder / f"{number}.wav", synthesize(f"please open the green window {'now ' * number}"))
    return folder


def kill_the_worker_of(daemon: Daemon, job: int, until: threading.Event) -> None:
    """What a file does that makes a decoder crash: whenever its job runs, the worker dies."""
    while not until.is_set():
        workers = daemon.call("daemon.status")["workers"]
        for worker in workers:
            if worker["job"] == job and worker["state"] in ("loading", "busy") and worker["pid"] is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker["pid"], signal.SIGKILL)
        until.wait(0.02)


def test_a_file_that_kills_its_worker_fails_after_three_tries_while_others_complete(folder: Path) -> None:
    with running_daemon(config="[retry]\nbase_delay = 0.0\n") as daemon:
        daemon.call("queue.pause")
        [poison] = daemon.submit(folder / "poison.wav")
        others = [job["id"] for job in daemon.submit(*(folder / f"{n}.wav" for n in range(10)))]
        ended = threading.Event()
        killer = threading.Thread(target=kill_the_worker_of, args=(daemon, poison["id"], ended))
        killer.start()
        try:
            daemon.call("queue.resume")
            [failed] = daemon.wait(poison["id"])
        finally:
            ended.set()
            killer.join()
        assert (failed["state"], failed["attempts"]) == ("failed", 3)
        assert failed["error"]["kind"] == "worker_died"
        assert "was killed by SIGKILL" in failed["error"]["message"]
        assert {job["state"] for job in daemon.wait(*others)} == {"completed"}


def test_a_file_during_which_the_daemon_is_killed_four_times_is_done_last_and_completes(
    gated: Daemon, folder: Path
) -> None:
    gated.gate.write_text("0")
    gated.call("queue.pause")
    [unlucky] = gated.submit(folder / "poison.wav")
    [other] = gated.submit(folder / "1.wav")
    gated.call("queue.resume")
    for job in (unlucky, unlucky, unlucky, other):
        wait_for(lambda job=job: gated.call("job.show", id=job["id"])["job"]["state"] == "running")
        gated.kill()
        gated.start()
    gated.gate.unlink()
    after = gated.wait(unlucky["id"], other["id"])
    assert [(job["state"], job["attempts"]) for job in after] == [("completed", 0)] * 2
    assert after[0]["finished_at"] > after[1]["finished_at"]


CRASH_AT_POISON = """\
import os, signal, sys
if "whisperd.worker" in sys.orig_argv:
    from whisperd import frames
    receive_call = frames.receive_call

    def receive_call_and_crash(connection):
        call = receive_call(connection)
        if isinstance(call, frames.Plan) and call.source.path.endswith(b"poison.wav"):
            os.kill(os.getpid(), signal.SIGSEGV)
        return call

    frames.receive_call = receive_call_and_crash
"""


def test_a_file_that_crashes_what_reads_it_fails_at_once_and_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(CRASH_AT_POISON)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with running_daemon() as daemon:
        bad, good = (job["id"] for job in daemon.submit(folder / "poison.wav", folder / "1.wav"))
        failed, completed = daemon.wait(bad, good)
    assert (failed["state"], failed["attempts"], failed["error"]["kind"]) == ("failed", 1, "bad_input")
    assert failed["error"]["message"].startswith(f"reading {folder / 'poison.wav'} ended the program that reads audio")
    assert failed["error"]["hint"].startswith("convert it")
    assert (completed["state"], completed["attempts"]) == ("completed", 0)


def test_a_worker_that_hangs_is_replaced_and_its_job_completes(tmp_path: Path) -> None:
    samples, _ = long_speech(60, seed=33)
    talk = write_audio(tmp_path / "talk.wav", samples)
    config = "[workers]\nbatch_deadline = 10\n[retry]\nbase_delay = 0.0\n"
    with running_daemon(config=config, gated=True) as daemon:
        client = daemon.client()
        client.call("events.subscribe", topics=["job.progress"])
        [job] = daemon.submit(talk)
        client.wait_event(lambda event: event["data"]["done"] > 0)
        hung = daemon.worker_pid()
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        daemon.gate.unlink()
        wait_for(lambda: not alive(hung))
        [job] = daemon.wait(job["id"])
        assert job["state"] == "completed"
        assert job["attempts"] >= 1
        assert not alive(hung)
        story = daemon.call("job.show", id=job["id"])["story"]
        assert any("was replaced" in entry["data"].get("reason", "") for entry in story)
