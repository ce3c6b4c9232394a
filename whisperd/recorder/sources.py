"""Where frames come from: a sound device through PortAudio, or a WAV that is played as if it were a microphone.

Owns: finding a device by name, opening it with what it can do, and handing frames over as they come. Leaves to others:
what becomes of them (`recording`). A source calls `put` from a thread of its own, and must not be kept waiting there.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Final, Protocol

from whisperd.frames import SAMPLE_RATE
from whisperd.recorder.messages import Device

WAV_PREFIX: Final = "wav:"
"""A device of this name is a 16 bit PCM file, heard once in real time and followed by silence: for trying things out
without a microphone."""

_BLOCK: Final = 0.02
"""Seconds of audio handed over at once: what a person does not notice."""


@dataclass(frozen=True)
class Block:
    """Interleaved 16 bit frames; `ends_at` is when the last one was in the air, by the source's own clock. `overflow`:
    frames were lost before these."""

    frames: bytes
    ends_at: float
    overflow: bool = False


Put = Callable[[Block | None], None]
"""Takes the next block; None means that the source has ended by itself."""


class Source(Protocol):
    """An open source; frames come after `start`."""

    name: str
    rate: int
    channels: int

    def start(self, put: Put) -> None: ...
    def now(self) -> float:
        """The clock that `Block.ends_at` is told by."""
        ...

    def close(self) -> None:
        """End it at once; may block where a device does not answer."""
        ...


class RefusedError(Exception):
    """There is no such device, or it can't be opened."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def open_source(device: str | None) -> Source:
    """Raises RefusedError."""
    if device is not None and device.startswith(WAV_PREFIX):
        return WavSource(device.removeprefix(WAV_PREFIX))
    return DeviceSource(device)


# -- sound devices ----------------------------------------------------------------------------------------------------


def sound_library() -> Any:
    """The sounddevice module; importing it initialises PortAudio. Raises RefusedError."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise RefusedError(
            f"the sound library can't be used: {error}", "install PortAudio (Debian: libportaudio2)"
        ) from error
    return sounddevice


def input_devices() -> tuple[Device, ...]:
    """All that can be recorded from, the default marked. Raises RefusedError."""
    sd = sound_library()
    hosts = sd.query_hostapis()
    default = _default_index(sd)
    return tuple(
        Device(
            name=found["name"],
            host=hosts[found["hostapi"]]["name"],
            channels=found["max_input_channels"],
            rate=found["default_samplerate"],
            default=index == default,
        )
        for index, found in enumerate(sd.query_devices())
        if found["max_input_channels"] > 0
    )


def _default_index(sd: Any) -> int | None:
    try:
        return int(sd.query_devices(kind="input")["index"])
    except (sd.PortAudioError, ValueError):
        return None


def _find(sd: Any, device: str | None) -> int:
    """The device's index: the default's, or that of the first whose name is the one given, or else contains it."""
    listed = [(i, d["name"]) for i, d in enumerate(sd.query_devices()) if d["max_input_channels"] > 0]
    if not listed:
        raise RefusedError(
            "there is no microphone", "plug one in, and see that your sound server runs; `whisperctl dictate devices`"
        )
    if device is None:
        index = _default_index(sd)
        return listed[0][0] if index is None else index
    wanted = device.casefold()
    exact = [i for i, name in listed if name.casefold() == wanted]
    partly = [i for i, name in listed if wanted in name.casefold()]
    if not exact and not partly:
        raise RefusedError(
            f"there is no microphone named {device!r}", "`whisperctl dictate devices` lists those there are"
        )
    return (exact or partly)[0]


class DeviceSource:
    """An input device. 16 kHz mono is asked for first, which sound servers give; then what the hardware is likely to
    do."""

    def __init__(self, device: str | None) -> None:
        self._sd = sound_library()
        index = _find(self._sd, device)
        facts = self._sd.query_devices(index)
        self.name: str = facts["name"]
        self._put: Put | None = None
        own, most = int(facts["default_samplerate"]), int(facts["max_input_channels"])
        shapes = [(rate, n) for n in (1, 2, most) if n <= most for rate in (SAMPLE_RATE, own, 48_000, 44_100)]
        self._stream = self._open(index, list(dict.fromkeys(shapes)))

    def _open(self, index: int, shapes: list[tuple[int, int]]) -> Any:
        error: Exception | None = None
        for self.rate, self.channels in shapes:
            try:
                return self._sd.RawInputStream(
                    samplerate=self.rate,
                    channels=self.channels,
                    device=index,
                    dtype="int16",
                    blocksize=int(self.rate * _BLOCK),
                    latency="low",
                    callback=self._take,
                    finished_callback=self._finish,
                )
            except (self._sd.PortAudioError, ValueError) as refused:
                error = refused
        raise RefusedError(
            f"the microphone {self.name!r} can't be opened: {error}",
            "another program may hold it, or it was unplugged; `whisperctl dictate devices` lists those there are",
        )

    def start(self, put: Put) -> None:
        """Raises RefusedError."""
        self._put = put
        try:
            self._stream.start()
        except self._sd.PortAudioError as error:
            raise RefusedError(f"the microphone {self.name!r} does not start: {error}") from error

    def now(self) -> float:
        return self._stream.time

    def close(self) -> None:
        self._put = None
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

    def _take(self, frames: Any, count: int, times: Any, status: Any) -> None:
        if put := self._put:
            put(Block(bytes(frames), times.inputBufferAdcTime + count / self.rate, bool(status.input_overflow)))

    def _finish(self) -> None:
        if put := self._put:
            put(None)


# -- a file as a microphone -------------------------------------------------------------------------------------------


class WavSource:
    """A 16 bit PCM file in real time, then silence. Raises RefusedError where it is none."""

    def __init__(self, path: str) -> None:
        try:
            with wave.open(path, "rb") as file:
                self.rate, self.channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
                self._frames = file.readframes(file.getnframes())
        except (OSError, EOFError, wave.Error) as error:
            raise RefusedError(f"{path} can't be played as a microphone: {error}") from error
        if width != 2:
            raise RefusedError(f"{path} has {8 * width} bit samples; 16 are needed to play it as a microphone")
        self.name = WAV_PREFIX + path
        self._ended = Event()
        self._thread: Thread | None = None
        self._began = 0.0

    def start(self, put: Put) -> None:
        self._began = time.monotonic()
        self._thread = Thread(target=self._play, args=(put,), daemon=True)
        self._thread.start()

    def now(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _play(self, put: Put) -> None:
        size = int(self.rate * _BLOCK) * self.channels * 2
        number = 0
        while not self._ended.wait(self._began + (number + 1) * _BLOCK - time.monotonic()):
            frames = self._frames[number * size : (number + 1) * size].ljust(size, b"\0")
            number += 1
            put(Block(frames, self._began + number * _BLOCK))
