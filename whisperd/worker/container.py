"""What kind of audio a file holds, as its container tells: format, stream, and the length it promises.

Owns: opening a file with PyAV under whitelists and limits, choosing the audio stream, and deciding which promises of a
length are worth comparing with what was decoded. Leaves to others: decoding (`audio`), what is too much (`plausible`).
"""

import ctypes
import os
import struct
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from typing import Final

import av
import av._core
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer

from whisperd.frames import FailureKind
from whisperd.worker import plausible
from whisperd.worker.descriptor import FileBytes
from whisperd.worker.failures import WorkError
from whisperd.worker.files import shown
from whisperd.worker.unreadable import AGAIN, UNKNOWN_KIND, explain

_FORMATS: Final = "wav,w64,aiff,caf,mp3,flac,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,amr,asf,avi"
"""Demuxers that read one file and nothing else: playlists (hls, concat, dash) would reach other files and the
network."""

_OPTIONS: Final = {"format_whitelist": _FORMATS, "protocol_whitelist": "none"}
"""The file's own bytes are handed over; what it names is not opened, since there is no protocol of that name."""

_LARGEST_ALLOCATION: Final = 512 << 20
"""Bytes that FFmpeg may allocate in one piece, 2 GiB by itself. A packet is read as large as its header says; the
largest that is needed is the index of a week-long m4a."""

_LARGEST_HEADER: Final = 512 << 20
"""Bytes that are read to open a file: again the index of a week. Damage and malice make headers that do not end, such
as empty parts up to the end of a sparse WAV of terabytes."""

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


@dataclass(frozen=True)
class OpenSound:
    """A file's container and the stream in it that is read; `close` it."""

    source: FileBytes
    container: InputContainer
    stream: AudioStream

    def close(self) -> None:
        self.container.close()
        self.source.close()


def open_sound(descriptor: int, path: bytes) -> OpenSound:
    """The sound of the file behind the descriptor.

    Raises WorkError BAD_INPUT for what is no audio file, has an unknown codec, or is larger, longer, slower or wider
    than sound can be; NO_AUDIO for a file without sound; OSError when the disk can't be read.
    """
    with ExitStack() as opened:
        source = opened.enter_context(closing(FileBytes(descriptor)))
        container = opened.enter_context(closing(_open_container(source, path)))
        stream = _audio_stream(container, path)
        _refuse_implausible(source, container, stream, path)
        _set_up_decoder(stream)
        opened.pop_all()
        return OpenSound(source, container, stream)


def _open_container(source: FileBytes, path: bytes) -> InputContainer:
    _limit_allocations()
    source.allowance = _LARGEST_HEADER
    try:
        container = av.open(source, "r", options=_OPTIONS, metadata_errors="ignore")
    # FFmpeg has an error of its own for everything that can be wrong, and a name of the system's for some of it.
    except (av.error.FFmpegError, ValueError) as error:
        source.check()
        if isinstance(error, (av.error.PatchWelcomeError, av.error.NotImplementedError)):
            what, hint = UNKNOWN_KIND
        else:
            what, hint = explain(source.at, source.size)
        raise WorkError(FailureKind.BAD_INPUT, f"{shown(path)} {what}", hint) from error
    if source.exhausted:
        container.close()
        raise WorkError(FailureKind.BAD_INPUT, f"{shown(path)} is damaged: its header does not end", AGAIN)
    source.allowance = None
    return container


@cache
def _limit_allocations() -> None:
    """Has FFmpeg refuse what no sound file needs; a function that its command line uses and PyAV does not offer."""
    ctypes.CDLL(av._core.__file__).av_max_alloc(ctypes.c_size_t(_LARGEST_ALLOCATION))


def _audio_stream(container: InputContainer, path: bytes) -> AudioStream:
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


def _set_up_decoder(stream: AudioStream) -> None:
    codec = stream.codec_context
    codec.thread_count = 1
    codec.options = {"max_samples": str(plausible.frame_samples(codec.sample_rate, codec.channels))}
    if codec.name == "flac":
        # Its frames carry checksums; unchecked, a damaged one is decoded to full-scale noise.
        codec.options |= {"err_detect": "crccheck+explode"}


def _refuse_implausible(source: FileBytes, container: InputContainer, stream: AudioStream, path: bytes) -> None:
    codec = stream.codec_context
    seconds = _stated_seconds(source.descriptor, container, stream)
    if seconds is None:
        seconds = _estimated_seconds(container)
    if why := plausible.refusal(source.size, codec.sample_rate, codec.channels, seconds):
        what, hint = why
        raise WorkError(FailureKind.BAD_INPUT, f"{shown(path)} {what}", hint)


def facts(descriptor: int, path: bytes) -> Facts:
    """Opens the file and closes it again. Raises what `open_sound` raises."""
    with closing(open_sound(descriptor, path)) as sound:
        codec = sound.stream.codec_context
        promised = promised_seconds(sound)
        estimate = plausible.believed(_estimated_seconds(sound.container))
        return Facts(
            container=sound.container.format.name,
            codec=codec.name,
            sample_rate=codec.sample_rate,
            channels=codec.channels,
            duration=estimate if promised is None else promised,
            promised=promised,
        )


def promised_seconds(sound: OpenSound) -> float | None:
    """The length of the audio stream that the file states exactly, or None where it states none that can be."""
    return plausible.believed(_stated_seconds(sound.source.descriptor, sound.container, sound.stream))


def _estimated_seconds(container: InputContainer) -> float | None:
    length: int | None = container.duration
    return None if length is None else length / av.time_base


def _stated_seconds(descriptor: int, container: InputContainer, stream: AudioStream) -> float | None:
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
    if len(container.streams) == 1:
        return _estimated_seconds(container)
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


def ends_in_a_cut_page(sound: OpenSound) -> bool:
    """Whether an Ogg file ends in the middle of a page: all it tells of a missing end, not how long that was. One cut
    exactly between pages looks like a recorder that never wrote the mark of the end, which some don't."""
    if sound.container.format.name != "ogg":
        return False
    tail = sound.source.at(max(0, sound.source.size - _OGG_PAGE), _OGG_PAGE)
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
