"""Reading files of every kind, whole and damaged, into the same samples at the same times."""

import os
import re
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from tests.integration.worker.child import Child, decode, plans, transcribe
from tests.speech import (
    ENCODINGS,
    SAMPLE_RATE,
    Encoding,
    Samples,
    long_speech,
    noise,
    silence,
    synthesize,
    write_audio,
    write_m4a_with_index_first,
)
from whisperd.frames import Damage, FailureKind, Plan, Source
from whisperd.worker.audio import AudioReader
from whisperd.worker.blocks import Blocks
from whisperd.worker.packing import LONGEST

SENTENCE = "set a timer for fifteen minutes"
VOICE = "en-us+f4"


def spoken() -> Samples:
    return np.concatenate([silence(0.5), synthesize(SENTENCE, VOICE, 145), silence(0.5)])


def beeps(*times: float, length: float) -> Samples:
    """Short tones at `times` in a silence of `length` seconds."""
    samples = silence(length)
    tone = np.sin(np.arange(800) * 2 * np.pi * 1000 / SAMPLE_RATE).astype(np.float32)
    for time in times:
        samples[round(time * SAMPLE_RATE) :][:800] = tone
    return samples


def read_all(path: Path) -> tuple[Samples, Damage]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        reader = AudioReader(descriptor, os.fsencode(path))
        buffer = np.empty(200 * SAMPLE_RATE, np.float32)
        count = reader.read(buffer)
        damage = reader.damage(0, None)
        reader.close()
        return buffer[:count], damage
    finally:
        os.close(descriptor)


def onsets(samples: Samples) -> list[float]:
    """When it becomes loud after half a second of quiet."""
    loud = np.flatnonzero(np.abs(samples) > 0.3) / SAMPLE_RATE
    return [float(time) for index, time in enumerate(loud) if index == 0 or time - loud[index - 1] > 0.5]


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def damage_middle(path: Path, count: int = 400) -> Path:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + count] = np.random.default_rng(1).bytes(count)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", ENCODINGS)
def test_the_same_speech_has_the_same_words_in_every_kind_of_file(worker: Child, tmp_path: Path, suffix: str) -> None:
    assert transcribe(worker, write_audio(tmp_path / f"a.{suffix}", spoken())) == SENTENCE


@pytest.mark.parametrize("suffix", ENCODINGS)
def test_sounds_are_at_their_times_in_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    times = (0.5, 7.25, 40.0)
    samples, damage = read_all(write_audio(tmp_path / f"a.{suffix}", beeps(*times, length=42)))
    assert onsets(samples) == pytest.approx(times, abs=0.03)
    assert len(samples) == pytest.approx(42 * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    assert damage == Damage()


@pytest.mark.parametrize(
    "encoding",
    [
        Encoding("wav", "pcm_s16le", rate=8_000),
        Encoding("wav", "pcm_s16le", rate=192_000),
        Encoding("wav", "pcm_s24le", rate=96_000, sample_format="s32", layout="stereo"),
        Encoding("wav", "pcm_u8", rate=11_025, sample_format="u8"),
        Encoding("wav", "pcm_f32le", rate=48_000, sample_format="flt", layout="5.1"),
        Encoding("wav", "pcm_s16le", rate=48_000, layout="7.1"),
        Encoding("flac", "flac", rate=44_100, layout="7.1"),
        Encoding("ipod", "aac", rate=48_000, sample_format="fltp", layout="5.1"),
    ],
    ids=lambda encoding: f"{encoding.codec} {encoding.rate} {encoding.layout}",
)
def test_rates_layouts_and_sample_formats_are_converted(tmp_path: Path, encoding: Encoding) -> None:
    samples, _ = read_all(write_audio(tmp_path / "a.audio", spoken(), encoding))
    assert likeness(samples, spoken()) > 0.9


def likeness(one: Samples, other: Samples) -> float:
    """The largest normalized correlation over all shifts: 1 for the same signal at any level and delay."""
    size = len(one) + len(other)
    spectrum = np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size))
    return float(np.fft.irfft(spectrum, size).max() / (np.linalg.norm(one) * np.linalg.norm(other)))


def test_channels_without_known_places_are_averaged(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", beeps(1, length=2), Encoding("wav", "pcm_s16le", layout="7.1"))
    data = bytearray(path.read_bytes())
    # The channel mask of WAVE_FORMAT_EXTENSIBLE: none.
    at = data.index(b"fmt ") + 8 + 20
    data[at : at + 4] = bytes(4)
    path.write_bytes(data)
    samples, _ = read_all(path)
    # Upmixed mono sounds in one channel of eight.
    assert onsets(samples * 8) == pytest.approx([1.0], abs=0.01)


def test_a_file_of_three_samples_holds_no_speech(worker: Child, tmp_path: Path) -> None:
    for suffix in ("wav", "flac"):
        source, _ = worker.open(write_audio(tmp_path / f"a.{suffix}", spoken()[:3]))
        (plan,) = plans(worker, source)
        assert (plan.start, plan.end, plan.chunks) == (0, 3, ())


def test_a_truncated_m4a_gives_what_is_there_and_says_what_is_missing(worker: Child, tmp_path: Path) -> None:
    samples = np.concatenate([spoken(), silence(2), noise(5, level=0.01)])
    path = cut(write_m4a_with_index_first(tmp_path / "a.m4a", samples), 0.6)
    source, opened = worker.open(path)
    (plan,) = plans(worker, source)
    assert opened.duration == pytest.approx(len(samples) / SAMPLE_RATE, abs=0.1)
    assert plan.end + plan.damage.missing == pytest.approx(len(samples), abs=0.1 * SAMPLE_RATE)
    assert plan.damage.missing > SAMPLE_RATE
    assert decode(worker, source, plan)[0].segments[0].text.strip() == SENTENCE


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "webm"])
def test_the_missing_end_of_a_truncated_file_is_counted(tmp_path: Path, suffix: str) -> None:
    whole = write_audio(tmp_path / f"a.{suffix}", noise(20))
    samples, damage = read_all(cut(whole, 0.5))
    assert damage.missing / SAMPLE_RATE == pytest.approx(10, abs=1)
    assert len(samples) + damage.missing == pytest.approx(20 * SAMPLE_RATE, abs=0.2 * SAMPLE_RATE)


def test_a_wav_whose_writer_could_not_fill_in_its_length_is_whole(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", noise(3))
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = struct.pack("<I", 0xFFFF_FFFF)
    path.write_bytes(data)
    samples, damage = read_all(path)
    assert (len(samples), damage) == (3 * SAMPLE_RATE, Damage())


@pytest.mark.parametrize("suffix", ["m4a", "mp3", "flac", "opus", "webm"])
def test_after_damaged_packets_later_sounds_are_at_their_times(tmp_path: Path, suffix: str) -> None:
    samples = beeps(2, 55, length=60) + noise(60, level=0.02)
    path = damage_middle(write_audio(tmp_path / f"a.{suffix}", samples))
    read, _ = read_all(path)
    assert onsets(read) == pytest.approx([2, 55], abs=0.25)


def test_damaged_packets_are_counted_and_the_hole_is_filled(tmp_path: Path) -> None:
    samples = beeps(2, 55, length=60) + noise(60, level=0.02)
    path = damage_middle(write_m4a_with_index_first(tmp_path / "a.m4a", samples), 6000)
    read, damage = read_all(path)
    assert damage.bad_packets > 0
    assert onsets(read) == pytest.approx([2, 55], abs=0.15)
    assert len(read) == pytest.approx(60 * SAMPLE_RATE, abs=0.15 * SAMPLE_RATE)


@pytest.mark.parametrize("size", [400, 4_000, 20_000])
@pytest.mark.parametrize("seed", [1, 4, None], ids=["garbage", "other garbage", "zeros"])
def test_what_is_lost_in_the_middle_of_an_mp3_is_filled_and_counted(
    tmp_path: Path, size: int, seed: int | None
) -> None:
    path = write_audio(tmp_path / "a.mp3", beeps(1, 18, length=20) + noise(20, level=0.02))
    data = bytearray(path.read_bytes())
    at = len(data) // 2
    data[at : at + size] = bytes(size) if seed is None else np.random.default_rng(seed).bytes(size)
    path.write_bytes(data)
    samples, damage = read_all(path)
    assert [onsets(samples)[0], onsets(samples)[-1]] == pytest.approx([1, 18], abs=0.15)
    assert damage.bad_packets > 0
    # At 24 kbit/s; what looks like the header of a long frame takes sound ones with it.
    assert size * 8 / 24_000 - 0.1 < damage.missing / SAMPLE_RATE < size * 8 / 24_000 + 1


def test_the_tags_of_joined_mp3_files_are_neither_time_nor_damage(tmp_path: Path) -> None:
    one = write_audio(tmp_path / "a.mp3", beeps(1, length=3)).read_bytes()
    picture = b"TAG" + bytes(125) + b"ID3\x04\0\0\0\0\x3f\x7f" + np.random.default_rng(2).bytes(8191)
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(one + picture + one)
    samples, damage = read_all(joined)
    assert onsets(samples) == pytest.approx([1, 4], abs=0.25)
    assert damage.bad_packets == 0
    assert damage.missing < 0.25 * SAMPLE_RATE


@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_an_ogg_file_that_ends_in_the_middle_of_a_page_is_damaged(tmp_path: Path, suffix: str) -> None:
    _, damage = read_all(cut(write_audio(tmp_path / f"a.{suffix}", noise(20)), 0.5))
    assert damage.bad_packets == 1


def test_a_hole_in_the_timestamps_becomes_silence_of_its_length(tmp_path: Path) -> None:
    path = tmp_path / "a.mka"
    with (
        av.open(str(write_audio(tmp_path / "a.opus", beeps(1, 8, length=10)))) as source,
        av.open(str(path), "w", format="matroska") as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                late = packet.pts * packet.time_base > 5
                packet.pts += round(30 / packet.time_base) if late else 0
                packet.dts = packet.pts
                packet.stream = stream
                target.mux(packet)
    samples, damage = read_all(path)
    assert onsets(samples) == pytest.approx([1, 38], abs=0.05)
    assert damage.missing == pytest.approx(30 * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)


def test_files_joined_end_to_end_are_read_to_the_end(tmp_path: Path) -> None:
    one = write_audio(tmp_path / "a.opus", beeps(1, length=3)).read_bytes()
    joined = tmp_path / "joined.opus"
    joined.write_bytes(one * 3)
    samples, _ = read_all(joined)
    assert onsets(samples) == pytest.approx([1, 4, 7], abs=0.1)


def test_a_format_that_changes_in_the_middle_is_followed(tmp_path: Path) -> None:
    quiet = write_audio(tmp_path / "a.mp3", beeps(1, length=3), Encoding("mp3", "libmp3lame", 16_000, "s16p"))
    loud = write_audio(tmp_path / "b.mp3", beeps(1, length=3), Encoding("mp3", "libmp3lame", 44_100, "s16p", "stereo"))
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(quiet.read_bytes() + loud.read_bytes())
    samples, _ = read_all(joined)
    assert onsets(samples) == pytest.approx([1, 4], abs=0.3)


def test_reading_on_from_any_block_gives_the_samples_of_reading_once(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.m4a", noise(60) + beeps(*range(1, 60, 3), length=60))
    source = Source(os.fsencode(path))
    whole = Blocks(70 * SAMPLE_RATE).from_start(source, 0).samples.copy()
    in_order = Blocks(20 * SAMPLE_RATE)
    for start, end in [(0, 20), (15, 35), (35, 55), (50, 70)]:
        block = in_order.from_start(source, start * SAMPLE_RATE)
        assert np.array_equal(block.samples, whole[start * SAMPLE_RATE : end * SAMPLE_RATE])
        assert block.last is (end == 70)
        again = Blocks(20 * SAMPLE_RATE).between(source, block.start, block.end)
        assert np.array_equal(again.samples, block.samples)


def test_speech_without_a_pause_is_cut_and_nothing_is_left_out(worker: Child, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    voice = np.concatenate(
        [synthesize(f"the {word} garden", VOICE, 180) for word in draw.choice(["red", "blue", "cold", "old"], 120)]
    )
    source, _ = worker.open(write_audio(tmp_path / "a.flac", voice[: 100 * SAMPLE_RATE]))
    (plan,) = plans(worker, source)
    assert max(chunk.end - chunk.start for chunk in plan.chunks) <= LONGEST
    covered = sum(chunk.end - chunk.start for chunk in plan.chunks)
    assert covered > 0.97 * plan.end


def test_half_an_hour_of_silence_is_planned_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 60 * SAMPLE_RATE), np.int16), format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
        for minute in range(30):
            frame.pts = minute * 60 * SAMPLE_RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with Child() as child:
        source, opened = child.open(path)
        blocks = plans(child, source)
        first = next(blocks)
        memory = child.memory()
        made = [first, *blocks]
        samples = 30 * 60 * SAMPLE_RATE * np.dtype(np.float32).itemsize
        assert child.memory() - memory < samples / 4
    assert opened.duration == 1800
    assert made[-1].end == 1800 * SAMPLE_RATE
    assert all(plan.chunks == () for plan in made)


def test_speech_at_the_border_of_blocks_is_in_one_chunk_only(tmp_path: Path, worker: Child) -> None:
    samples, _ = long_speech(630, 9)
    source, _ = worker.open(write_audio(tmp_path / "a.flac", samples))
    first, second = plans(worker, source)
    assert first.next_start == second.start
    assert all(chunk.end <= second.start for chunk in first.chunks)
    assert second.chunks[0].start < 600 * SAMPLE_RATE < second.chunks[-1].end


@pytest.mark.parametrize("name", [b"a\nb.wav", b"\xff\xfe.wav", b"http:%d.wav", b"concat:a|b.wav", b"-i.wav"])
def test_any_file_name_works(worker: Child, tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    write_audio(tmp_path / "plain.wav", noise(1)).rename(os.fsdecode(path))
    source, _ = worker.open(path)
    (plan,) = plans(worker, source)
    assert plan.end == SAMPLE_RATE


def test_a_file_without_a_decodable_packet_is_bad_input(worker: Child, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.flac", noise(2))
    data = path.read_bytes()
    first_frame = re.search(rb"\xff[\xf8\xf9]", data)
    assert first_frame is not None
    path.write_bytes(data[: first_frame.start()] + bytes(5000))
    failure = worker.fails(Plan(Source(os.fsencode(path)), 0))
    assert failure.kind is FailureKind.BAD_INPUT, failure
