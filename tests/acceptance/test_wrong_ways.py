"""What people and machines do to a daemon that they should not: it says so, and nothing is lost."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance import broken_media as media
from tests.acceptance.test_bad_input import AS_ANYBODY
from tests.harness import PATIENCE, CallError, Daemon, running_daemon, wait_for, wait_until_asleep
from tests.speech import long_speech, write_audio


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="wd-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech long enough to be interrupted in."""
    return write_audio(tmp_path_factory.mktemp("talk") / "talk.wav", long_speech(60, seed=9)[0])


def refused(daemon: Daemon) -> tuple[int, str]:
    """Exit status and words of a daemon that can't start."""
    daemon.spawn()
    assert daemon.process is not None
    status = daemon.process.wait(timeout=PATIENCE)
    words = daemon.log.read_text()
    assert "Traceback" not in words
    return status, words


def whisperctl(daemon: Daemon, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "whisperctl", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=daemon.environment, stdout=pipe, stderr=pipe, text=True)


def wait_until_it_decodes(daemon: Daemon, job: int = 1) -> None:
    def decodes() -> bool:
        jobs = [one for one in daemon.call("job.list")["jobs"] if one["id"] == job]
        return bool(jobs) and jobs[0]["done"] > 0

    wait_for(decodes)


# -- without a daemon -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["status", "job list", "transcribe /x.wav", "submit /x.wav", "job wait 1", "events"]
)
def test_without_a_daemon_every_command_says_how_to_start_it(folder: Path, command: str) -> None:
    answer = Daemon(folder).ctl(*command.split())
    assert (answer.returncode, answer.stdout) == (3, "")
    assert f"whisperd is not running: there is no socket at {folder}" in answer.stderr
    assert "whisperd run" in answer.stderr


def test_standard_input_is_not_kept_when_there_is_no_daemon(folder: Path) -> None:
    assert Daemon(folder).ctl("transcribe", "-", input="not needed").returncode == 3
    assert not list(folder.rglob("stdin-*"))


# -- a daemon that can't start ----------------------------------------------------------------------------------------

CONFIG = """\
[models]
defualt = "small"

[workers]
threads = -1
"""


def test_mistakes_in_the_configuration_are_told_with_file_and_line(folder: Path) -> None:
    daemon = Daemon(folder, config=CONFIG)
    status, words = refused(daemon)
    assert status == 2
    assert f"{daemon.config}:2: models.defualt: there is no such setting; did you mean default?" in words
    assert f"{daemon.config}:5: workers.threads: found -1; must be a whole number from 0 to 1024" in words
    assert not daemon.state_dir.exists()


def test_a_socket_path_that_linux_does_not_allow_is_refused(folder: Path) -> None:
    daemon = Daemon(folder)
    daemon.socket = folder / ("long" * 30) / "w.sock"
    status, words = refused(daemon)
    assert status == 1
    assert "Linux allows 107" in words
    assert "--socket" in words


def make_readonly(state: Path) -> None:
    state.mkdir()
    state.chmod(0o500)


UNFIT_STATE_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "read-only": (make_readonly, "can't be written to: Permission denied"),
    "a file": (Path.touch, "is not a folder but a file"),
    "in a read-only folder": (lambda state: state.parent.chmod(0o500), "can't be made: Permission denied"),
}


@pytest.mark.parametrize("case", UNFIT_STATE_FOLDERS)
def test_a_state_folder_that_takes_no_files_is_refused(folder: Path, case: str) -> None:
    make, reason = UNFIT_STATE_FOLDERS[case]
    (folder / "below").mkdir()
    daemon = Daemon(folder)
    daemon.wrapper = AS_ANYBODY
    daemon.state_dir = folder / "below" / "state"
    make(daemon.state_dir)
    status, words = refused(daemon)
    assert status == 1
    assert f"the state folder {daemon.state_dir} {reason}" in words
    assert "--state-dir" in words


def test_a_database_of_a_newer_version_is_left_as_it_is(folder: Path) -> None:
    daemon = Daemon(folder).start()
    daemon.stop()
    with contextlib.closing(sqlite3.connect(daemon.database)) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = daemon.database.read_bytes()
    status, words = refused(daemon)
    assert status == 1
    assert f"{daemon.database} was written by a newer whisperd" in words
    assert daemon.database.read_bytes() == before


def test_a_damaged_database_is_moved_aside_and_the_daemon_starts(folder: Path) -> None:
    daemon = Daemon(folder)
    daemon.state_dir.mkdir(mode=0o700)
    daemon.database.write_bytes(os.urandom(50_000))
    try:
        daemon.start()
        assert daemon.transcribe(media.speech(folder))["text"]
    finally:
        daemon.kill()
    assert len(list(daemon.state_dir.glob("whisperd.db.damaged-*"))) == 1
    assert "the database was damaged and is now at" in daemon.log.read_text()


def test_damage_that_shows_only_in_use_ends_in_a_daemon_that_works(folder: Path) -> None:
    daemon = Daemon(folder).start()
    try:
        daemon.submit(*[folder / f"missing-{number}.wav" for number in range(200)])
        assert daemon.stop() == 0
        with daemon.database.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (daemon.database.stat().st_size - 4096))
        daemon.start()
        wait_for(lambda: bool(list(daemon.state_dir.glob("whisperd.db.damaged-*"))))
        daemon.wait_until_answering()
        assert daemon.transcribe(media.speech(folder))["text"]
    finally:
        daemon.kill()


# -- in the middle of work --------------------------------------------------------------------------------------------


def test_ctrl_c_leaves_the_job_running_and_says_how_to_cancel_it(gated: Daemon, talk: Path) -> None:
    client = whisperctl(gated, "transcribe", str(talk))
    wait_until_it_decodes(gated)
    wait_until_asleep(client.pid)
    client.send_signal(signal.SIGINT)
    _, told = client.communicate(timeout=PATIENCE)
    assert client.returncode == 130
    assert "job 1 goes on in whisperd" in told
    assert "whisperctl job cancel 1" in told
    gated.gate.unlink()
    assert gated.wait(1)[0]["state"] == "completed"


@pytest.mark.parametrize("end", [Daemon.stop, Daemon.kill], ids=["stopped", "killed"])
def test_transcribe_outlives_a_restart_of_the_daemon(
    gated: Daemon, talk: Path, end: Callable[[Daemon], object]
) -> None:
    client = whisperctl(gated, "transcribe", str(talk))
    wait_until_it_decodes(gated)
    end(gated)
    gated.start()
    gated.gate.unlink()
    text, told = client.communicate(timeout=PATIENCE)
    assert client.returncode == 0
    assert text.strip() == gated.call("job.text", id=1)["transcript"]["text"].strip()
    assert "waiting for it to come back" in told


def test_standard_input_is_transcribed_and_not_kept(daemon: Daemon) -> None:
    speech = media.speech(daemon.folder)
    command = [sys.executable, "-m", "whisperctl", "transcribe", "-"]
    with speech.open("rb") as audio:
        heard = subprocess.run(command, env=daemon.environment, stdin=audio, capture_output=True, check=True)
    assert heard.stdout.decode().strip() == daemon.transcribe(speech)["text"].strip()
    assert not list(daemon.folder.rglob("stdin-*"))


def test_empty_standard_input_makes_no_job(daemon: Daemon) -> None:
    answer = daemon.ctl("transcribe", "-", input="")
    assert answer.returncode == 1
    assert "standard input was empty" in answer.stderr
    assert daemon.call("job.list")["jobs"] == []


def test_nobody_reading_the_text_is_no_traceback(daemon: Daemon) -> None:
    speech = media.speech(daemon.folder)
    command = f"{sys.executable} -m whisperctl transcribe {speech}"
    for line in (f"{command} >&-", f"{command} | true", f"{command} | head -c 3"):
        ended = subprocess.run(
            ["bash", "-c", line], env=daemon.environment, capture_output=True, text=True, timeout=PATIENCE
        )
        assert "Traceback" not in ended.stderr
        assert "Exception" not in ended.stderr
    assert {job["state"] for job in daemon.call("job.list")["jobs"]} == {"completed"}


def test_a_file_that_always_kills_the_worker_fails_and_the_next_one_is_transcribed(talk: Path) -> None:
    with running_daemon(config="[retry]\nbase_delay = 0.0\n", gated=True) as daemon:
        daemon.gate.write_text("0")
        poison, good = (job["id"] for job in daemon.submit(talk, media.speech(daemon.folder)))
        killed: set[int] = set()

        def kill_until_it_fails() -> bool:
            [job] = [job for job in daemon.call("job.list")["jobs"] if job["id"] == poison]
            pid = daemon.worker_pid()
            if job["state"] == "running" and job["stage"] == "transcribing" and pid and pid not in killed:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
            return job["state"] == "failed"

        wait_for(kill_until_it_fails)
        daemon.gate.unlink()
        failed, completed = daemon.wait(poison, good)
        assert (failed["error"]["kind"], failed["attempts"], len(killed)) == ("worker_died", 3, 3)
        assert "was killed by SIGKILL" in failed["error"]["message"]
        assert (completed["state"], completed["attempts"]) == ("completed", 0)


BREAK_WORKERS = """\
import os, sys
if "whisperd.worker" in sys.orig_argv:
    os._exit(3)
"""


def test_a_worker_that_can_not_start_charges_no_job_and_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sitecustomize.py").write_text(BREAK_WORKERS)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    with running_daemon() as daemon:
        [job] = daemon.submit(media.speech(daemon.folder))

        def broken() -> bool:
            return any(worker["state"] == "broken" for worker in daemon.call("daemon.status")["workers"])

        wait_for(broken)
        assert "could not be started" in daemon.ctl("status").stdout
        [held] = daemon.call("job.list")["jobs"]
        assert (held["state"], held["attempts"]) == ("queued", 0)
        # The fault is mended while nobody runs; the job that waited is the first to be done.
        (folder / "sitecustomize.py").unlink()
        assert daemon.stop() == 0
        daemon.start()
        assert daemon.wait(job["id"])[0]["state"] == "completed"


def test_a_full_disk_refuses_new_work_and_loses_none_that_was_accepted(daemon: Daemon) -> None:
    # A limit on the size of files stands in for the disk: whoever writes meets it in the same way.
    limit = ["prlimit", "--pid", str(daemon.pid)]
    subprocess.run([*limit, f"--fsize={256 << 10}:unlimited"], check=True)
    accepted: list[int] = []
    with pytest.raises(CallError) as refusal:
        for number in range(1000):
            accepted += [job["id"] for job in daemon.submit(daemon.folder / f"missing-{number}.wav")]
    assert refusal.value.data["kind"] == "disk_full"
    assert refusal.value.data["hint"]
    assert [job["id"] for job in daemon.call("job.list", limit=1000)["jobs"]] == accepted[::-1]
    subprocess.run([*limit, "--fsize=unlimited:unlimited"], check=True)
    assert daemon.transcribe(media.speech(daemon.folder))["text"]
