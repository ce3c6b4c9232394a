"""A WAV that is valid at every moment of its making."""

import errno
import os
import stat
import wave
from pathlib import Path

import numpy as np
import pytest

from whisperd.frames import AudioContext, Listen, Open, Opened, Plan, Source
from whisperd.recorder.wav import GrowingWav
from whisperd.worker.handlers import Handlers
from whisperd.worker.recordings import read_recording


def test_an_unfinished_recording_is_read_to_its_end(tmp_path: Path) -> None:
    samples = np.arange(-20_000, 20_000, dtype="<i2")
    growing = GrowingWav(str(tmp_path), "x")
    growing.write(samples.tobytes())
    opened = Handlers().answer(Open(Source(growing.path.encode())))
    assert isinstance(opened, Opened)
    plan = Handlers().answer(Plan(Source(growing.path.encode()), 0)).plan  # type: ignore[union-attr]
    assert plan.end == 40_000
    assert plan.damage.missing == 0
    assert np.array_equal(read_recording(growing.path.encode(), 0, None) * 32_768, samples)


def test_a_closed_recording_says_how_long_it_is(tmp_path: Path) -> None:
    growing = GrowingWav(str(tmp_path), "x")
    growing.write(bytes(2_000))
    growing.state_length()
    growing.close()
    with wave.open(growing.path) as read:
        assert (read.getnframes(), read.getframerate(), read.getnchannels()) == (1_000, 16_000, 1)


def test_a_recording_takes_no_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_text("mine")
    assert GrowingWav(str(tmp_path), "x").path == str(tmp_path / "x-2.wav")
    assert (tmp_path / "x.wav").read_text() == "mine"
    assert stat.S_IMODE((tmp_path / "x-2.wav").stat().st_mode) == 0o600


def test_a_recording_grows_between_two_listenings(tmp_path: Path) -> None:
    growing = GrowingWav(str(tmp_path), "x")
    call = Listen(Source(growing.path.encode(), growing=True), 0, ended=False, audio_context=AudioContext.FIT)
    growing.write(bytes(3_200))
    assert Handlers().answer(call).end == 1_600  # type: ignore[union-attr]
    growing.write(bytes(3_200))
    assert Handlers().answer(call).end == 3_200  # type: ignore[union-attr]


def test_a_recording_that_the_full_disk_refuses_leaves_neither_a_file_nor_a_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as full:
        full.setattr(os, "write", refuse)
        for _ in range(3):
            with pytest.raises(OSError, match="No space left"):
                GrowingWav(str(tmp_path), "x")
    assert (list(tmp_path.iterdir()), len(os.listdir("/proc/self/fd"))) == ([], before)
    wav = GrowingWav(str(tmp_path), "x")
    wav.discard()
    assert (list(tmp_path.iterdir()), len(os.listdir("/proc/self/fd"))) == ([], before)
