"""What kind of audio a file holds, as its container tells: format, stream, and the length it promises.

Owns: opening a file with PyAV under whitelists, choosing the audio stream, and deciding which promises of a length are
worth comparing with what was decoded. Leaves to others: decoding (`audio`).
"""

import os
import struct
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer

from whisperd.frames import FailureKind
from whisperd.worker.failures import WorkError
from whisperd.worker.files import shown
from whisperd.worker.unreadable import explain

_FORMATS: Final = "wav,w64,aiff,caf,mp3,flac,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,amr,asf,avi"
"""Demuxers that read one file and nothing else: playlists (hls, concat, dash) would reach other files and the
network."""

_OPTIONS: Final = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}

_HEADER_LENGTH_IS_EXACT: Final = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flac", "w64", "aiff", "caf"})
"""Containers whose header states how long the audio is; the others' length is an estimate from bit rate or file
size."""

_STREAMED: Final = frozenset({0, 0xFFFF_FFFF})
"""WAV length fields of a writer that could not go back to fill them in."""

_OGG_HEADER: Final = 27
_OGG_PAGE: Final = _OGG_HEADER + 255 + 255 * 255
"""Bytes of an Ogg page's fixed header, and of the longest page (RFC 3533)."""

_PCM_BYTES: Final = {
    "pcm_u8": 1,
    "pcm_alaw": 1,
    "pcm_mulaw": 1,
    "pcm_s16le": 2,
    "pcm_s24le": 3,
    "pcm_s32le": 4,
    "pcm_f32le": 4,
    "pcm_f64le": 8,
}
"""Bytes of one sample in the codecs that a WAV holds uncompressed."""


@dataclass(frozen=True)
class Facts:
    """`duration` is for progress and may be an estimate; `promised` is exact, or None. Both are seconds."""

    container: str
    codec: str
    sample_rate: int
    channels: int
    duration: float | None
    promised: float | None


def open_container(descriptor: int, path: bytes) -> InputContainer:
    """The file behind the descriptor as a PyAV container. Raises WorkError BAD_INPUT for what is no audio file."""
    # By descriptor: FFmpeg would take a path for a URL, and this is exactly the file whose identity was checked.
    try:
        return av.open(f"/proc/self/fd/{descriptor}", options=_OPTIONS, metadata_errors="ignore")
    except (av.error.InvalidDataError, av.error.LookupError, ValueError) as error:
        what, hint = explain(lambda offset, count: os.pread(descriptor, count, offset), os.fstat(descriptor).st_size)
        raise WorkError(FailureKind.BAD_INPUT, f"{shown(path)} {what}", hint) from error


def audio_stream(container: InputContainer, path: bytes) -> AudioStream:
    """The audio stream to read. Raises WorkError NO_AUDIO without one, BAD_INPUT when its codec is unknown."""
    if not container.streams.audio:
        others = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise WorkError(
            FailureKind.NO_AUDIO,
            f"{shown(path)} has no audio in it (it holds {others})",
            "give the sound where it is a file of its own, or record again with the microphone on",
        )
    stream = container.streams.audio[0]
    if stream.codec_context is None:  # pyright: ignore[reportUnnecessaryComparison] - None for unknown codecs
        raise WorkError(
            FailureKind.BAD_INPUT,
            f"the audio of {shown(path)} has a codec that is not known",
            "convert it to flac or mp3",
        )
    return stream


def facts(descriptor: int, path: bytes) -> Facts:
    """Opens the file and closes it again. Raises WorkError as `open_container` and `audio_stream` do."""
    with closing(open_container(descriptor, path)) as container:
        stream = audio_stream(container, path)
        promised = promised_seconds(descriptor, container, stream)
        length = container.duration
        return Facts(
            container=container.format.name,
            codec=stream.codec_context.name,
            sample_rate=stream.codec_context.sample_rate,
            channels=stream.codec_context.channels,
            duration=promised if promised is not None else None if length is None else length / av.time_base,
            promised=promised,
        )


def promised_seconds(descriptor: int, container: InputContainer, stream: AudioStream) -> float | None:
    """The length of the audio stream that the file states exactly, or None where it states none."""
    name = container.format.name
    if name == "wav":
        return _promised_by_wav(descriptor, stream)
    if name == "mp3" and not _has_xing_header(descriptor):
        return None
    if name not in _HEADER_LENGTH_IS_EXACT and name != "mp3":
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if tag := stream.metadata.get("DURATION"):
        return _clock_seconds(tag)
    if len(container.streams) == 1 and container.duration is not None:
        return container.duration / av.time_base
    return None


def _promised_by_wav(descriptor: int, stream: AudioStream) -> float | None:
    """From the data chunk's length field: FFmpeg corrects it to the file's size, so that nothing seems to be
    missing."""
    bytes_a_second = (
        _PCM_BYTES.get(stream.codec_context.name, 0) * stream.codec_context.channels * stream.codec_context.sample_rate
    )
    if bytes_a_second == 0:
        return None
    header = os.pread(descriptor, 1 << 16, 0)
    large = header[:4] == b"RF64"
    offset, data_size_64 = 12, 0
    while offset + 8 <= len(header):
        tag, size = struct.unpack_from("<4sI", header, offset)
        if tag == b"ds64" and offset + 24 <= len(header):
            data_size_64 = struct.unpack_from("<Q", header, offset + 16)[0]
        if tag == b"data":
            if large and size == 0xFFFF_FFFF:
                size = data_size_64
            return None if size in _STREAMED else size / bytes_a_second
        offset += 8 + size + size % 2
    return None


def _has_xing_header(descriptor: int) -> bool:
    """Whether an MP3 states its number of frames; without, its length is an estimate that can be far off.

    What stands first in files joined end to end is the first one's: FFmpeg takes it for a mistake, and estimates, where
    the file is longer by a twentieth than the header says.
    """
    head = os.pread(descriptor, 10, 0)
    offset = 0
    if head[:3] == b"ID3" and len(head) == 10:
        a, b, c, d = head[6:10]
        offset = 10 + (a << 21 | b << 14 | c << 7 | d)
    frame = os.pread(descriptor, 2048, offset)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or at + 16 > len(frame):
        return False
    flags, _, size = struct.unpack_from(">III", frame, at + 4)
    states_frames_and_size = flags & 3 == 3
    return not states_frames_and_size or os.fstat(descriptor).st_size - offset <= size * 21 // 20


def ends_in_a_cut_page(descriptor: int, container: InputContainer) -> bool:
    """Whether an Ogg file ends in the middle of a page: all it tells of a missing end, not how long that was. One cut
    exactly between pages looks like a recorder that never wrote the mark of the end, which some don't."""
    if container.format.name != "ogg":
        return False
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _OGG_PAGE, max(0, size - _OGG_PAGE))
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < _OGG_HEADER or len(page) < _OGG_HEADER + page[26]:
        return True
    return len(page) < _OGG_HEADER + page[26] + sum(page[_OGG_HEADER : _OGG_HEADER + page[26]])


def _clock_seconds(text: str) -> float | None:
    """Seconds of "HH:MM:SS.fraction", as Matroska writers tag a stream's length."""
    try:
        hours, minutes, seconds = text.strip().split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
