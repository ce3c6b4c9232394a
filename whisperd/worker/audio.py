"""From the packets of a file to samples: decoding that survives damage and keeps time.

Owns: decoding packet by packet, converting to mono at 16 kHz, filling holes from timestamps, and counting what was
lost. Never seeks: decoders give other samples after a seek, and a resumed job must see the same ones. Leaves to
others: which samples are wanted (`blocks`).
"""

from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any, Final

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from whisperd.frames import SAMPLE_RATE, Damage
from whisperd.worker.container import audio_stream, ends_in_a_cut_page, open_container, promised_seconds
from whisperd.worker.elementary import ByteClock

Samples = NDArray[np.float32]

_JITTER: Final = 0.1
"""Seconds by which a timestamp may differ from the count of samples and mean nothing: containers round theirs (Matroska
to 1 ms, AVI and ASF to a packet), decoders have a delay. A hole is filled once it is larger."""

_BELIEVABLE_HOLE: Final = 600.0
"""Seconds of the largest hole that is filled when the file does not state its length; a damaged timestamp must not
make hours of silence."""

_READ_ERRORS: Final = 100
"""Errors in a row from the demuxer after which the rest of the file is given up."""

_SILENCE: Final = np.zeros(SAMPLE_RATE, np.float32)
_SILENCE.flags.writeable = False


class AudioReader:
    """The samples of one file from its beginning, in order; float32 mono at 16 kHz.

    `position` is the number of samples handed out. Raises WorkError from `container` when the file can't be opened.
    """

    def __init__(self, descriptor: int, path: bytes) -> None:
        self._container = open_container(descriptor, path)
        self._stream = audio_stream(self._container, path)
        self._stream.codec_context.thread_count = 1
        if self._stream.codec_context.name == "flac":
            # Its frames carry checksums; unchecked, a damaged one is decoded to full-scale noise.
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._promised = promised_seconds(descriptor, self._container, self._stream)
        self._clock = ByteClock() if self._container.format.name == "mp3" else None
        self._cut_off = ends_in_a_cut_page(descriptor, self._container)
        self._converter = _Converter()
        self._produced = 0
        self._bad_packets: list[int] = []
        self._holes: list[tuple[int, int]] = []
        self._parts = self._samples()
        self._part: Samples = _SILENCE[:0]
        self.position = 0

    def close(self) -> None:
        self._parts.close()
        self._container.close()

    def read(self, into: Samples) -> int:
        """Fill `into` with the next samples; the count is smaller only at the end of the audio."""
        filled = 0
        while filled < len(into) and self._has_part():
            count = min(len(into) - filled, len(self._part))
            into[filled : filled + count] = self._part[:count]
            self._part = self._part[count:]
            filled += count
            self.position += count
        return filled

    def skip(self, count: int) -> None:
        """Decode and discard `count` samples, or what is left."""
        while count > 0 and self._has_part():
            step = min(count, len(self._part))
            self._part = self._part[step:]
            self.position += step
            count -= step

    def at_end(self) -> bool:
        return not self._has_part()

    def damage(self, start: int, end: int | None) -> Damage:
        """What was lost in `[start, end)`; with `end` None up to the end of the audio, with what the end lacks."""
        limit = self._produced + 1 if end is None else end
        missing = sum(max(0, min(limit, b) - max(start, a)) for a, b in self._holes)
        if end is None and self._promised is not None:
            lacking = round(self._promised * SAMPLE_RATE) - self._produced
            missing += lacking if lacking > _JITTER * SAMPLE_RATE else 0
        return Damage(sum(start <= position < limit for position in self._bad_packets), missing)

    def _has_part(self) -> bool:
        while len(self._part) == 0:
            part = next(self._parts, None)
            if part is None:
                return False
            self._part = part
        return True

    def _samples(self) -> Generator[Samples, None, None]:
        """All samples of the file, holes filled."""
        timeline = Timeline(_origin(self._container), self._promised)
        frames = self._frames()
        frame = next(frames, None)
        while frame is not None:
            following = next(frames, None)
            time = timeline.place(
                frame.time, frame.samples / frame.sample_rate, None if following is None else following.time
            )
            if time is not None:
                yield from self._count(self._converter.flush())
                yield from self._count(self._hole(round(time * SAMPLE_RATE)))
            yield from self._count(self._converter.convert(frame))
            frame = following
        yield from self._count(self._converter.flush())

    def _hole(self, end: int) -> Iterator[Samples]:
        """Silence up to the position `end`."""
        if end <= self._produced:
            return
        self._holes.append((self._produced, end))
        left = end - self._produced
        while left > 0:
            yield _SILENCE[:left]
            left -= len(_SILENCE[:left])

    def _count(self, parts: Iterator[Samples]) -> Iterator[Samples]:
        for part in parts:
            self._produced += len(part)
            yield part

    def _frames(self) -> Iterator[AudioFrame]:
        """Every frame that can be decoded. A packet that can't is counted; so is an error between packets."""
        errors = 0
        while errors < _READ_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    errors = 0
                    yield from self._decoded(packet)
                if self._cut_off:
                    self._bad_packets.append(self._produced)
                return
            except OSError:
                raise
            except av.error.FFmpegError:
                errors += 1
                self._bad_packets.append(self._produced)

    def _decoded(self, packet: "Packet[AudioStream]") -> Iterator[AudioFrame]:
        """The packet's frames, at their times."""
        frames: list[AudioFrame] | None = None
        with suppress(av.error.FFmpegError):
            frames = packet.decode()
        for frame in frames or ():
            if self._clock is not None and frame.pts is not None and frame.time_base is not None:
                frame.pts += round(self._clock.late / frame.time_base)
            yield frame
        damaged = frames is None
        if self._clock is not None:
            duration = float((packet.duration or 0) * (packet.time_base or 0))
            damaged = self._clock.follow(bytes(packet), duration, not damaged)
        if damaged:
            self._bad_packets.append(self._produced)


def _origin(container: InputContainer) -> float | None:
    """Where the container's clock begins; None when it doesn't say (the library's annotation does not know that)."""
    start: int | None = container.start_time
    return None if start is None else start / av.time_base  # pyright: ignore[reportUnnecessaryComparison]


class Timeline:
    """Where the next frame belongs, from timestamps that may be absent, rough or wrong. Pure; times in seconds."""

    def __init__(self, origin: float | None, promised: float | None) -> None:
        self._origin = origin
        self._promised = promised
        self._expected = 0.0

    def place(self, time: float | None, duration: float, following: float | None) -> float | None:
        """The time to which silence must be filled before this frame; None when it simply follows the last one.

        A frame is believed to be elsewhere only when the frame after it agrees. One that lies too late (a hole) is
        placed; one that lies too early (a chained file that starts its clock anew) or absurdly late moves the origin
        instead, since nothing that was said is ever dropped.
        """
        placed = None
        if time is not None:
            if self._origin is None:
                self._origin = time
            ahead = time - self._origin - self._expected
            if abs(ahead) > _JITTER and following is not None and abs(following - time - duration) <= _JITTER:
                if ahead > 0 and self._believable(ahead):
                    placed = self._expected = time - self._origin
                else:
                    self._origin += ahead
        self._expected += duration
        return placed

    def _believable(self, ahead: float) -> bool:
        if self._promised is None:
            return ahead <= _BELIEVABLE_HOLE
        return self._expected + ahead <= self._promised + _JITTER


class _Converter:
    """Frames of any format, rate and layout, which may change at any frame, to samples."""

    def __init__(self) -> None:
        self._resampler: AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None

    def convert(self, frame: AudioFrame) -> Iterator[Samples]:
        if frame.layout.name.endswith(" channels") and frame.layout.nb_channels > 2:
            frame = _averaged(frame)
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape or self._resampler is None:
            yield from self.flush()
            self._resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            self._shape = shape
        frame.pts = None
        yield from _arrays(self._resampler.resample(frame))

    def flush(self) -> Iterator[Samples]:
        """What the resampler still holds; the next frame begins anew."""
        if self._resampler is not None:
            yield from _arrays(self._resampler.resample(None))
            self._resampler = None


def _arrays(frames: list[AudioFrame]) -> Iterator[Samples]:
    # Flushing a resampler that had nothing to convert gives [None].
    for frame in filter(None, frames):
        yield frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)


def _averaged(frame: AudioFrame) -> AudioFrame:
    """A frame whose channels have no known places, as their mean: the resampler can't mix those."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    mean = _as_float(samples).mean(axis=0).astype(np.float32)
    mixed = AudioFrame.from_ndarray(mean.reshape(1, -1), format="flt", layout="mono")
    mixed.sample_rate = frame.sample_rate
    return mixed


def _as_float(samples: NDArray[Any]) -> NDArray[np.float64]:
    """PCM of any kind as numbers from -1 to 1."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float64) - 128) / 128
    if samples.dtype.kind == "i":
        return samples.astype(np.float64) / (float(np.iinfo(samples.dtype).max) + 1)
    return samples.astype(np.float64)
