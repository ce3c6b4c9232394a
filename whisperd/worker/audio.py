"""From the packets of a file to samples: decoding that survives damage and keeps time.

Owns: decoding packet by packet, filling holes from timestamps, and counting what was lost. Never seeks: decoders give
other samples after a seek, and a resumed job must see the same ones. Leaves to others: opening (`container`), what a
frame's samples are at 16 kHz (`conversion`), which samples are wanted (`blocks`).
"""

from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Final

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from whisperd.frames import SAMPLE_RATE, Damage, FailureKind
from whisperd.worker import plausible
from whisperd.worker.container import ends_in_a_cut_page, open_sound, promised_seconds
from whisperd.worker.conversion import Converter, Samples
from whisperd.worker.elementary import ByteClock
from whisperd.worker.failures import WorkError
from whisperd.worker.files import shown

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

    `position` is the number of samples handed out. Raises what `container.open_sound` raises, and while reading
    OSError when the disk can't be read, WorkError BAD_INPUT when the sound does not end.
    """

    def __init__(self, descriptor: int, path: bytes) -> None:
        self._sound = sound = open_sound(descriptor, path)
        self._path = path
        self._promised = promised_seconds(sound)
        self._clock = ByteClock() if sound.container.format.name == "mp3" else None
        self._cut_off = ends_in_a_cut_page(sound)
        self._converter = Converter()
        self._produced = 0
        self._bad_packets: list[int] = []
        self._holes: list[tuple[int, int]] = []
        self._parts = self._samples()
        self._part: Samples = _SILENCE[:0]
        self.position = 0

    def close(self) -> None:
        self._parts.close()
        self._sound.close()

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
        timeline = Timeline(_origin(self._sound.container), self._promised)
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
            yield from self._count(self._converted(frame))
            frame = following
        yield from self._count(self._converter.flush())

    def _converted(self, frame: AudioFrame) -> Iterator[Samples]:
        """The frame's samples; one that can't be converted counts as a damaged packet."""
        try:
            yield from self._converter.convert(frame)
        except (av.error.FFmpegError, ValueError):
            self._bad_packets.append(self._produced)

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
            if self._produced > plausible.LONGEST * SAMPLE_RATE:
                what, hint = plausible.too_long(self._produced / SAMPLE_RATE)
                raise WorkError(FailureKind.BAD_INPUT, f"{shown(self._path)} {what}", hint)
            yield part

    def _frames(self) -> Iterator[AudioFrame]:
        """Every frame that can be decoded. A packet that can't is counted; so is an error between packets."""
        errors = 0
        while errors < _READ_ERRORS:
            try:
                for packet in self._sound.container.demux(self._sound.stream):
                    errors = 0
                    yield from self._decoded(packet)
                self._sound.source.check()
                if self._cut_off:
                    self._bad_packets.append(self._produced)
                return
            except av.error.FFmpegError:
                self._sound.source.check()
                errors += 1
                self._bad_packets.append(self._produced)

    def _decoded(self, packet: "Packet[AudioStream]") -> Iterator[AudioFrame]:
        """The packet's frames, at their times."""
        frames: list[AudioFrame] | None = None
        with suppress(av.error.FFmpegError):
            frames = packet.decode()
        if frames is not None and not all(map(_can_be, frames)):
            frames = None
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


def _can_be(frame: AudioFrame) -> bool:
    """Whether the frame is one of sound: damage may make any packet look like one of another kind."""
    return frame.sample_rate in plausible.RATES and 1 <= frame.layout.nb_channels <= plausible.MOST_CHANNELS


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
