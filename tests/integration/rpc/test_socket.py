"""The socket file: nobody else can reach it, and no daemon takes another's."""

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from whisperd.errors import AlreadyRunningError, ConfigError, UnsafePathError
from whisperd.rpc.socket import MAX_PATH, adopt, bind, open_listener


def test_the_socket_is_ours_alone_in_a_folder_that_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "whisperd" / "s"
    with open_listener(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


def test_the_socket_is_closed_to_others_from_its_first_moment(tmp_path: Path) -> None:
    old, interval = os.umask(0), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that it is watched at many moments
    modes: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            try:
                modes.add(stat.S_IMODE((tmp_path / "s").stat().st_mode))
            except FileNotFoundError:
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(200):
            with open_listener(tmp_path / "s"):
                pass
        with open_listener(tmp_path / "s"):
            while not modes:
                os.sched_yield()
    finally:
        done.set()
        watcher.join()
        os.umask(old)
        sys.setswitchinterval(interval)
    assert modes == {0o600}


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_is_open_to_others_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UnsafePathError, match="open to others") as caught:
        bind(folder / "s")
    assert caught.value.hint == f"run: chmod 700 {folder}"


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(UnsafePathError, match="belongs to user"):
        bind(tmp_path / "s")


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "run").symlink_to(tmp_path / "real")
    with pytest.raises(UnsafePathError, match="a link"):
        bind(tmp_path / "run" / "s")


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnsafePathError, match="can't be made"):
        bind(tmp_path / "file" / "run" / "s")


def test_a_path_that_is_too_long_says_so_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Linux allows 107") as caught:
        bind(tmp_path / ("x" * MAX_PATH))
    assert "--socket" in (caught.value.hint or "")


def test_the_longest_path_works(tmp_path: Path) -> None:
    path = tmp_path / ("x" * (MAX_PATH - len(os.fsencode(tmp_path)) - 1))
    with open_listener(path):
        assert path.is_socket()


def test_a_file_in_the_way_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("mine")
    with pytest.raises(UnsafePathError, match="in the way"):
        bind(tmp_path / "s")
    assert (tmp_path / "s").read_text() == "mine"


def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    subprocess.run(
        [sys.executable, "-c", f"import socket, os; socket.socket(socket.AF_UNIX).bind({str(path)!r}); os._exit(9)"],
        check=False,
    )
    assert path.is_socket()
    with open_listener(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_second_listener_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with open_listener(path) as first:
        with pytest.raises(AlreadyRunningError, match="another daemon listens"), open_listener(path):
            pass
        first.setblocking(True)
        first.accept()[0].close()  # the second one's look whether somebody answers
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            first.accept()[0].close()


def test_a_socket_that_somebody_put_in_our_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with open_listener(path):
        path.unlink()
        other = bind(path)
    assert path.is_socket()
    other.close()


def test_a_socket_passed_by_who_started_us_is_taken(tmp_path: Path) -> None:
    listening = bind(tmp_path / "s")
    with adopt(listening.detach()) as passed:
        assert passed.getblocking() is False
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "s"))


def test_a_descriptor_that_is_no_listening_unix_socket_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(ConfigError, match="not a socket"):
        adopt(file.fileno())
    with socket.socket() as internet, pytest.raises(ConfigError, match="not a listening Unix"):
        adopt(internet.fileno())
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ConfigError, match="not a listening Unix"):
        adopt(ours.fileno())
