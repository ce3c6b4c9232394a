"""Drop folders, through a real daemon: what lands there is transcribed, once, and none too early."""

import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness import CallError, Daemon, running_daemon, wait_for
from tests.speech import SAMPLE_RATE, sentence, synthesize, write_audio

SETTLE = 0.3
"""Seconds: short, so that tests are."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Daemon]:
    with running_daemon() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Short clips, each with another sentence."""
    folder, draw = tmp_path_factory.mktemp("spoken"), random.Random(7)
    return [write_audio(folder / f"clip-{n}.wav", synthesize(sentence(draw))) for n in range(12)]


class Drop:
    """A watched folder."""

    def __init__(self, daemon: Daemon, path: Path, *, new_only: bool = False, **rules: Any) -> None:
        self.daemon = daemon
        self.path = path
        rules = {"settle": SETTLE, **rules}
        self.id = daemon.call("watch.add", path=str(path), rules=rules, new_only=new_only)["folder"]["id"]

    @property
    def view(self) -> dict[str, Any]:
        return self.daemon.call("watch.list", id=self.id, limit=1000)["folders"][0]

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        files = self.daemon.call("watch.list", id=self.id, limit=1000)["files"]
        return {file["path"]: file for file in files}

    def states(self) -> dict[str, str]:
        return {path: file["state"] for path, file in self.files.items()}

    def wait_for(self, **states: str) -> None:
        """`name="state"` of files `name.wav`."""
        wanted = {f"{name}.wav": state for name, state in states.items()}
        wait_for(lambda: wanted.items() <= self.states().items())

    def count(self, **counts: int) -> None:
        wait_for(lambda: counts.items() <= self.view["counts"].items())

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs of its files, oldest first."""
        inside = [
            job for job in self.daemon.call("job.list", limit=1000)["jobs"] if str(self.path) + "/" in job["path"]
        ]
        return sorted(inside, key=lambda job: job["id"])

    def rescan(self, **how: bool) -> dict[str, Any]:
        return self.daemon.call("watch.rescan", id=self.id, **how)

    def remove(self) -> None:
        self.daemon.call("watch.remove", id=self.id)


@contextmanager
def drop(daemon: Daemon, path: Path, **rules: Any) -> Iterator[Drop]:
    path.mkdir(exist_ok=True)
    watched = Drop(daemon, path, **rules)
    try:
        yield watched
    finally:
        watched.remove()


def seconds(path: Path) -> float:
    return (path.stat().st_size - 44) / 2 / SAMPLE_RATE


# -- ways of writing --------------------------------------------------------------------------------------------------


def test_a_file_is_transcribed_once_and_whole_however_it_is_written(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    with drop(shared, tmp_path / "drop") as watched:
        folder = watched.path
        sources = dict(zip(
            ("one-go", "pieces", "tmp", "part", "cp", "rsync", "mv", "link"), spoken, strict=False
        ))  # fmt: skip
        (folder / "one-go.wav").write_bytes(sources["one-go"].read_bytes())
        (folder / "x.tmp").write_bytes(sources["tmp"].read_bytes())
        (folder / "x.tmp").rename(folder / "tmp.wav")
        (folder / "part.wav.part").write_bytes(sources["part"].read_bytes())
        subprocess.run(["cp", "-p", sources["cp"], folder / "cp.wav"], check=True)
        subprocess.run(["rsync", "-a", sources["rsync"], folder / "rsync.wav"], check=True)
        elsewhere = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path
        shutil.copyfile(sources["mv"], elsewhere / f"whisperd-{os.getpid()}.wav")
        subprocess.run(["mv", elsewhere / f"whisperd-{os.getpid()}.wav", folder / "mv.wav"], check=True)
        shutil.copyfile(sources["link"], tmp_path / "link.wav")
        os.link(tmp_path / "link.wav", folder / "link.wav")
        (tmp_path / "link.wav").unlink()
        content = sources["pieces"].read_bytes()
        with (folder / "pieces.wav").open("wb") as slow:
            for start in range(0, len(content), len(content) // 3 + 1):
                slow.write(content[start : start + len(content) // 3 + 1])
                slow.flush()
                wait_for(lambda: "open for writing" in str(watched.files.get("pieces.wav", {}).get("reason")))
            watched.count(done=6)
            assert watched.states()["pieces.wav"] == "settling"
            (folder / "part.wav.part").rename(folder / "part.wav")
        watched.count(done=len(sources), settling=0)
        jobs = {Path(job["path"]).stem: job for job in watched.jobs()}
        assert sorted(jobs) == sorted(sources)
        assert len(watched.jobs()) == len(sources)
        for name, job in jobs.items():
            assert (job["state"], job["partial"], job["kind"], job["priority"]) == ("completed", False, "watch", "low")
            assert job["duration"] == pytest.approx(seconds(sources[name]), abs=0.01)
            text = shared.call("job.text", id=job["id"])["transcript"]["text"]
            assert (folder / f"{name}.txt").read_text().split() == text.split()
        assert not list(folder.glob(".whisperd-*"))


# -- what happens to audio and transcripts ----------------------------------------------------------------------------


def test_renames_moves_copies_edits_and_deletions_of_files_that_are_done(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    with drop(shared, tmp_path / "drop") as watched, drop(shared, tmp_path / "other") as other:
        folder = watched.path
        for name, clip in zip(("renamed", "moved", "copied", "edited", "texted", "left"), spoken, strict=False):
            shutil.copyfile(clip, folder / f"{name}.wav")
        watched.count(done=6, settling=0)
        first = [job["id"] for job in watched.jobs()]
        (folder / "sub").mkdir()
        (folder / "renamed.wav").rename(folder / "new name.wav")
        (folder / "moved.wav").rename(folder / "sub" / "moved.wav")
        shutil.copyfile(folder / "copied.wav", folder / "copy.wav")
        shutil.copyfile(folder / "copied.wav", other.path / "copy.wav")
        shutil.copyfile(spoken[7], folder / "edited.wav")
        (folder / "texted.txt").unlink()
        (folder / "left.wav").unlink()
        other.wait_for(copy="done")
        watched.wait_for(**{"new name": "done", "sub/moved": "done", "copy": "done", "edited": "done"})
        wait_for(lambda: watched.view["counts"]["settling"] == 0)
        copy, edited = sorted((job for job in watched.jobs() if job["id"] not in first), key=lambda job: job["path"])
        assert (Path(copy["path"]).name, copy["processing_time"]) == ("copy.wav", 0)
        assert copy["notes"][-1].startswith("this is the transcript of the same audio as job ")
        assert (folder / "copy.txt").read_text() == (folder / "copied.txt").read_text()
        assert (other.path / "copy.txt").read_text() == (folder / "copied.txt").read_text()
        assert Path(edited["path"]).name == "edited.wav"
        assert (folder / "edited.txt").exists()
        edited_text = shared.call("job.text", id=edited["id"])["transcript"]["text"]
        assert (folder / "edited.txt").read_text().split() == edited_text.split()
        assert not (folder / "edited (2).txt").exists()
        assert not (folder / "texted.txt").exists()
        assert watched.rescan()["found"] == 0
        asked = watched.rescan(again=True, dry_run=True)
        # The renamed ones have no transcript under their new names either.
        assert {file["path"]: file["decision"] for file in asked["planned"]} == {
            "texted.wav": "queue", "new name.wav": "queue", "sub/moved.wav": "queue",
        }  # fmt: skip
        assert watched.rescan(again=True)["found"] >= 3
        wait_for(lambda: (folder / "texted.txt").exists() and (folder / "new name.txt").exists())
        watched.count(queued=0, settling=0)
        decoded = [job for job in watched.jobs() if job["id"] not in (*first, edited["id"]) and job["processing_time"]]
        assert decoded == []


def test_a_file_that_moves_or_goes_away_while_it_waits_is_transcribed_where_it_is(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    with drop(shared, tmp_path / "drop") as watched:
        folder = watched.path
        shared.call("queue.pause")
        for name, clip in zip(("came-as", "lost", "again"), spoken[8:], strict=False):
            shutil.copyfile(clip, folder / f"{name}.wav")
        watched.count(queued=3)
        (folder / "came-as.wav").rename(folder / "is-now.wav")
        watched.wait_for(**{"is-now": "queued"})
        (folder / "lost.wav").rename(tmp_path / "lost.wav")
        by_hand = shared.submit(folder / "again.wav", options={"formats": ["txt"]})[0]
        assert (by_hand["kind"], by_hand["priority"]) == ("watch", "normal")  # sent by hand, it is promoted
        shared.call("queue.resume")
        watched.wait_for(**{"is-now": "done", "lost": "gone", "again": "done"})
        jobs = {Path(job["path"]).stem: job for job in watched.jobs()}
        assert jobs["came-as"]["state"] == "completed"
        assert (folder / "is-now.txt").exists()
        assert jobs["lost"]["error"]["kind"] == "input_missing"
        (tmp_path / "lost.wav").rename(folder / "lost.wav")
        watched.wait_for(lost="done")
        assert len(watched.jobs()) == 3
        assert (folder / "lost.txt").exists()


def test_what_a_person_cancelled_or_deleted_or_let_fail_is_queued_again_only_when_asked(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    with drop(shared, tmp_path / "drop") as watched:
        shared.call("queue.pause")
        shutil.copyfile(spoken[0], watched.path / "cancelled.wav")
        (watched.path / "failed.wav").write_text("no audio at all")
        watched.count(queued=2)
        [job] = [job for job in watched.jobs() if job["path"].endswith("cancelled.wav")]
        shared.call("job.cancel", ids=[job["id"]])
        shared.call("queue.resume")
        watched.wait_for(cancelled="cancelled", failed="failed")
        assert watched.files["failed.wav"]["reason"] == f"{watched.path}/failed.wav is a text file, not audio"
        assert watched.rescan()["found"] == 0
        shared.call("job.delete", ids=[job["id"]])
        (watched.path / "cancelled.wav").rename(watched.path / "renamed.wav")
        watched.wait_for(renamed="cancelled")
        assert watched.rescan(again=True)["found"] == 2
        watched.wait_for(renamed="done", failed="failed")


# -- odd names and refusals -------------------------------------------------------------------------------------------


def test_odd_names_break_nothing_and_what_is_refused_says_why(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    odd = [
        b"a b.wav",
        b"two\nlines.wav",
        b"\"'quo`ted'\".wav",
        b"caf\xe9.wav",
        b"x" * 251 + b".wav",
        "äöü😀.wav".encode(),
    ]
    for name in odd:
        shutil.copyfile(spoken[1], os.fsencode(folder) + b"/" + name)
    (folder / "out.wav").symlink_to(spoken[2])
    os.mkfifo(folder / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as listening:
        directory = os.open(folder, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{directory}/socket.wav")
        os.close(directory)
    (folder / "empty.wav").touch()
    (folder / "text.mp3").write_text("this is not audio")
    (folder / "list.m3u8").write_text("#EXTM3U\nhttp://example.invalid/a.mp3\n")
    (folder / "hidden-list.mp3").write_text("#EXTM3U\nhttp://example.invalid/a.mp3\n")
    with drop(shared, folder) as watched:
        watched.count(done=len(odd), skipped=5, failed=2, settling=0, queued=0)
        said = {path: file["reason"] for path, file in watched.files.items() if file["state"] in ("skipped", "failed")}
        assert {path: said[path] for path in ("out.wav", "pipe.wav", "socket.wav", "empty.wav", "list.m3u8")} == {
            "out.wav": "it is a link that leads out of the folder",
            "pipe.wav": "it is a pipe, not a file",
            "socket.wav": "it is a socket, not a file",
            "empty.wav": "it is empty",
            "list.m3u8": "it is a playlist and holds no audio",
        }
        assert said["text.mp3"]
        assert "playlist" in said["hidden-list.mp3"]
        texts = [name for name in os.listdir(os.fsencode(folder)) if name.endswith(b".txt")]
        assert len(texts) == len(odd)
        decoded = [job for job in watched.jobs() if job["processing_time"] and job["state"] == "completed"]
        assert len(decoded) <= 1  # they are copies of each other
        assert b"caf\xe9.txt" in texts
        [bytes_name] = [file for path, file in watched.files.items() if file["path_b64"]]
        assert bytes_name["path"] == "caf\ufffd.wav"
        # Such a name is told of like any other.
        shutil.copyfile(spoken[1], os.fsencode(folder) + b"/\xff while watched.wav")
        watched.count(done=len(odd) + 1)
        shutil.copyfile(spoken[1], folder / "after it.wav")
        watched.count(done=len(odd) + 2)


# -- rules ------------------------------------------------------------------------------------------------------------


def test_rules_skip_mirror_move_and_never_write_over_foreign_files(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    tree, archive, folder = tmp_path / "texts", tmp_path / "drop" / "archive", tmp_path / "drop"
    (folder / "deep").mkdir(parents=True)
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "talk.txt").write_text("mine")
    write_audio(folder / "short.wav", synthesize("five"))
    shutil.copyfile(spoken[3], folder / "deep" / "talk.wav")
    rules = {
        "min_duration": seconds(folder / "short.wav") + 0.1, "afterwards": "move", "move_to": str(archive),
        "options": {"formats": ["txt", "srt"], "output_dir": str(tree)},
    }  # fmt: skip
    with drop(shared, folder, **rules) as watched:
        watched.count(done=1, skipped=1)
        assert "the folder takes" in watched.files["short.wav"]["reason"]
        wait_for(lambda: not (folder / "deep" / "talk.wav").exists())
        assert (archive / "deep" / "talk.wav").exists()
        assert (tree / "deep" / "talk.txt").read_text() == "mine"
        assert sorted(file.name for file in (tree / "deep").iterdir()) == ["talk (2).txt", "talk.srt", "talk.txt"]
        assert watched.rescan()["found"] == 0  # what was moved inside is not found again


def test_a_folder_that_is_not_there_comes_goes_and_comes_back_is_seen_in_each_state(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "later"
    client = shared.client()
    client.call("events.subscribe", topics=["watch.state", "watch.found"])
    watched = Drop(shared, folder)
    wait_for(lambda: watched.view["state"] == "missing")
    assert watched.view["reason"] == f"{folder} does not exist"
    folder.mkdir()
    shutil.copyfile(spoken[4], folder / "a.wav")
    watched.wait_for(a="done")
    assert watched.view["state"] == "watching"
    folder.rename(tmp_path / "away")
    watched.rescan()
    assert watched.view["state"] == "missing"
    (tmp_path / "away").rename(folder)
    watched.rescan()
    assert (watched.view["state"], watched.view["counts"]["found"]) == ("watching", 1)
    found = client.wait_event(lambda event: event["topic"] == "watch.found")
    assert found["data"] == {"folder": watched.id, "path": f"{folder}/a.wav"}
    back = client.wait_event(lambda event: event["data"].get("previous") == "missing" and event["seq"] > found["seq"])
    assert back["data"]["state"] == "watching"
    watched.remove()
    with pytest.raises(CallError, match="no watched folder"):
        watched.rescan()


def test_a_folder_s_commands_say_what_they_did(shared: Daemon, spoken: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    shutil.copyfile(spoken[5], folder / "before.wav")
    added = shared.ctl("watch", "add", str(folder), "--new-only", "--settle", "0.3", "--ignore", "*draft*")
    assert (added.returncode, added.stderr) == (0, "")
    assert "1 left" in added.stdout
    refused = shared.ctl("watch", "add", str(folder))
    assert (refused.returncode, "is watched already" in refused.stderr) == (5, True)
    shutil.copyfile(spoken[6], folder / "draft.wav")
    shutil.copyfile(spoken[6], folder / "after.wav")
    wait_for(lambda: (folder / "after.txt").exists())
    assert not (folder / "before.txt").exists()
    changed = shared.ctl("watch", "set", str(folder), "--disable")
    assert "disabled" in changed.stdout or "starting" in changed.stdout
    wait_for(lambda: "disabled (it is switched off)" in shared.ctl("watch", "list").stdout)
    assert shared.ctl("watch", "set", str(folder), "--enable", "--ignore", "").returncode == 0
    wait_for(lambda: (folder / "draft.txt").exists())
    listed = shared.ctl("watch", "list", str(folder)).stdout
    assert "it was there when the folder was added" in listed
    assert "3 found" in listed
    plan = shared.ctl("watch", "rescan", str(folder), "--dry-run")
    assert (plan.returncode, plan.stderr.strip()) == (0, "there is nothing to do")
    assert shared.ctl("watch", "remove", str(folder)).returncode == 2  # nobody there to be asked
    assert shared.ctl("watch", "remove", str(folder), "--yes").returncode == 0
    assert shared.ctl("watch", "rescan", str(folder)).returncode == 4


# -- bursts, restarts, kills ------------------------------------------------------------------------------------------


def test_files_that_come_while_the_daemon_is_stopped_or_off_are_queued_exactly_once(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    config = f'[[watch]]\npath = "{folder}"\nsettle = {SETTLE}\n'
    with running_daemon(config=config) as daemon:
        daemon.call("queue.pause")
        wait_for(lambda: daemon.call("watch.list")["folders"][0]["state"] == "watching")
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGSTOP)
        for number in range(1_000):
            (folder / f"{number}.wav").write_bytes(b"RIFF%d" % number)
        daemon.process.send_signal(signal.SIGCONT)
        wait_for(lambda: daemon.call("daemon.status")["queue"]["queued"] == 1_000)
        daemon.stop()
        for number in range(1_000, 1_300):
            (folder / f"{number}.wav").write_bytes(b"RIFF%d" % number)
        daemon.start()
        wait_for(lambda: daemon.call("daemon.status")["queue"]["queued"] == 1_300)
        assert daemon.call("watch.rescan")["found"] == 0
        [view] = daemon.call("watch.list")["folders"]
        assert (view["origin"], view["counts"]["found"], view["counts"]["queued"]) == ("config", 1_300, 1_300)
        assert daemon.call("daemon.status")["queue"]["queued"] == 1_300
        with pytest.raises(CallError, match="is set in the configuration"):
            daemon.call("watch.remove", id=view["id"])
        daemon.config.write_text("")
        daemon.call("config.reload")
        wait_for(lambda: daemon.call("watch.list")["folders"] == [])
        daemon.config.write_text(config)
        daemon.call("config.reload")
        wait_for(lambda: [f["counts"]["queued"] for f in daemon.call("watch.list")["folders"]] == [1_300])


def test_kills_during_a_drop_lose_and_double_nothing(spoken: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    with running_daemon() as daemon:
        watched = Drop(daemon, folder)
        for number, clip in enumerate(spoken[:6], start=1):
            shutil.copyfile(clip, folder / clip.name)
            if number == 2:
                watched.count(found=number)  # rows and jobs are there, at whatever stage these are
            if number in (2, 3, 4, 5):
                daemon.kill()
                daemon.start()
        watched.count(done=6, settling=0)
        jobs = watched.jobs()
        assert [job["state"] for job in jobs] == ["completed"] * 6
        assert len({job["path"] for job in jobs}) == 6
        names = sorted(os.listdir(folder))
        assert names == sorted([clip.name for clip in spoken[:6]] + [f"{clip.stem}.txt" for clip in spoken[:6]])
