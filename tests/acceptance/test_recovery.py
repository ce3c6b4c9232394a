"""What a daemon finds at its start, and makes good."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from tests.harness import CallError, Daemon, running_daemon, wait_for
from tests.speech import long_speech, synthesize, write_audio


@pytest.fixture(scope="module")
def note(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audio(tmp_path_factory.mktemp("audio") / "note.wav", synthesize("please save the new report today"))


def backups(daemon: Daemon) -> list[Path]:
    return sorted(daemon.state_dir.glob("whisperd.db.v*.backup"))


def test_the_database_is_backed_up_once_a_day(daemon: Daemon) -> None:
    wait_for(lambda: len(backups(daemon)) == 1)
    [made] = backups(daemon)
    daemon.stop()
    daemon.start()
    assert backups(daemon) == [made]


def test_a_damaged_database_is_moved_aside_and_what_is_known_of_it_takes_its_place(daemon: Daemon, note: Path) -> None:
    daemon.transcribe(note)
    wait_for(lambda: len(backups(daemon)) == 1)
    backups(daemon)[0].unlink()
    daemon.stop()
    daemon.start()
    wait_for(lambda: len(backups(daemon)) == 1)
    daemon.stop()
    content = bytearray(daemon.database.read_bytes())
    content[4096:8192] = b"damage! " * 512
    daemon.database.write_bytes(content)
    daemon.start()
    wait_for(lambda: "the database was damaged and is now at" in daemon.log.read_text())
    daemon.wait_until_answering()
    [job] = daemon.call("job.list")["jobs"]
    assert job["state"] == "completed"


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
def test_a_database_that_is_taken_away_in_use_is_put_back_with_all_that_was_acknowledged(
    daemon: Daemon, note: Path, replaced: bool
) -> None:
    daemon.call("queue.pause")
    queued = [job["id"] for job in daemon.submit(note, note, note, again=True)]
    for file in daemon.state_dir.glob("whisperd.db*"):
        file.unlink()
    if replaced:
        daemon.database.write_text("a shopping list")
    with contextlib.suppress(CallError, ConnectionError):
        queued.append(daemon.submit(note, again=True)[0]["id"])
    wait_for(lambda: "it was put back with all it held" in daemon.log.read_text())
    daemon.wait_until_answering()
    [reason] = daemon.call("daemon.health")["reasons"]
    assert (reason["kind"], "put back" in reason["message"]) == ("database_damaged", True)
    queued.append(daemon.submit(note, again=True)[0]["id"])
    daemon.stop()
    daemon.start()
    assert [job["id"] for job in daemon.call("job.list")["jobs"]] == queued[::-1]
    assert len(list(daemon.state_dir.glob("whisperd.db.replaced-*"))) == replaced


def test_a_database_that_is_taken_away_just_before_the_end_is_put_back(daemon: Daemon, note: Path) -> None:
    daemon.call("queue.pause")
    [job] = daemon.submit(note)
    daemon.database.unlink()
    daemon.stop()
    daemon.start()
    assert [found["id"] for found in daemon.call("job.list")["jobs"]] == [job["id"]]


def test_spooled_input_is_removed_when_no_job_needs_it(daemon: Daemon, note: Path) -> None:
    spool = daemon.state_dir / "spool"
    spool.mkdir()
    needed, orphan = spool / "stdin-needed", spool / "stdin-orphan"
    for file in (needed, orphan):
        file.write_bytes(note.read_bytes())
        os.utime(file, (1e9, 1e9))
    fresh = spool / "stdin-fresh"
    fresh.write_bytes(b"just written")
    daemon.call("queue.pause")
    daemon.submit(needed)
    daemon.stop()
    daemon.start()
    assert sorted(spool.iterdir()) == [fresh, needed]


def test_temporary_files_of_a_killed_daemon_are_removed(daemon: Daemon, note: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    daemon.call("queue.pause")
    [job] = daemon.submit(note, options={"formats": ["srt"], "output_dir": str(output)})
    daemon.kill()
    left = output / ".whisperd-0123456789abcdef.tmp"
    left.write_text("half")
    daemon.start()
    daemon.call("queue.resume")
    daemon.wait(job["id"])
    daemon.stop()
    assert sorted(file.name for file in output.iterdir() if file != left) == ["note.srt"]


def test_a_changed_file_is_never_mixed_with_what_was_transcribed_before(note: Path, tmp_path: Path) -> None:
    with running_daemon(config="[retry]\nbase_delay = 0.0\n") as daemon:
        path = tmp_path / "changing.wav"
        path.write_bytes(note.read_bytes())
        daemon.call("queue.pause")
        [job] = daemon.submit(path)
        write_audio(path, synthesize("the old doctor called the school"))
        daemon.call("queue.resume")
        [job] = daemon.wait(job["id"])
        assert "doctor" in daemon.call("job.text", id=job["id"])["transcript"]["text"]


def test_a_dictation_that_is_too_long_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "long.wav", synthesize("please save the new report today"))
    with running_daemon(config="[dictation]\nmax_length = 1.0\n") as daemon:
        [job] = daemon.submit(path, kind="dictation")
        [job] = daemon.wait(job["id"])
        assert (job["state"], job["error"]["kind"]) == ("failed", "bad_input")
        assert "a dictation may have 1 s" in job["error"]["message"]


def test_work_goes_on_after_the_database_was_locked_by_another_program(gated: Daemon, tmp_path: Path) -> None:
    samples, _ = long_speech(60, seed=5)
    path = write_audio(tmp_path / "talk.wav", samples)
    client = gated.client()
    client.call("events.subscribe", topics=["job.progress"])
    [job] = gated.submit(path)
    client.wait_event(lambda event: event["data"]["done"] > 0)
    with contextlib.closing(sqlite3.connect(gated.database, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        gated.gate.unlink()
        wait_for(lambda: gated.call("daemon.status")["trouble"] is not None)
        assert "locked" in gated.call("daemon.status")["trouble"]
        with pytest.raises(CallError, match="locked"):
            gated.submit(path, again=True)
        stranger.execute("ROLLBACK")
    [done] = gated.wait(job["id"])
    assert (done["state"], done["attempts"]) == ("completed", 0)
    assert gated.call("daemon.status")["trouble"] is None


def test_stopping_the_daemon_often_never_counts_against_its_job(gated: Daemon, note: Path) -> None:
    gated.gate.write_text("0")
    [job] = gated.submit(note)
    for _ in range(4):
        wait_for(lambda: gated.call("job.show", id=job["id"])["job"]["state"] == "running")
        gated.stop()
        gated.start()
    gated.gate.unlink()
    [done] = gated.wait(job["id"])
    assert (done["state"], done["attempts"]) == ("completed", 0)
    reasons = [entry["data"].get("reason") for entry in gated.call("job.show", id=job["id"])["story"]]
    assert reasons.count("the daemon was stopped") == 4
