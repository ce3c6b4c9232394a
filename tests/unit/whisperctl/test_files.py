"""From the words of a command line to the paths that are sent."""

import base64
import os
import time
from pathlib import Path

import pytest

from whisperctl import files
from whisperctl.errors import CommandError, UsageError


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "path"),
    [("a.wav", "{}/a.wav"), ("./b/./a.wav", "{}/b/a.wav"), ("../a.wav", "{}/../a.wav"), ("/x//a.wav", "/x/a.wav")],
)
def test_paths_become_absolute_and_nothing_else(given: str, path: str, home: Path) -> None:
    assert files.absolute(given) == path.format(home).encode()


def test_a_link_is_sent_as_the_link(home: Path) -> None:
    (home / "real.wav").touch()
    (home / "link.wav").symlink_to("real.wav")
    assert files.found(["link.wav"], print) == [str(home / "link.wav").encode()]


def test_a_name_that_is_not_utf8_goes_as_base64() -> None:
    assert files.file_param(b"/caf\xe9.wav", "k") == {
        "path_b64": base64.b64encode(b"/caf\xe9.wav").decode(),
        "key": "k",
    }
    assert files.file_param("/café\n.wav".encode(), "k") == {"path": "/café\n.wav", "key": "k"}


def test_a_folder_stands_for_the_audio_in_it(home: Path, notices: list[str]) -> None:
    for name in ("b.WAV", "a.mp3", "notes.txt", "deep/er/c.m4a", ".hidden.wav", ".git/d.wav", "no_suffix"):
        (home / "talks" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "talks" / name).touch()
    (home / "talks" / "loop").symlink_to(home / "talks")
    found = files.found(["x.wav", "talks"], notices.append)
    assert [os.fsdecode(path).removeprefix(f"{home}/") for path in found] == [
        "x.wav",
        "talks/a.mp3",
        "talks/b.WAV",
        "talks/deep/er/c.m4a",
    ]
    assert notices == ["talks: 3 audio files"]


def test_a_folder_without_audio_is_a_usage_error(home: Path, notices: list[str]) -> None:
    (home / "empty").mkdir()
    with pytest.raises(UsageError, match="no audio files in the folder empty"):
        files.found(["empty"], notices.append)


def descriptor(content: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def test_standard_input_is_kept_in_a_private_file(home: Path) -> None:
    source = descriptor(b"sound" * 1_000)
    path = Path(os.fsdecode(files.spool(source)))
    os.close(source)
    assert path.parent == home / "state" / "whisperd" / "spool"
    assert path.read_bytes() == b"sound" * 1_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.name.startswith("stdin-")
    assert os.listdir(path.parent) == [path.name]


def test_empty_standard_input_leaves_nothing_behind() -> None:
    source = descriptor(b"")
    with pytest.raises(CommandError, match="was empty"):
        files.spool(source)
    os.close(source)
    assert os.listdir(files.spool_dir()) == []


def test_a_copy_that_fails_leaves_nothing_behind() -> None:
    with pytest.raises(CommandError, match="can't keep standard input"):
        files.spool(999_999)
    assert os.listdir(files.spool_dir()) == []


def test_a_terminal_is_not_read() -> None:
    leader, follower = os.openpty()
    with pytest.raises(UsageError, match="is a terminal"):
        files.spool(follower)
    os.close(leader)
    os.close(follower)


def test_what_a_killed_client_left_is_removed_and_what_is_being_written_is_not() -> None:
    import fcntl

    folder = Path(files.spool_dir())
    folder.mkdir(parents=True)
    old = time.time() - 3_600
    for name in ("stdin-1.part", "stdin-2.part", "stdin-3", "notes.part"):
        (folder / name).touch()
        os.utime(folder / name, (old, old))
    (folder / "stdin-4.part").touch()
    with (folder / "stdin-2.part").open() as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        files.remove_leftovers(str(folder))
    assert sorted(os.listdir(folder)) == ["notes.part", "stdin-2.part", "stdin-3", "stdin-4.part"]
