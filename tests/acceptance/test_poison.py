"""Files that kill: their worker, or the daemon, every time. They fail in the end; the others complete."""

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


def test_a_file_that_takes_the_daemon_with_it_fails_after_three_starts(gated: Daemon, folder: Path) -> None:
    gated.gate.write_text("0")
    gated.call("queue.pause")
    [poison] = gated.submit(folder / "poison.wav")
    [other] = gated.submit(folder / "1.wav")
    gated.call("queue.resume")
    for _ in range(3):
        wait_for(lambda: gated.call("job.show", id=poison["id"])["job"]["state"] == "running")
        gated.kill()
        gated.start()
    gated.gate.unlink()
    failed, completed = gated.wait(poison["id"], other["id"])
    assert (failed["state"], failed["error"]["kind"]) == ("failed", "worker_died")
    assert "3 times" in failed["error"]["message"]
    assert completed["state"] == "completed"


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
