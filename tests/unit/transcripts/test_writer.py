"""Transcript files are complete or absent, and nobody else's file is ever touched."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.errors import OutputError
from whisperd.jobs.job import Format
from whisperd.transcripts import writer
from whisperd.transcripts.writer import numbered_name, output_path, remove_leftovers, write_atomically


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audio", "output_dir", "expected"),
    [
        ("/a/talk.mp3", None, "/a/talk.srt"),
        ("/a/talk.mp3", "/out", "/out/talk.srt"),
        ("/a/talk.part1.mp3", None, "/a/talk.part1.srt"),
        ("/a/talk", None, "/a/talk.srt"),
        ("/a/.mp3", None, "/a/.mp3.srt"),
        ("/a/two\nlines.ogg", None, "/a/two\nlines.srt"),
    ],
)
def test_outputs_are_named_after_the_audio(audio: str, output_dir: str | None, expected: str) -> None:
    assert output_path(Path(audio), Format.SRT, output_dir and Path(output_dir)) == Path(expected)


def test_audio_name_that_is_not_utf8_keeps_its_bytes(tmp_path: Path) -> None:
    audio = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    written = write_atomically(output_path(audio, Format.TXT), "x")
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9.txt"]
    assert os.fsencode(written.path).endswith(b"/caf\xe9.txt")


@given(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1), st.integers(1, 999))
def test_every_name_fits_and_ends_at_a_whole_character(stem: str, number: int) -> None:
    name = numbered_name(stem * 40, ".json", number, 255)
    tail = ".json" if number == 1 else f" ({number}).json"
    assert len(os.fsencode(name)) <= 255
    assert name.endswith(tail)
    assert (stem * 40).startswith(name.removesuffix(tail))


def test_audio_with_a_name_of_255_bytes_gets_outputs(tmp_path: Path) -> None:
    audio = tmp_path / ("é" * 125 + "a.wav")
    audio.touch()
    assert len(os.fsencode(audio.name)) == 255
    for content in ("one", "two"):
        written = write_atomically(output_path(audio, Format.JSON), content)
        assert written.path.read_text() == content
    assert len(names(tmp_path)) == 3


# -- writing ----------------------------------------------------------------------------------------------------------


def test_file_has_the_content_and_nothing_else_is_left(tmp_path: Path) -> None:
    written = write_atomically(tmp_path / "talk.txt", "naïve\n")
    assert written.path == tmp_path / "talk.txt"
    assert written.path.read_bytes() == "naïve\n".encode()
    assert written.size == 7
    assert names(tmp_path) == {"talk.txt"}


def test_permissions_are_those_the_umask_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        written = write_atomically(tmp_path / "talk.txt", "x")
    finally:
        os.umask(before)
    assert written.path.stat().st_mode & 0o777 == 0o640


def test_somebody_elses_file_stays_and_the_output_is_numbered(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text("mine")
    (tmp_path / "talk (2).srt").write_text("mine too")
    written = write_atomically(tmp_path / "talk.srt", "new")
    assert written.path.name == "talk (3).srt"
    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == {
        "talk.srt": "mine",
        "talk (2).srt": "mine too",
        "talk (3).srt": "new",
    }


def test_the_audio_itself_is_never_replaced_by_its_transcript(tmp_path: Path) -> None:
    audio = tmp_path / "speech.txt"
    audio.write_bytes(b"RIFF")
    assert write_atomically(output_path(audio, Format.TXT), "x").path.name == "speech (2).txt"
    assert audio.read_bytes() == b"RIFF"


@pytest.mark.parametrize("kind", ["dangling link", "link to a file", "folder", "fifo", "socket"])
def test_whatever_has_the_name_is_left_alone(tmp_path: Path, kind: str) -> None:
    taken = tmp_path / "talk.srt"
    target = tmp_path / "target"
    match kind:
        case "dangling link":
            taken.symlink_to(target)
        case "link to a file":
            target.write_text("new")  # the very content: still not a file of ours
            taken.symlink_to(target)
        case "folder":
            taken.mkdir()
        case "fifo":
            os.mkfifo(taken)
        case _:
            os.mknod(taken, 0o140600)
    before = taken.lstat()
    assert write_atomically(taken, "new").path.name == "talk (2).srt"
    assert taken.lstat() == before
    assert not target.exists() or target.read_text() == "new"


def test_writing_the_same_again_after_a_crash_makes_no_second_file(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text("mine")
    first = write_atomically(tmp_path / "talk.srt", "new")
    again = write_atomically(tmp_path / "talk.srt", "new")
    assert (again.path, again.digest, first.created, again.created) == (first.path, first.digest, True, False)
    assert names(tmp_path) == {"talk.srt", "talk (2).srt"}


def test_own_earlier_output_is_replaced(tmp_path: Path) -> None:
    first = write_atomically(tmp_path / "talk.srt", "first")
    second = write_atomically(tmp_path / "talk.srt", "second, longer", previous=first)
    assert second.path.read_text() == "second, longer"
    assert names(tmp_path) == {"talk.srt"}


def test_own_earlier_output_under_a_number_is_replaced_there(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text("mine")
    first = write_atomically(tmp_path / "talk.srt", "first")
    second = write_atomically(tmp_path / "talk.srt", "second", previous=first)
    assert second.path.name == "talk (2).srt"
    assert names(tmp_path) == {"talk.srt", "talk (2).srt"}
    assert second.path.read_text() == "second"


@pytest.mark.parametrize("edit", ["fixed", "first, corrected by hand"])
def test_an_earlier_output_that_the_person_edited_is_kept(tmp_path: Path, edit: str) -> None:
    first = write_atomically(tmp_path / "talk.srt", "first")
    first.path.write_text(edit)
    second = write_atomically(tmp_path / "talk.srt", "second", previous=first)
    assert second.path.name == "talk (2).srt"
    assert first.path.read_text() == edit


def test_an_earlier_output_that_was_deleted_is_written_again(tmp_path: Path) -> None:
    first = write_atomically(tmp_path / "talk.srt", "first")
    first.path.unlink()
    assert write_atomically(tmp_path / "talk.srt", "second", previous=first).path == first.path


def test_an_earlier_output_in_another_folder_is_left_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = write_atomically(tmp_path / "a" / "talk.srt", "first")
    second = write_atomically(tmp_path / "b" / "talk.srt", "second", previous=first)
    assert second.path == tmp_path / "b" / "talk.srt"
    assert first.path.read_text() == "first"


def test_missing_folder_is_made_only_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "out" / "deep" / "talk.srt"
    with pytest.raises(OutputError, match="folder does not exist"):
        write_atomically(path, "x")
    assert write_atomically(path, "x", make_folder=True).path.read_text() == "x"


def test_many_writers_of_one_name_each_get_their_own_file(tmp_path: Path) -> None:
    contents = [f"transcript {n}" for n in range(40)]
    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(lambda content: write_atomically(tmp_path / "talk.txt", content), contents))
    assert [entry.path.read_text() for entry in written] == contents
    assert len(names(tmp_path)) == 40


def test_file_system_without_hard_links_is_written_to_as_safely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "talk.txt").write_text("mine")
    with ThreadPoolExecutor(4) as threads:
        written = list(threads.map(lambda n: write_atomically(tmp_path / "talk.txt", f"own {n}"), range(12)))
    assert [entry.path.read_text() for entry in written] == [f"own {n}" for n in range(12)]
    assert (tmp_path / "talk.txt").read_text() == "mine"
    assert len(names(tmp_path)) == 13


def test_names_beyond_the_last_number_are_refused_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_NUMBER", 2)
    (tmp_path / "talk.txt").write_text("a")
    (tmp_path / "talk (2).txt").write_text("b")
    with pytest.raises(OutputError, match="all taken"):
        write_atomically(tmp_path / "talk.txt", "c")
    assert names(tmp_path) == {"talk.txt", "talk (2).txt"}


# -- failures ---------------------------------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OutputError, match="larger than allowed") as caught:
            write_atomically(tmp_path / "talk.txt", "x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.hint
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no permission"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_an_error_of_the_disk_is_named_and_its_temporary_file_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=reason) as caught:
        write_atomically(tmp_path / "talk.txt", "x")
    assert "talk.txt" in caught.value.message
    assert names(tmp_path) == set()


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_name_that_can_not_be_given_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", fail if hard_links else refuse)
    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OutputError, match="Input/output error"):
        write_atomically(tmp_path / "talk.txt", "x")
    assert names(tmp_path) == set()


def test_a_folder_that_can_not_be_synced_is_still_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def sync_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync_files_only)
    assert write_atomically(tmp_path / "talk.txt", "x").path.read_text() == "x"


def test_files_and_then_their_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, synced = os.fsync, list[str]()

    def noted(descriptor: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_atomically(tmp_path / "talk.txt", "x")
    assert synced == ["file", "folder"]


def test_a_path_through_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="not a folder"):
        write_atomically(tmp_path / "file" / "talk.txt", "x")


def test_messages_show_strange_names_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff\n\x1b[31m") / "talk.txt"
    with pytest.raises(OutputError) as caught:
        write_atomically(path, "x")
    assert "/\\xff\\n\\x1b[31m/talk.txt" in caught.value.message


KILLED_WHILE_WRITING = """
import sys
from pathlib import Path
from whisperd.transcripts.writer import write_atomically
folder, previous = Path(sys.argv[1]), None
print("ready", flush=True)
for n in range(1_000_000):
    previous = write_atomically(folder / "talk.txt", str(n % 10) * 50_000, previous=previous)
"""


def test_a_kill_at_any_moment_leaves_a_whole_file_and_removable_leftovers(tmp_path: Path) -> None:
    for round_ in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        try:
            child.wait(0.02 * (round_ + 1))
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        remove_leftovers(tmp_path)
        for entry in tmp_path.iterdir():
            content = entry.read_text()
            assert len(content) == 50_000 and len(set(content)) == 1


def test_leftovers_are_removed_and_other_files_are_not(tmp_path: Path) -> None:
    (tmp_path / ".whisperd-0123456789abcdef.tmp").touch()
    for kept in (".whisperd-notes.tmp", "talk.txt", ".hidden", "whisperd-0123456789abcdef.tmp"):
        (tmp_path / kept).touch()
    assert remove_leftovers(tmp_path) == 1
    assert names(tmp_path) == {".whisperd-notes.tmp", "talk.txt", ".hidden", "whisperd-0123456789abcdef.tmp"}
    with pytest.raises(OutputError, match="does not exist"):
        remove_leftovers(tmp_path / "nowhere")
