"""Drop folders under attack: links, nested folders, moving folders, names, writers that pause, locked databases."""

import contextlib
import json
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_watch import SETTLE, Drop, drop
from tests.harness import ROOT, CallError, Daemon, running_daemon, wait_for
from tests.speech import sentence, synthesize, write_audio

SOON = 20.0
"""Seconds within which an event is followed on a busy machine; the rounds come every 30 s and less often."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Daemon]:
    with running_daemon() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Short clips, each with another sentence."""
    folder, draw = tmp_path_factory.mktemp("spoken"), random.Random(11)
    return [write_audio(folder / f"clip-{n}.wav", synthesize(sentence(draw))) for n in range(4)]


# -- links ------------------------------------------------------------------------------------------------------------


def entangle(folder: Path) -> None:
    """A link to /sys, and nine folders that link to each other."""
    (folder / "s").symlink_to("/sys")
    for number in range(9):
        (folder / f"{number}").mkdir()
        for other in range(9):
            (folder / f"{number}" / f"to-{other}").symlink_to(folder / f"{other}")


def test_links_inside_a_folder_do_not_hold_the_daemon_up(spoken: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    entangle(folder)
    with running_daemon() as daemon:
        client = daemon.client()
        client._socket.settimeout(SOON)
        client.call("watch.add", path=str(folder), rules={"settle": SETTLE})
        assert client.call("daemon.ping")["pong"]
        shutil.copyfile(spoken[0], folder / "3" / "a.wav")
        wait_for(lambda: (folder / "3" / "a.txt").exists())
        entangle(folder / "4")
        shutil.copyfile(spoken[0], folder / "4" / "5" / "b.wav")
        wait_for(lambda: (folder / "4" / "5" / "b.txt").exists(), SOON)


def hostile(folder: Path, outside: Path, count: int) -> None:
    """Links to everything that a walk could get lost in, get stuck at or read what it must not, in nested folders."""
    targets = ["/", "/sys", "/proc/self", "/dev", "..", ".", folder, outside, outside / "a.wav", "nowhere"]
    for number in range(count):
        parent = folder.joinpath(*f"{number // 10:03}")
        parent.mkdir(parents=True, exist_ok=True)
        (parent / f"{number % 10}-link{'.wav' if number % 2 else ''}").symlink_to(targets[number % len(targets)])


def test_nothing_outside_a_folder_of_hostile_links_is_opened_and_status_always_answers(
    spoken: list[Path], tmp_path: Path
) -> None:
    folder, outside, trace = tmp_path / "drop", tmp_path / "outside", tmp_path / "trace"
    outside.mkdir()
    shutil.copyfile(spoken[0], outside / "a.wav")
    hostile(folder, outside, 1_500)
    calls = "--trace=open,openat,openat2,inotify_add_watch"
    strace = ("strace", "--daemonize", "--follow-forks", "--seccomp-bpf", calls, "-qq", "-y", "--output", str(trace))
    waits: list[float] = []
    with running_daemon(wrapper=strace) as daemon:

        def ask() -> None:
            begin = time.monotonic()
            daemon.call("daemon.status")
            waits.append(time.monotonic() - begin)

        for _ in range(20):
            ask()
        idle = max(waits)  # a machine that has much else to do answers late for that reason alone
        watched = Drop(daemon, folder)

        def answers(condition: Callable[[], bool]) -> bool:
            ask()
            return condition()

        wait_for(lambda: answers(lambda: watched.view["state"] == "watching"))
        (folder / "moving").mkdir()
        for number in range(1_500):  # links that come, and folders that move about and change places with links
            (folder / "moving" / f"{number}").symlink_to((outside, "/sys", folder)[number % 3])
            if number % 30 == 0:
                (folder / "moving").rename(folder / f"moved-{number}")
                (folder / f"moved-{number}" / "sub").mkdir()
                if number % 300 == 0:
                    shutil.copyfile(spoken[1], folder / f"moved-{number}" / "sub" / "b.wav")
                (folder / f"moved-{number}" / "sub").rename(folder / f"sub-{number}")
                (folder / f"moved-{number}" / "sub").symlink_to(outside)
                (folder / "moving").mkdir()
                ask()
        wait_for(lambda: answers(lambda: watched.view["counts"]["done"] == 5))
        assert {Path(job["path"]).name for job in watched.jobs()} == {"b.wav"}
    assert max(waits) < max(1.0, 10 * idle)
    opened = trace.read_text()
    assert str(folder) in opened
    assert str(outside) not in opened


# -- whose a file is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inner_rules", "by_link"),
    [({"enabled": False}, False), ({"afterwards": "keep"}, False), ({"enabled": False}, True)],
)
def test_audio_is_never_treated_by_the_rules_of_a_folder_further_out(
    shared: Daemon, spoken: list[Path], tmp_path: Path, inner_rules: dict[str, object], by_link: bool
) -> None:
    (tmp_path / "drop" / "inner").mkdir(parents=True)
    inner_path = tmp_path / "drop" / "inner"
    if by_link:
        inner_path = tmp_path / "link"
        inner_path.symlink_to(tmp_path / "drop" / "inner")
    with (
        drop(shared, tmp_path / "drop", afterwards="delete", delete_after=0) as outer,
        drop(shared, inner_path, **inner_rules) as inner,
    ):
        wait_for(lambda: outer.view["state"] == "watching" and inner.view["state"] in ("watching", "disabled"))
        shutil.copyfile(spoken[0], inner_path / "mine.wav")
        (inner_path / "deep").mkdir()
        shutil.copyfile(spoken[1], inner_path / "deep" / "mine.wav")
        if inner_rules.get("enabled", True):
            inner.count(done=2)
        shutil.copyfile(spoken[2], outer.path / "deleted.wav")
        wait_for(lambda: not (outer.path / "deleted.wav").exists() and outer.view["counts"]["done"] == 1)
        assert (inner_path / "mine.wav").exists()
        assert (inner_path / "deep" / "mine.wav").exists()
        assert set(outer.files) == {"deleted.wav"}


def test_what_was_moved_inside_is_not_moved_on(shared: Daemon, spoken: list[Path], tmp_path: Path) -> None:
    done = tmp_path / "drop" / "done"
    with drop(shared, tmp_path / "drop", afterwards="move", move_to=str(done)) as watched:
        wait_for(lambda: watched.view["state"] == "watching")
        done.mkdir()
        shutil.copyfile(spoken[0], watched.path / "a.wav")
        wait_for(lambda: (done / "a.wav").exists())
        shutil.copyfile(spoken[1], watched.path / "b.wav")
        wait_for(lambda: (done / "b.wav").exists() and not (watched.path / "b.wav").exists())
        watched.count(done=2, settling=0)
        assert sorted(os.listdir(done)) == ["a.wav", "b.wav"]


def test_a_folder_that_leads_to_a_watched_one_is_not_watched_besides(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "drop")
    with drop(shared, tmp_path / "drop") as watched:
        again = Drop(shared, tmp_path / "link")
        wait_for(lambda: again.view["state"] == "unreadable")
        assert f"leads to the same folder as watched folder {watched.id}" in again.view["reason"]
        (tmp_path / "link").unlink()
        (tmp_path / "link").mkdir()
        shutil.copyfile(spoken[0], tmp_path / "link" / "a.wav")
        again.count(done=1)
        again.remove()


# -- commands that end half way ---------------------------------------------------------------------------------------


def test_a_folder_that_could_not_be_removed_is_watched_as_before(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "drop").mkdir()
    watched = Drop(shared, tmp_path / "drop")
    wait_for(lambda: watched.view["state"] == "watching")
    holder = sqlite3.connect(shared.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(CallError, match="locked by another program"):
        watched.remove()
    holder.execute("ROLLBACK")
    assert watched.view["state"] == "watching"
    shutil.copyfile(spoken[0], watched.path / "a.wav")
    watched.count(done=1)
    # A client that hangs up while its command waits: the command is carried out whole or not at all.
    holder.execute("BEGIN IMMEDIATE")
    client = shared.client()
    request = {"jsonrpc": "2.0", "id": "last", "method": "watch.remove", "params": {"id": watched.id}}
    client._socket.sendall(json.dumps(request).encode() + b"\n")
    client.call("daemon.ping")
    client.close()
    shared._clients.remove(client)
    shared.call("daemon.ping")
    holder.execute("ROLLBACK")
    holder.close()
    wait_for(lambda: len(set(map(frozenset, _folders(shared)))) == 1)
    with contextlib.suppress(CallError):
        watched.remove()
    assert _folders(shared) == (set(), set())


def test_a_configuration_that_is_saved_while_the_database_is_locked_is_followed_later(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    with running_daemon() as daemon:
        holder = sqlite3.connect(daemon.database, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        daemon.config.write_text(f'[[watch]]\npath = "{tmp_path / "drop"}"\n')
        for said in ("that the configuration was read again could not be stored", "can't be stored yet"):
            wait_for(lambda said=said: said in daemon.log.read_text())
        assert daemon.call("watch.list")["folders"] == []
        holder.execute("ROLLBACK")
        holder.close()
        wait_for(lambda: [folder["state"] for folder in daemon.call("watch.list")["folders"]] == ["watching"])


def _folders(daemon: Daemon) -> tuple[set[int], set[int]]:
    """The watched folders as they are shown, and as they are stored."""
    shown = {folder["id"] for folder in daemon.call("watch.list")["folders"]}
    connection = sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)
    try:
        return shown, {row[0] for row in connection.execute("SELECT id FROM watch_folders")}
    finally:
        connection.close()


# -- names and folders that come and go -------------------------------------------------------------------------------


def test_names_that_are_not_utf8_end_no_watch(shared: Daemon, spoken: list[Path], tmp_path: Path) -> None:
    with drop(shared, tmp_path / "drop") as watched:
        wait_for(lambda: watched.view["state"] == "watching")
        raw = os.fsencode(watched.path)
        for number in range(6):
            os.mkdir(raw + b"/\xff%d" % number)
            watched.rescan()
        begin = time.monotonic()
        shutil.copyfile(spoken[0], raw + b"/\xff5/\xfe.wav")
        watched.count(done=1)
        assert time.monotonic() - begin < SOON


def test_a_folder_that_is_removed_and_made_again_is_watched_again_at_once(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    with drop(shared, tmp_path / "drop") as watched:
        (watched.path / "sub").mkdir()
        watched.rescan()
        for number, folder in enumerate((watched.path / "sub", watched.path)):
            shutil.rmtree(folder)
            folder.mkdir(parents=True)
            (folder / "new").mkdir()
            shutil.copyfile(spoken[number], folder / "new" / "a.wav")
            wait_for((folder / "new" / "a.txt").exists, SOON)
            shutil.copyfile(spoken[number], folder / "new" / "b.wav")
            wait_for((folder / "new" / "b.txt").exists, SOON)


def test_a_file_that_is_renamed_while_it_is_transcribed_completes(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    draw = random.Random(5)
    with running_daemon(gated=True) as daemon:
        watched = Drop(daemon, folder)
        daemon.gate.write_text("0")
        write_audio(folder / "a.wav", synthesize(" ".join(sentence(draw) for _ in range(3))))
        wait_for(lambda: [job["state"] for job in watched.jobs()] == ["running"])
        [job] = watched.jobs()
        wait_for(lambda: daemon.call("job.show", id=job["id"])["job"]["stage"] == "transcribing")
        (folder / "sub").mkdir()
        (folder / "a.wav").rename(folder / "sub" / "b.wav")
        daemon.gate.unlink()
        wait_for((folder / "sub" / "b.txt").exists)
        watched.wait_for(**{"sub/b": "done"})
        [done] = watched.jobs()
        assert (done["id"], done["state"]) == (job["id"], "completed")
        assert "failed" not in str(daemon.call("job.show", id=job["id"]))


def test_each_name_of_a_file_with_several_gets_its_transcript(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    with drop(shared, tmp_path / "drop") as watched:
        shutil.copyfile(spoken[0], tmp_path / "one.wav")
        os.link(tmp_path / "one.wav", watched.path / "a.wav")
        os.link(tmp_path / "one.wav", watched.path / "b.wav")
        watched.wait_for(a="done", b="done")
        assert sorted(path.name for path in watched.path.glob("*.txt")) == ["a.txt", "b.txt"]


# -- a clock that is wrong --------------------------------------------------------------------------------------------


def test_a_clock_that_is_45_days_ahead_for_a_moment_deletes_nothing(spoken: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    with running_daemon(config="[retention]\ntranscript_days = 30\n") as daemon:
        daemon.stop()
        ahead = daemon.folder / "ahead"
        daemon.additions = {"PYTHONPATH": str(ROOT / "tests/acceptance/ahead"), "CLOCK_AHEAD": str(ahead)}
        daemon.start()
        watched = Drop(daemon, folder, afterwards="delete", delete_after=30)
        shutil.copyfile(spoken[0], folder / "a.wav")
        watched.count(done=1)
        ahead.write_text(f"{45 * 86_400}")
        shutil.copyfile(spoken[1], folder / "b.wav")  # the end of its job is when the folder's audio is looked at
        watched.count(done=2)
        daemon.config.write_text("[retention]\ntranscript_days = 29\n")
        daemon.call("config.reload")
        shutil.copyfile(spoken[2], folder / "c.wav")
        watched.count(done=3)
        assert sorted(path.name for path in folder.glob("*.wav")) == ["a.wav", "b.wav", "c.wav"]
        assert all(daemon.call("job.text", id=job["id"])["transcript"]["text"] for job in watched.jobs())
        assert 0 <= daemon.call("daemon.status")["uptime"] < 86_400
        ahead.write_text(f"{-45 * 86_400}")
        assert 0 <= daemon.call("daemon.status")["uptime"] < 86_400


# -- writers that pause -----------------------------------------------------------------------------------------------


def test_a_file_is_waited_for_while_its_header_promises_more(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    whole = spoken[0].read_bytes()
    with drop(shared, tmp_path / "drop") as watched:
        path = watched.path / "x.wav"
        path.write_bytes(whole[: len(whole) // 3])
        wait_for(lambda: "promises" in str(watched.files.get("x.wav", {}).get("reason")))
        with path.open("ab") as file:
            file.write(whole[len(whole) // 3 :])
        watched.count(done=1, settling=0)
        [job] = watched.jobs()
        assert job["partial"] is False
        assert [file.name for file in watched.path.glob("*.txt")] == ["x.txt"]


def test_a_transcript_follows_its_audio_and_the_old_one_stays_in_the_history(
    shared: Daemon, spoken: list[Path], tmp_path: Path
) -> None:
    with drop(shared, tmp_path / "drop") as watched:
        path, text = watched.path / "x.wav", watched.path / "x.txt"
        shutil.copyfile(spoken[0], path)
        watched.count(done=1)
        first = text.read_text()
        [job] = watched.jobs()
        shared.call("queue.clear")  # what was written is known without the job's row
        shutil.copyfile(spoken[1], path)
        wait_for(lambda: len(watched.jobs()) == 1 and watched.jobs()[0]["id"] != job["id"])
        watched.count(done=1, queued=0)
        second = text.read_text()
        assert first != second
        assert [file.name for file in watched.path.glob("*.txt")] == ["x.txt"]
        assert shared.call("job.text", id=job["id"])["transcript"]["text"] in first.strip()
        text.write_text("corrected by hand")
        shutil.copyfile(spoken[2], path)
        wait_for((watched.path / "x (2).txt").exists)
        assert text.read_text() == "corrected by hand"
