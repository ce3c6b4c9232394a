"""Files that are damaged, or made to do harm: each is read as far as it goes, or refused by name; never more than that.

Owns: single faults, each made on purpose. Leaves to others: what chance makes (`tests.attack`).
"""

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np
import pytest

from tests.attack.corpus import corpus
from tests.speech import SAMPLE_RATE, Encoding, Samples, noise, silence, write_audio
from whisperd.frames import FailureKind, Opened, Source
from whisperd.worker import audio, container, files
from whisperd.worker.blocks import Blocks
from whisperd.worker.failures import WorkError
from whisperd.worker.opening import look_at
from whisperd.worker.plausible import LONGEST


def look(path: Path) -> Opened:
    return look_at(Source(os.fsencode(path)))


def read(path: Path) -> Samples:
    """All samples of a file of less than a minute."""
    return Blocks(60 * SAMPLE_RATE).from_start(Source(os.fsencode(path)), 0).samples


def refused(path: Path) -> str:
    """What is said of a file that is refused for what it is; what follows its name."""
    with pytest.raises(WorkError) as failed:
        look(path)
        read(path)
    assert (failed.value.kind, failed.value.hint is None) == (FailureKind.BAD_INPUT, False)
    assert failed.value.message.startswith(f"{path} ")
    return failed.value.message.removeprefix(f"{path} ")


def patched(path: Path, data: bytes, at: int, field: bytes) -> Path:
    path.write_bytes(data[:at] + field + data[at + len(field) :])
    return path


# -- what FFmpeg says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        *(("opus", size) for size in (60, 500, 4_000)),
        *(("ogg", size) for size in (60, 2_000)),
        *(("flac", size) for size in (50, 100)),
        *(("mka", size) for size in (40, 300)),
        *(("webm", size) for size in (52, 200, 300, 400)),
        *(("w64", size) for size in (40, 90)),
        *(("wma", size) for size in (50, 300)),
        *(("avi", size) for size in (100, 1_000)),
    ],
)
def test_a_file_that_is_cut_in_its_header_is_cut_off_and_no_defect(tmp_path: Path, kind: str, size: int) -> None:
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(corpus()[kind][:size])
    assert refused(path) in (
        "is cut off or damaged: nothing that can be read follows its header",
        "holds no audio that can be decoded",
    )


def errors_of_ffmpeg() -> Iterator[type[av.error.FFmpegError]]:
    for name in dir(av.error):
        error = getattr(av.error, name)
        if isinstance(error, type) and issubclass(error, av.error.FFmpegError):
            yield error


@pytest.mark.parametrize("error", sorted(set(errors_of_ffmpeg()), key=lambda error: error.__name__))
def test_whatever_ffmpeg_says_when_it_opens_a_file_is_said_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[av.error.FFmpegError]
) -> None:
    path = write_audio(tmp_path / "a.flac", noise(1))

    def refuse(*_: object, **__: object) -> None:
        raise error(1, "as the file has it")

    monkeypatch.setattr(av, "open", refuse)
    assert refused(path)


def test_what_the_system_can_not_read_is_said_of_the_disk_and_not_of_the_file() -> None:
    # At its beginning there is nothing mapped, so reading there is an I/O error.
    descriptor = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="Input/output error"):
            container.open_sound(descriptor, b"/proc/self/mem")
    finally:
        os.close(descriptor)


def test_a_disk_that_fails_in_the_middle_of_a_file_is_not_taken_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_audio(tmp_path / "a.wav", noise(30))
    pread = os.pread

    def fail(descriptor: int, count: int, offset: int) -> bytes:
        if offset > 500_000:
            raise OSError(5, "Input/output error")
        return pread(descriptor, count, offset)

    descriptor = os.open(path, os.O_RDONLY)
    try:
        reader = audio.AudioReader(descriptor, os.fsencode(path))
        monkeypatch.setattr(os, "pread", fail)
        with pytest.raises(OSError, match="Input/output error"):
            reader.skip(30 * SAMPLE_RATE)
        reader.close()
    finally:
        os.close(descriptor)


# -- lengths and values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [b"-9:00:0", b"nan0:00", b"99:99:n", b"-0:-1:-", b"9e9:1:1"])
def test_a_length_that_can_not_be_is_not_believed(tmp_path: Path, length: bytes) -> None:
    data = corpus()["mka"]
    path = patched(tmp_path / "a.mka", data, data.rindex(b"00:00:0"), length)
    duration = look(path).duration
    assert duration is None or 0 <= duration <= LONGEST
    assert len(read(path)) == pytest.approx(3 * SAMPLE_RATE, abs=2_000)


def test_the_length_of_a_tag_is_not_negative(tmp_path: Path) -> None:
    path = tmp_path / "a.mka"
    with (
        av.open(str(write_audio(tmp_path / "a.flac", noise(2)))) as source,
        av.open(str(path), "w", format="matroska", options={"live": "1"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        stream.metadata["DURATION"] = "-1:00:00"
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert (look(path).duration or 0) >= 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e30, -1e38])
def test_samples_that_are_no_sound_become_what_can_be_computed_with(tmp_path: Path, value: float) -> None:
    path = write_audio(tmp_path / "a.wav", noise(1), Encoding("wav", "pcm_f32le", sample_format="flt"))
    data = path.read_bytes()
    samples = read(patched(path, data, len(data) // 2 & ~3, struct.pack("<f", value) * 100))
    assert len(samples) == SAMPLE_RATE
    assert (np.abs(samples) <= 100).all()
    assert np.abs(samples[: SAMPLE_RATE // 3]).max() > 0


# -- sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1, 100, 1_999, 2_000_000, 0x7FFF_FFFF])
def test_a_rate_that_no_recording_has_is_refused(tmp_path: Path, rate: int) -> None:
    path = patched(tmp_path / "a.wav", corpus()["wav"], 24, struct.pack("<I", rate))
    assert refused(path) == f"is damaged: by its header it has {rate:,} samples a second"


def test_an_aiff_of_one_sample_a_second_is_refused(tmp_path: Path) -> None:
    data = corpus()["aiff"]
    one = bytes.fromhex("3fff8000000000000000")  # 1 as an 80-bit float
    path = patched(tmp_path / "a.aiff", data, data.index(b"COMM") + 16, one)
    assert "it has 1 samples a second" in refused(path)


def test_more_channels_than_a_studio_has_are_refused(tmp_path: Path) -> None:
    path = patched(tmp_path / "a.wav", corpus()["wav"], 22, struct.pack("<HIIH", 300, 16_000, 9_600_000, 600))
    assert refused(path) == "is damaged: by its header it has 300 channels"


@pytest.mark.parametrize(("kind", "size"), [("w64", 1 << 41), ("w64", 1 << 39), ("wav", 1 << 39)])
def test_a_file_that_claims_years_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, size: int
) -> None:
    data = corpus()[kind]
    path = tmp_path / f"sparse.{kind}"
    if kind == "w64":  # the length of its last part, the sound
        data = data[: data.index(b"data") + 16] + struct.pack("<Q", size) + data[data.index(b"data") + 24 :]
    path.write_bytes(data)
    os.truncate(path, size)

    def read_it_all(descriptor: int) -> None:
        raise AssertionError("the whole file would have been read")

    monkeypatch.setattr(files, "identify", read_it_all)
    words = refused(path)
    assert any(reason in words for reason in ("hours of sound", "TB long", "can't be", "header does not end"))


def test_sound_without_an_end_is_not_read_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whisperd.worker.plausible.LONGEST", 20.0)
    path = write_audio(tmp_path / "a.mp3", silence(30))
    with pytest.raises(WorkError, match="hours of sound or more"):
        read(path)


def test_an_hour_in_one_packet_is_a_damaged_packet(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w", format="matroska") as target:
        stream = target.add_stream("pcm_u8", rate=8_000, layout="mono")
        for seconds in (1, 3_600, 2):
            quiet = np.full((1, seconds * 8_000), 128, np.uint8)
            frame = av.AudioFrame.from_ndarray(quiet, format="u8", layout="mono")
            frame.sample_rate = 8_000
            target.mux(stream.encode(frame))
    blocks = Blocks(60 * SAMPLE_RATE)
    blocks.from_start(Source(os.fsencode(path)), 0)
    assert blocks.damage(0, None).bad_packets == 1


def test_ffmpeg_allocates_no_more_in_one_piece_than_sound_takes(tmp_path: Path) -> None:
    look(write_audio(tmp_path / "a.wav", noise(1)))
    library = ctypes.CDLL(av._core.__file__)
    library.av_malloc.restype = ctypes.c_void_p
    assert library.av_malloc(ctypes.c_size_t(1 << 30)) is None


# -- channels ----------------------------------------------------------------------------------------------------------


def many_channels(path: Path, layout: str, *, sample_format: str, codec: str = "wavpack") -> Path:
    """A second of a sine, the same in every channel."""
    tone = np.sin(np.arange(SAMPLE_RATE) * 2 * np.pi * 440 / SAMPLE_RATE).astype(np.float32)
    channels = av.AudioLayout(layout).nb_channels
    with av.open(str(path), "w", format="matroska") as target:
        stream = target.add_stream(codec, rate=SAMPLE_RATE)
        stream.layout, stream.format = layout, sample_format
        for start in range(0, SAMPLE_RATE, 1_000):
            packed = np.repeat(tone[start : start + 1_000], channels).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate = SAMPLE_RATE
            resampler = av.AudioResampler(format=sample_format, layout=layout, rate=SAMPLE_RATE)
            for part in resampler.resample(frame):
                target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("sample_format", ["s16p", "fltp"])
@pytest.mark.parametrize("layout", ["3 channels", "9 channels", "13 channels", "16 channels", "22.2", "64 channels"])
def test_any_number_of_channels_is_mixed(tmp_path: Path, layout: str, sample_format: str) -> None:
    samples = read(many_channels(tmp_path / "a.mka", layout, sample_format=sample_format))
    tone = np.sin(np.arange(SAMPLE_RATE) * 2 * np.pi * 440 / SAMPLE_RATE)
    assert len(samples) == SAMPLE_RATE
    assert np.corrcoef(samples, tone)[0, 1] > 0.99
    if layout.endswith("channels") and layout not in ("3 channels", "16 channels"):  # FFmpeg takes the usual layout
        assert np.abs(samples).max() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("layout", ["ambisonic 1", "ambisonic 3", "binaural", "FL+BL+TFL+TFR"])
def test_a_layout_that_the_mixer_does_not_know_is_averaged(tmp_path: Path, layout: str) -> None:
    planar = av.AudioResampler(format="fltp", layout=layout, rate=SAMPLE_RATE)
    channels = av.AudioLayout(layout).nb_channels
    frame = av.AudioFrame.from_ndarray(np.full((1, 4_000 * channels), 0.5, np.float32), format="flt", layout=layout)
    frame.sample_rate = SAMPLE_RATE
    [converted] = planar.resample(frame)
    parts = [*audio.Converter().convert(converted)]
    assert np.concatenate(parts) == pytest.approx(0.5)
