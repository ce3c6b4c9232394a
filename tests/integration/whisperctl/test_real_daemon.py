"""whisperctl with the real daemon: everything a person does with it on the first day."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import DATA, PATIENCE, ROOT, Daemon, running_daemon, wait_for
from tests.integration.whisperctl.terminals import OnTerminal
from tests.speech import long_speech, write_audio
from whisperd.wire import names

DEMO = DATA / "demo.flac"
TEXT = " ".join((DATA / "demo.txt").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def shared() -> Daemon:
    """One daemon for the tests that leave it as it was."""
    with running_daemon() as running:
        yield running


@pytest.fixture(scope="module")
def lecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech of several batches."""
    samples, _ = long_speech(60, seed=11)
    return write_audio(tmp_path_factory.mktemp("lecture") / "lecture.wav", samples)


def test_transcribe_prints_the_text_and_writes_files(shared: Daemon, tmp_path: Path) -> None:
    ran = shared.ctl("transcribe", str(DEMO), "--format", "srt", "--output-dir", str(tmp_path))
    assert ran.returncode == names.EXIT_OK, ran.stderr
    assert ran.stdout.strip() == TEXT
    assert "demo.flac: opening" in ran.stderr
    assert "demo.flac: completed" in ran.stderr
    assert f"demo.flac: wrote {tmp_path}/demo.srt" in ran.stderr
    assert (tmp_path / "demo.srt").read_text().startswith("1\n00:00:")


def test_standard_input_is_transcribed_and_leaves_nothing_behind(shared: Daemon) -> None:
    command = [sys.executable, "-m", "whisperctl", "transcribe", "-"]
    with DEMO.open("rb") as audio:
        ran = subprocess.run(
            command,
            env=shared.environment,
            cwd=ROOT,
            stdin=audio,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    assert ran.stdout.strip() == TEXT
    assert list((shared.folder / ".local" / "state" / "whisperd" / "spool").iterdir()) == []


def test_good_and_bad_files_together(shared: Daemon, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not audio")
    ran = shared.ctl("transcribe", str(tmp_path / "missing.wav"), str(DEMO), str(tmp_path / "text.wav"))
    assert ran.returncode == names.EXIT_FAILED
    assert ran.stdout.strip() == TEXT
    assert f"whisperctl: {tmp_path}/missing.wav does not exist\n" in ran.stderr
    assert f"whisperctl: {tmp_path}/text.wav is a text file" in ran.stderr


@pytest.mark.parametrize("name", [b"caf\xe9.flac", b"two\nlines.flac", b"\x1b[2J.flac", "会議.flac".encode()])
def test_any_name_that_a_file_can_have(shared: Daemon, tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    os.link(DEMO, path) if os.stat(tmp_path).st_dev == os.stat(DEMO).st_dev else Path(os.fsdecode(path)).write_bytes(
        DEMO.read_bytes()
    )
    ran = shared.ctl("submit", "--wait", os.fsdecode(path))
    assert ran.returncode == names.EXIT_OK, ran.stderr
    assert "completed" in ran.stdout
    assert "\x1b" not in ran.stdout + ran.stderr
    assert len(ran.stdout.splitlines()) == 1


def test_every_view_of_a_job(shared: Daemon) -> None:
    [job] = json.loads(shared.ctl("submit", "--json", "--wait", str(DEMO)).stdout)["jobs"]
    number = str(job["id"])
    assert job["state"] == "completed"
    shown = shared.ctl("job", "show", number)
    assert f"Job {number}  demo.flac" in shown.stdout
    assert json.loads(shared.ctl("job", "show", number, "--json").stdout)["job"]["id"] == job["id"]
    assert shared.ctl("job", "text", number).stdout.strip() == TEXT
    assert "-->" in shared.ctl("job", "text", number, "--format", "vtt").stdout
    assert json.loads(shared.ctl("--json", "job", "text", number).stdout)["transcript"]["text"].strip() == TEXT
    assert number in shared.ctl("job", "list", "--state", "completed", "--kind", "file", "--limit", "1").stdout
    assert shared.ctl("job", "cancel", number).returncode == names.EXIT_REFUSED
    assert shared.ctl("job", "show", "999999").returncode == names.EXIT_NOT_FOUND
    assert shared.ctl("job", "text", "999999").returncode == names.EXIT_NOT_FOUND
    assert shared.ctl("job", "wait", "999999").returncode == names.EXIT_NOT_FOUND
    assert shared.ctl("job", "list", "--state", "nonsense").returncode == names.EXIT_USAGE
    assert shared.ctl("transcribe", str(DEMO), "--format", "docx").returncode == names.EXIT_USAGE


def test_pages_of_a_list_follow_each_other(shared: Daemon) -> None:
    json.loads(shared.ctl("submit", "--json", "--wait", *[str(DEMO)] * 2).stdout)
    first = json.loads(shared.ctl("job", "list", "--json", "--limit", "1").stdout)
    second = json.loads(shared.ctl("job", "list", "--json", "--limit", "1", "--cursor", first["next_cursor"]).stdout)
    assert second["jobs"][0]["id"] < first["jobs"][0]["id"]


def test_status_and_doctor(shared: Daemon) -> None:
    assert shared.ctl("status").stdout.startswith("whisperd ")
    assert json.loads(shared.ctl("status", "--json").stdout)["pid"] == shared.pid
    doctor = shared.ctl("doctor")
    assert doctor.returncode == names.EXIT_OK, doctor.stdout
    assert "✓ connection" in doctor.stdout


def test_events_are_json_lines_from_the_first_to_the_newest(shared: Daemon) -> None:
    [job] = json.loads(shared.ctl("submit", "--json", "--wait", str(DEMO)).stdout)["jobs"]
    events = [json.loads(line) for line in shared.ctl("events").stdout.splitlines()]
    states = [event["data"]["state"] for event in events if event.get("job") == job["id"]]
    assert states == ["queued", "running", "completed"]
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)


def test_one_key_makes_one_job(shared: Daemon) -> None:
    ids = {
        json.loads(shared.ctl("submit", "--json", "--key", "k1", str(DEMO)).stdout)["jobs"][0]["id"] for _ in range(3)
    }
    assert len(ids) == 1


def test_the_same_file_twice_in_one_line_is_printed_twice(shared: Daemon) -> None:
    ran = shared.ctl("transcribe", str(DEMO), str(DEMO))
    assert ran.returncode == names.EXIT_OK, ran.stderr
    assert ran.stdout.split("\n")[:2] == [TEXT, TEXT]


def test_transcribe_outlives_a_killed_daemon(gated: Daemon, lecture: Path) -> None:
    command = [sys.executable, "-m", "whisperctl", "transcribe", str(lecture)]
    with subprocess.Popen(
        command, env=gated.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr is not None
        while "transcribing" not in waiting.stderr.readline():
            assert waiting.poll() is None
        gated.kill()
        assert "whisperd is gone" in "".join(iter_until(waiting.stderr, "whisperd is gone"))
        gated.start()
        gated.gate.unlink()
        text, _ = waiting.communicate(timeout=PATIENCE)
    assert waiting.returncode == names.EXIT_OK
    [job] = gated.call("job.list")["jobs"]
    assert text.strip() == gated.call("job.text", id=job["id"])["transcript"]["text"].strip()


def iter_until(stream: "subprocess.IO[str]", wanted: str) -> list[str]:
    lines: list[str] = []
    while not lines or wanted not in lines[-1]:
        line = stream.readline()
        assert line
        lines.append(line)
    return lines


def test_ctrl_c_leaves_the_job_to_the_daemon(gated: Daemon, lecture: Path) -> None:
    terminal = OnTerminal("transcribe", str(lecture), environment=gated.environment)
    terminal.read_until(lambda: "transcribing" in terminal.output)
    assert any("░" in line or "█" in line for line in terminal.screen.lines)
    terminal.press_ctrl_c()
    assert terminal.finish() == names.EXIT_INTERRUPTED
    [job] = gated.call("job.list")["jobs"]
    assert job["state"] == "running"
    assert terminal.screen.lines == [
        f"job {job['id']} goes on in whisperd",
        f"  to follow: whisperctl job wait {job['id']}",
        f"  to cancel: whisperctl job cancel {job['id']}",
    ]
    assert gated.ctl("job", "cancel", str(job["id"])).returncode == names.EXIT_OK
    assert gated.ctl("job", "wait", str(job["id"])).returncode == names.EXIT_FAILED


def test_a_jobs_whole_story_is_told_in_words(gated: Daemon, lecture: Path) -> None:
    gated.ctl("queue", "pause")
    gated.ctl("submit", "--low", str(lecture))
    assert "PAUSED: files wait" in gated.ctl("status").stdout
    assert gated.call("daemon.status")["holds"] == [{"reason": "the queue is paused", "jobs": 1}]
    assert "the queue is paused" in gated.ctl("job", "list").stdout
    assert gated.ctl("submit", str(lecture)).stderr == "already on the way: job 1; --again queues a file once more\n"
    assert gated.ctl("job", "move", "--all", "--to", "first").stdout == "   1  place 1    lecture.wav\n"
    gated.ctl("queue", "resume")
    wait_for(lambda: gated.call("job.show", id=1)["job"]["progress"] > 0)
    assert gated.ctl("job", "pause", "--all").stdout == "   1  paused     lecture.wav\n"
    assert gated.ctl("job", "cancel", "--all").returncode == names.EXIT_USAGE
    assert gated.ctl("job", "resume", "--all").returncode == names.EXIT_OK
    assert gated.ctl("job", "cancel", "--all", "--yes").stdout == "   1  cancelled  lecture.wav\n"
    gated.ctl("queue", "pause")
    assert gated.ctl("job", "retry", "--all").stdout == "   1  queued     lecture.wav\n"
    assert gated.ctl("job", "cancel", "1").returncode == names.EXIT_OK
    story = gated.ctl("job", "show", "1").stdout.partition("Story\n")[2].splitlines()
    told = [" ".join(line.split()[2:]) for line in story]
    assert told[:5] == ["queued", "queued promoted by hand", "queued moved to place 1", "running", "paused by hand"]
    assert told[5] == "queued resumed by hand"
    assert told[-3:] == ["cancelled by hand", "queued to be done again by hand", "cancelled by hand"]
    assert gated.ctl("job", "delete", "--state", "cancelled", "--yes").stdout == "   1  deleted\n"
    assert gated.ctl("job", "show", "1").returncode == names.EXIT_NOT_FOUND


def test_a_dictation_that_is_waited_for_prints_its_text(shared: Daemon) -> None:
    ran = shared.ctl("submit", "--dictation", "--wait", str(DEMO))
    assert ran.returncode == names.EXIT_OK, ran.stderr
    assert ran.stdout.strip() == TEXT
    refused = shared.ctl("transcribe", str(DEMO), "--dictation")
    assert refused.returncode == names.EXIT_USAGE


def test_shutdown_stops_the_daemon_and_then_there_is_none(daemon: Daemon) -> None:
    assert daemon.ctl("shutdown").returncode == names.EXIT_OK
    assert daemon.process is not None
    wait_for(lambda: daemon.process is not None and daemon.process.poll() is not None)
    assert daemon.process.returncode == 0
    ran = daemon.ctl("status")
    assert ran.returncode == names.EXIT_NO_DAEMON
    assert "whisperd is not running" in ran.stderr
