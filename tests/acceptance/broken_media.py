"""Files that are not the speech they claim to be: each maker writes one below a folder and returns its path.

Owns: what goes wrong with audio files in real life, made small. Leaves to others: sound ones (`tests.speech`).
"""

import os
import random
from pathlib import Path

import av
import numpy as np

from tests.speech import SAMPLE_RATE, Samples, long_speech, write_audio, write_m4a_with_index_first

SPEECH, _ = long_speech(20, seed=5)


def speech(folder: Path, name: str = "speech.wav") -> Path:
    return write_audio(folder / name, SPEECH)


def missing(folder: Path) -> Path:
    return folder / "missing.wav"


def below_a_file(folder: Path) -> Path:
    return speech(folder) / "inside.wav"


def a_folder(folder: Path) -> Path:
    path = folder / "folder.wav"
    path.mkdir()
    return path


def empty(folder: Path) -> Path:
    path = folder / "empty.wav"
    path.touch()
    return path


def text(folder: Path) -> Path:
    path = folder / "shopping.wav"
    path.write_text("milk, bread, apples\n" * 300)
    return path


def random_bytes(folder: Path) -> Path:
    path = folder / "random.mp3"
    path.write_bytes(random.Random(2).randbytes(100_000))
    return path


def only_a_header(folder: Path) -> Path:
    path = speech(folder, "header.wav")
    os.truncate(path, 44)
    return path


def mute_video(folder: Path) -> Path:
    path = folder / "mute.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for shade in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), shade, np.uint8), "rgb24")))
        container.mux(stream.encode(None))
    return path


def unreadable(folder: Path) -> Path:
    path = speech(folder, "private.wav")
    path.chmod(0)
    return path


def in_an_unreadable_folder(folder: Path) -> Path:
    closed = folder / "closed"
    closed.mkdir()
    path = speech(closed)
    closed.chmod(0)
    return path


def pipe(folder: Path) -> Path:
    path = folder / "pipe.wav"
    os.mkfifo(path)
    return path


def device(folder: Path) -> Path:
    return Path("/dev/zero")


def link_loop(folder: Path) -> Path:
    path = folder / "loop.wav"
    path.symlink_to(folder / "back.wav")
    (folder / "back.wav").symlink_to(path)
    return path


def dangling_link(folder: Path) -> Path:
    path = folder / "dangling.wav"
    path.symlink_to(folder / "gone.wav")
    return path


def too_long_a_name(folder: Path) -> Path:
    return folder / ("long" * 70 + ".wav")


def cut_recording(folder: Path) -> Path:
    """The first half of an m4a whose index is written last, as phones leave it when the battery dies."""
    path = speech(folder, "cut.m4a")
    os.truncate(path, path.stat().st_size // 2)
    return path


def cut_download(folder: Path) -> Path:
    """The first 60 % of an m4a whose index comes first."""
    path = write_m4a_with_index_first(folder / "download.m4a", SPEECH)
    os.truncate(path, path.stat().st_size * 6 // 10)
    return path


def cut_wav(folder: Path) -> Path:
    path = speech(folder, "cut.wav")
    os.truncate(path, path.stat().st_size // 2)
    return path


def cut_flac(folder: Path) -> Path:
    path = speech(folder, "cut.flac")
    os.truncate(path, path.stat().st_size // 2)
    return path


def damaged(folder: Path, suffix: str, samples: Samples, size: int = 4_000) -> Path:
    """`samples` with `size` random bytes in the middle of the file."""
    path = folder / f"damaged.{suffix}"
    if suffix == "m4a":
        write_m4a_with_index_first(path, samples)
    else:
        write_audio(path, samples)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(random.Random(1).randbytes(size))
    return path


def hls_playlist(folder: Path, url: str) -> Path:
    path = folder / "hls.mp3"
    path.write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n")
    return path


def concat_list(folder: Path, url: str) -> Path:
    path = folder / "concat.wav"
    path.write_text(f"ffconcat version 1.0\nfile '{url}'\nduration 9\n")
    return path


def dash_manifest(folder: Path, url: str) -> Path:
    path = folder / "dash.m4a"
    path.write_text(
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
        f'mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    return path


def silence_flac(folder: Path, minutes: int) -> Path:
    """Written a minute at a time, so that hours of it need no memory here."""
    path = folder / "silence.flac"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE)
        stream.layout, stream.format = "mono", "s16"
        for _ in range(minutes):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 60 * SAMPLE_RATE), np.int16), format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
