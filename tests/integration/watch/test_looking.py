"""Looking at real folders: what is found, who writes, what is moved or deleted."""

import os
import socket
import time
from pathlib import Path

import pytest

from whisperd.jobs.folder import Afterwards, FolderRules, FolderState
from whisperd.jobs.version import Version
from whisperd.watch import root, tending
from whisperd.watch.finished import Finished, Settling
from whisperd.watch.inspecting import Candidate, inspect, still_there
from whisperd.watch.lease import ignore_lease_breaks, is_open_for_writing
from whisperd.watch.names import NameRules
from whisperd.watch.scanner import Facts, Listing, Walk, look, opened
from whisperd.watch.territory import Territory


def place(folder: Path, *, recursive: bool = True, foreign: frozenset[bytes] = frozenset()) -> Territory:
    return Territory(os.fsencode(folder), NameRules(FolderRules()), recursive, foreign)


def walked(walk: Walk) -> dict[bytes, Listing]:
    listings: dict[bytes, Listing] = {}
    while not walk.done:
        listings |= {listing.parent: listing for listing in walk.batch()}
    return listings


def names(listing: Listing) -> set[bytes]:
    return {entry.name for entry in listing.entries}


def facts(listings: dict[bytes, Listing]) -> dict[bytes, Facts]:
    return {parent: listing.facts for parent, listing in listings.items() if listing.facts}


def write(path: Path, content: bytes = b"RIFF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_walk_finds_wanted_names_at_any_depth_and_enters_neither_hidden_nor_foreign_folders(tmp_path: Path) -> None:
    for name in ("a.wav", "sub/deep/b.mp3", "sub/notes.txt", ".hidden/c.wav", "archive/d.wav", "sub/e.wav.part"):
        write(tmp_path / name)
    found = walked(Walk(place(tmp_path, foreign=frozenset({os.fsencode(tmp_path / "archive")})), {}))
    assert {parent: names(listing) for parent, listing in found.items()} == {
        b"": {b"a.wav"}, b"sub": set(), b"sub/deep": {b"b.mp3"},
    }  # fmt: skip
    flat = walked(Walk(place(tmp_path, recursive=False), {}))
    assert set(flat) == {b""}


def test_a_second_walk_hands_out_only_what_has_changed(tmp_path: Path) -> None:
    write(tmp_path / "a.wav")
    write(tmp_path / "sub" / "b.wav")
    known = facts(walked(Walk(place(tmp_path), {})))
    assert walked(Walk(place(tmp_path), known)) == {}
    write(tmp_path / "sub" / "b.wav", b"RIFF and more")
    assert set(walked(Walk(place(tmp_path), known))) == {b"sub"}


def test_a_walk_over_changed_folders_finds_new_files_and_new_folders(tmp_path: Path) -> None:
    write(tmp_path / "sub" / "b.wav")
    known = facts(walked(Walk(place(tmp_path), {})))
    assert walked(Walk(place(tmp_path), known, list(known), only_changed=True)) == {}
    write(tmp_path / "sub" / "new" / "c.wav")
    found = walked(Walk(place(tmp_path), known, list(known), only_changed=True))
    assert names(found[b"sub/new"]) == {b"c.wav"}
    (tmp_path / "sub" / "b.wav").unlink()
    (tmp_path / "sub" / "new" / "c.wav").unlink()
    (tmp_path / "sub" / "new").rmdir()
    (tmp_path / "sub").rmdir()
    walk = Walk(place(tmp_path), known, list(known), only_changed=True)
    assert walked(walk) == {}
    assert walk.vanished == [b"sub"]


def test_every_kind_of_name_is_found_and_what_is_no_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    odd = [b"a b.wav", b"two\nlines.wav", b"\"'quoted'\".wav", b"caf\xe9.wav", b"x" * 251 + b".wav"]
    folder = os.fsencode(tmp_path) + b"/"
    for name in odd:
        Path(os.fsdecode(folder + name)).write_bytes(b"RIFF")
    outside = write(tmp_path.parent / f"{tmp_path.name}-outside.wav")
    (tmp_path / "out.wav").symlink_to(outside)
    (tmp_path / "in.wav").symlink_to(tmp_path / "a b.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as listening:
        cwd = Path.cwd()
        os.chdir(tmp_path)  # a socket's path is short
        listening.bind("socket.wav")
        os.chdir(cwd)
        [listing] = walked(Walk(place(tmp_path), {})).values()
    assert names(listing) >= set(odd)
    refusals = {entry.name: entry.refusal for entry in listing.entries if entry.refusal}
    assert refusals == {
        b"out.wav": "it is a link that leads out of the folder",
        b"in.wav": "it is a link; the file that it leads to is taken by its own name",
        b"loop.wav": "it is a link; the file that it leads to is taken by its own name",
        b"pipe.wav": "it is a pipe, not a file",
        b"socket.wav": "it is a socket, not a file",
    }
    entries, folders = look(place(tmp_path), [(b"", name) for name in (*odd, b"pipe.wav", b"gone.wav", b"a.txt")])
    assert {entry.name for _, entry in entries} == {*odd, b"pipe.wav"}
    assert folders == []


def test_no_link_is_followed_whatever_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "secret.wav").parent
    inside = write(tmp_path / "drop" / "sub" / "deep" / "a.wav").parent
    drop, version = tmp_path / "drop", Version.of((inside / "a.wav").stat())
    known = facts(walked(Walk(place(drop), {})))
    assert set(known) == {b"", b"sub", b"sub/deep"}
    inside.rename(tmp_path / "away")
    inside.symlink_to(outside)
    walk = Walk(place(drop), known, list(known), only_changed=True)
    assert b"sub/deep" not in walked(walk)
    assert walk.vanished == [b"sub/deep"]
    assert walked(Walk(place(drop), {}, [b"sub/deep"])) == {}
    assert look(place(drop), [(b"sub/deep", b"secret.wav")]) == ([], [])
    [one] = inspect(os.fsencode(drop), [Candidate((b"sub/deep", b"secret.wav"), None)], 0.0, remote=False)
    assert one.after is None
    assert still_there(os.fsencode(drop), [((b"sub/deep", b"a.wav"), version)]) == [False]
    with pytest.raises(OSError, match="Not a directory"), opened(os.fsencode(drop), b"sub/deep"):
        pass


def test_what_lies_in_a_foreign_folder_is_neither_found_by_a_walk_nor_by_a_hint(tmp_path: Path) -> None:
    for name in ("done/a.wav", "done/deep/b.wav", "donee/c.wav"):
        write(tmp_path / name)
    ours = place(tmp_path, foreign=frozenset({os.fsencode(tmp_path / "done")}))
    hints = [(b"done", b"a.wav"), (b"done", b"deep"), (b"done/deep", b"b.wav"), (b"donee", b"c.wav"), (b"", b"done")]
    entries, folders = look(ours, hints)
    assert ([(parent, entry.name) for parent, entry in entries], folders) == ([(b"donee", b"c.wav")], [])
    assert set(walked(Walk(ours, {}, [b"", b"done", b"done/deep"]))) == {b"", b"donee"}
    assert set(walked(Walk(ours, {}, [b"done/deep"]))) == set()


def test_the_kernel_tells_whether_anybody_has_a_file_open_for_writing(tmp_path: Path) -> None:
    ignore_lease_breaks()
    path = write(tmp_path / "a.wav")
    with path.open("rb") as ours:
        assert is_open_for_writing(ours.fileno()) is False
        with path.open("ab"):
            assert is_open_for_writing(ours.fileno()) is True
        with path.open("rb"):
            assert is_open_for_writing(ours.fileno()) is False


def inspected(path: Path, before: Settling | None = None, *, settle: float = 2.0, outputs: tuple[Path, ...] = ()):
    candidate = Candidate((b"", os.fsencode(path.name)), before, tuple(map(os.fsencode, outputs)))
    [one] = inspect(os.fsencode(path.parent), [candidate], settle, remote=False)
    return one


def test_a_file_is_finished_by_its_change_time_and_not_by_a_copied_modification_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    os.utime(path, (1, 1))  # as cp -p and rsync do
    fresh = inspected(path, settle=60.0)
    assert isinstance(fresh.after, Settling)
    assert fresh.after.due > time.monotonic() + 50
    assert isinstance(inspected(path, settle=0.0).after, Finished)
    with path.open("ab"):
        held = inspected(path, settle=0.0)
        assert isinstance(held.after, Settling)
        assert held.after.reason == "it is open for writing"


def test_empty_files_are_refused_gone_ones_forgotten_and_transcripts_beside_them_seen(tmp_path: Path) -> None:
    empty = inspected(write(tmp_path / "empty.wav", b""), settle=0.0)
    assert empty.refusal == "it is empty"
    assert inspected(tmp_path / "gone.wav").after is None
    path, text, srt = write(tmp_path / "a.wav"), tmp_path / "a.txt", tmp_path / "a.srt"
    write(text)
    assert not inspected(path, settle=0.0, outputs=(text, srt)).transcribed
    write(srt)
    assert inspected(path, settle=0.0, outputs=(text, srt)).transcribed


def test_a_renamed_file_is_no_longer_at_its_path_and_a_hard_link_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    version = Version.of(path.stat())
    os.link(path, tmp_path / "b.wav")
    root, name = os.fsencode(tmp_path), (b"", b"a.wav")
    assert still_there(root, [(name, version)]) == [True]
    path.unlink()
    assert still_there(root, [(name, version)]) == [False]
    write(path)
    assert still_there(root, [(name, version)]) == [False]


# -- the folder itself ------------------------------------------------------------------------------------------------


def test_what_is_in_the_way_of_watching_is_a_state_and_a_sentence(tmp_path: Path) -> None:
    found = root.find(os.fsencode(tmp_path))
    assert isinstance(found, root.Root)
    assert found.empty
    missing = root.find(os.fsencode(tmp_path / "none"))
    assert isinstance(missing, root.Obstacle)
    assert (missing.state, missing.reason) == (FolderState.MISSING, f"{tmp_path}/none does not exist")
    no_folder = root.find(os.fsencode(write(tmp_path / "file")))
    assert isinstance(no_folder, root.Obstacle)
    assert (no_folder.state, no_folder.reason) == (FolderState.UNREADABLE, f"{tmp_path}/file is not a folder")


# -- audio afterwards -------------------------------------------------------------------------------------------------


def test_audio_is_moved_under_a_free_name_and_a_move_that_was_cut_off_is_ended(tmp_path: Path) -> None:
    path, archive = write(tmp_path / "a.wav", b"ours"), tmp_path / "archive" / "deep"
    write(archive / "a.wav", b"other")
    said = tending.move(os.fsencode(path), Version.of(path.stat()), archive)
    assert said == f"the audio was moved to {archive}/a (2).wav"
    assert (archive / "a.wav").read_bytes() == b"other"
    assert (archive / "a (2).wav").read_bytes() == b"ours"
    assert not path.exists()
    again = write(tmp_path / "b.wav", b"cut off")
    os.link(again, archive / "b.wav")
    assert (
        tending.move(os.fsencode(again), Version.of(again.stat()), archive) == f"the audio was moved to {archive}/b.wav"
    )
    assert sorted(file.name for file in archive.iterdir()) == ["a (2).wav", "a.wav", "b.wav"]


def test_audio_is_copied_to_another_file_system_whole_or_not_at_all(tmp_path: Path) -> None:
    # Without a second file system (a container may have none) a move is a rename, which the test above shows.
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to move to")
    archive = other / f"whisperd-{os.getpid()}"
    path = write(tmp_path / "a.wav", b"ours" * 1000)
    try:
        assert tending.move(os.fsencode(path), Version.of(path.stat()), archive)
        assert [file.name for file in archive.iterdir()] == ["a.wav"]
        assert (archive / "a.wav").read_bytes() == b"ours" * 1000
        assert not path.exists()
    finally:
        for file in archive.iterdir():
            file.unlink()
        archive.rmdir()


def test_audio_that_changed_since_its_transcript_is_neither_moved_nor_deleted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    version = Version.of(path.stat())
    write(path, b"something new")
    assert tending.delete(os.fsencode(path), version) is None
    assert tending.move(os.fsencode(path), version, tmp_path / "archive") is None
    assert path.exists()
    rules = FolderRules(afterwards=Afterwards.DELETE)
    (tmp_path / "link").symlink_to(tmp_path)
    there = Version.of(path.stat())
    assert "could not be touched" in str(tending.tend(os.fsencode(tmp_path), (b"link", b"a.wav"), there, rules))
    assert tending.tend(os.fsencode(tmp_path), (b"", b"a.wav"), there, rules) == "the audio was deleted"
    assert tending.tend(os.fsencode(tmp_path), (b"", b"a.wav"), there, rules) is None
    assert not path.exists()
