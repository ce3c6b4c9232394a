"""Everything that is no audio: refused at once, in words, with what to do."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tests.integration.worker.child import Child, plans
from tests.speech import noise, write_audio
from whisperd.frames import FailureKind, Open, Plan, Source

Make = Callable[[Path], None]


def missing(path: Path) -> None:
    pass


def folder(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("this is no speech\n" * 100)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def symlink_loop(path: Path) -> None:
    other = path.with_name("other")
    other.symlink_to(path)
    path.symlink_to(other)


def link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def video_without_sound(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        container.mux(stream.encode(None))


def hls_playlist(path: Path) -> None:
    target = write_audio(path.with_name("secret.wav"), noise(1))
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n")


def concat_list(path: Path) -> None:
    target = write_audio(path.with_name("secret.wav"), noise(1))
    path.write_text(f"ffconcat version 1.0\nfile '{target}'\n")


def m4a_without_its_index(path: Path) -> None:
    whole = write_audio(path.with_name("whole.m4a"), noise(10)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def only_a_header(path: Path) -> None:
    path.write_bytes(write_audio(path.with_name("whole.wav"), noise(1)).read_bytes()[:44])


def random_bytes(path: Path) -> None:
    path.write_bytes(np.random.default_rng(2).bytes(100_000))


CASES: list[tuple[Make, FailureKind, str]] = [
    (missing, FailureKind.INPUT_MISSING, "does not exist"),
    (link_to_nothing, FailureKind.INPUT_MISSING, "does not exist"),
    (folder, FailureKind.BAD_INPUT, "is a folder"),
    (empty, FailureKind.BAD_INPUT, "is empty"),
    (text, FailureKind.BAD_INPUT, "is a text file, not audio"),
    (fifo, FailureKind.BAD_INPUT, "is a pipe"),
    (unix_socket, FailureKind.BAD_INPUT, "is a socket"),
    (symlink_loop, FailureKind.BAD_INPUT, "is a symbolic link that leads back to itself"),
    (link_to_device, FailureKind.BAD_INPUT, "is a device"),
    (video_without_sound, FailureKind.NO_AUDIO, "has no audio in it (it holds video)"),
    (hls_playlist, FailureKind.BAD_INPUT, "is a playlist, not audio"),
    (concat_list, FailureKind.BAD_INPUT, "is a playlist, not audio"),
    (m4a_without_its_index, FailureKind.BAD_INPUT, "is cut off: its index (moov)"),
    (only_a_header, FailureKind.BAD_INPUT, "is cut off or damaged"),
    (random_bytes, FailureKind.BAD_INPUT, "is not an audio file that can be read"),
]


@pytest.mark.parametrize(("make", "kind", "words"), CASES, ids=[case[0].__name__ for case in CASES])
def test_what_is_no_audio_is_refused_in_words(
    worker: Child, tmp_path: Path, make: Make, kind: FailureKind, words: str
) -> None:
    path = tmp_path / "speech.wav"
    make(path)
    source = Source(os.fsencode(path))
    for call in (Open(source), Plan(source, 0)):
        failure = worker.fails(call)
        assert failure.kind is kind
        assert f"{path} {words}" in failure.message
        assert failure.hint
        assert failure.hint[0].islower()
        assert not failure.hint.endswith(".")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_refused(worker: Child, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", noise(1))
    path.chmod(0)
    failure = worker.fails(Open(Source(os.fsencode(path))))
    assert (failure.kind, "may not be read" in failure.message) == (FailureKind.BAD_INPUT, True)


@pytest.mark.parametrize("path", [b"relative.wav", b"", b"/a\0b", b"http://127.0.0.1/a.wav", b"/" + b"x" * 300])
def test_what_is_no_path_is_refused(worker: Child, path: bytes) -> None:
    assert worker.fails(Open(Source(path))).kind is FailureKind.BAD_INPUT


def test_a_name_that_can_not_be_shown_is_escaped(worker: Child) -> None:
    failure = worker.fails(Open(Source(b"/no/such/\xff\n\x1b[31m.wav")))
    assert failure.message == r"/no/such/\xff\x0a\x1b[31m.wav does not exist"


def test_a_file_that_changed_is_noticed_at_every_call(worker: Child, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", noise(2, seed=1))
    source, _ = worker.open(path)
    (plan,) = plans(worker, source)
    write_audio(path, noise(2, seed=2))
    failure = worker.fails(Plan(source, plan.start))
    assert failure.kind is FailureKind.INPUT_CHANGED
    assert "has changed" in failure.message


def test_a_file_that_was_replaced_by_its_copy_is_the_same(worker: Child, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", noise(2))
    source, _ = worker.open(path)
    copy = tmp_path / "copy.wav"
    copy.write_bytes(path.read_bytes())
    copy.rename(path)
    (plan,) = plans(worker, source)
    assert plan.end == 2 * 16_000


def test_a_file_that_vanished_is_missing(worker: Child, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", noise(2))
    source, _ = worker.open(path)
    path.unlink()
    assert worker.fails(Plan(source, 0)).kind is FailureKind.INPUT_MISSING
