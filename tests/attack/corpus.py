"""Sound files of every kind that can be read, to be damaged: the same few seconds of speech in each.

Owns: which containers, codecs, rates, layouts and sizes of headers there are among them. Leaves to others: encoding
(`tests.speech`), damaging (`mutations`).
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.speech import (
    SAMPLE_RATE,
    VOICES,
    Encoding,
    Samples,
    silence,
    synthesize,
    write_audio,
    write_m4a_with_index_first,
)

Make = Callable[[Path, Samples], Path]


def _encoded(encoding: Encoding) -> Make:
    return lambda path, samples: write_audio(path, samples, encoding)


def _joined(path: Path, samples: Samples) -> Path:
    """Two Ogg files end to end, the second with a clock of its own."""
    half = len(samples) // 2
    first = write_audio(path.with_suffix(".1.opus"), samples[:half]).read_bytes()
    second = write_audio(path.with_suffix(".2.opus"), samples[half:]).read_bytes()
    path.write_bytes(first + second)
    return path


def _tagged(path: Path, samples: Samples) -> Path:
    """An MP3 behind a picture."""
    sound = write_audio(path.with_suffix(".1.mp3"), samples).read_bytes()
    picture = np.random.default_rng(3).bytes(6_000)
    frame = b"APIC" + len(picture).to_bytes(4) + b"\0\0" + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\0\0" + size + frame + sound)
    return path


KINDS: dict[str, Make] = {
    "wav": _encoded(Encoding("wav", "pcm_s16le")),
    "float.wav": _encoded(Encoding("wav", "pcm_f32le", sample_format="flt", layout="stereo")),
    "double.wav": _encoded(Encoding("wav", "pcm_f64le", rate=48_000, sample_format="dbl")),
    "channels.wav": _encoded(Encoding("wav", "pcm_s16le", rate=8_000, layout="7.1")),
    "alaw.wav": _encoded(Encoding("wav", "pcm_alaw", rate=8_000)),
    "adpcm.wav": _encoded(Encoding("wav", "adpcm_ms", rate=22_050)),
    "rf64.wav": _encoded(Encoding("wav", "pcm_s24le", sample_format="s32", container_options=(("rf64", "always"),))),
    "w64": _encoded(Encoding("w64", "pcm_s16le")),
    "aiff": _encoded(Encoding("aiff", "pcm_s16be", rate=44_100, layout="stereo")),
    "aifc": _encoded(Encoding("aiff", "pcm_mulaw", rate=8_000)),
    "caf": _encoded(Encoding("caf", "pcm_s16be")),
    "alac.caf": _encoded(Encoding("caf", "alac", rate=44_100, sample_format="s16p")),
    "mp3": _encoded(Encoding("mp3", "libmp3lame", sample_format="s16p")),
    "tagged.mp3": _tagged,
    "flac": _encoded(Encoding("flac", "flac")),
    "channels.flac": _encoded(Encoding("flac", "flac", rate=48_000, layout="7.1")),
    "ogg": _encoded(Encoding("ogg", "vorbis", rate=44_100, sample_format="fltp", layout="stereo")),
    "opus": _encoded(Encoding("ogg", "libopus", rate=48_000)),
    "flac.ogg": _encoded(Encoding("ogg", "flac")),
    "joined.opus": _joined,
    "m4a": _encoded(Encoding("ipod", "aac", rate=44_100, sample_format="fltp")),
    "first.m4a": write_m4a_with_index_first,
    "surround.m4a": _encoded(Encoding("ipod", "aac", rate=48_000, sample_format="fltp", layout="5.1")),
    "alac.m4a": _encoded(Encoding("ipod", "alac", rate=44_100, sample_format="s16p", layout="stereo")),
    "mov": _encoded(Encoding("mov", "pcm_s16be", rate=44_100)),
    "mp4": _encoded(Encoding("mp4", "aac", rate=44_100, sample_format="fltp", video=True)),
    "fragmented.mp4": _encoded(
        Encoding(
            "mp4",
            "aac",
            rate=44_100,
            sample_format="fltp",
            container_options=(("movflags", "frag_keyframe+empty_moov"), ("frag_duration", "500000")),
        )
    ),
    "3gp": _encoded(Encoding("3gp", "libopencore_amrnb", rate=8_000)),
    "webm": _encoded(Encoding("webm", "libopus", rate=48_000)),
    "mka": _encoded(Encoding("matroska", "flac", rate=44_100, layout="stereo")),
    "aac.mka": _encoded(Encoding("matroska", "aac", rate=32_000, sample_format="fltp")),
    "pcm.mkv": _encoded(Encoding("matroska", "pcm_s16le", rate=48_000, layout="stereo", video=True)),
    "tta.mka": _encoded(Encoding("matroska", "tta")),
    "wavpack.mka": _encoded(Encoding("matroska", "wavpack", sample_format="s16p")),
    "ac3.mka": _encoded(Encoding("matroska", "ac3", rate=48_000, sample_format="fltp", layout="5.1")),
    "aac": _encoded(Encoding("adts", "aac", rate=44_100, sample_format="fltp", layout="stereo")),
    "amr": _encoded(Encoding("amr", "libopencore_amrnb", rate=8_000)),
    "wma": _encoded(Encoding("asf", "wmav2", rate=44_100, sample_format="fltp", layout="stereo")),
    "v1.wma": _encoded(Encoding("asf", "wmav1", rate=16_000, sample_format="fltp")),
    "avi": _encoded(Encoding("avi", "libmp3lame", rate=44_100, sample_format="s16p", video=True)),
    "pcm.avi": _encoded(Encoding("avi", "pcm_s16le", rate=22_050)),
}
"""By file name suffix, whose last part is the usual one."""


@cache
def speech() -> Samples:
    """Three seconds: two sentences and the pause between them."""
    parts = [synthesize("please open the green window"), silence(0.4), synthesize("nine birds", VOICES[3]), silence(1)]
    return np.concatenate(parts)[: 3 * SAMPLE_RATE]


@cache
def corpus() -> dict[str, bytes]:
    """Every kind of file, as bytes."""
    with TemporaryDirectory() as folder:
        return {kind: make(Path(folder) / f"speech.{kind}", speech()).read_bytes() for kind, make in KINDS.items()}
