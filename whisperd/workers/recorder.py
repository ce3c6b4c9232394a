"""The daemon's side of the recorder: one microphone, through all the processes that serve it.

Owns: starting a recorder and replacing one that died, hangs, or knows an outdated list of devices; one recording at a
time; what a person is told when the microphone fails. Leaves to others: what is recorded for what
(`whisperd.dictation`), and the recorder's inside (`whisperd.recorder`).
"""

import contextlib
import logging
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TypeVar

import anyio
from anyio.abc import Process, UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from whisperd.errors import MicrophoneError
from whisperd.framing import FrameError, encode
from whisperd.recorder import messages
from whisperd.recorder.messages import Device, Ended, Level, Message, Opened
from whisperd.workers.child import GONE, child_command, describe_exit, receive_body, start

_log = logging.getLogger(__name__)

START_DEADLINE = 20.0
"""Seconds from exec to `Ready`: PortAudio asks every sound device of the machine, and may start a sound server."""

OPEN_DEADLINE = 10.0
"""Seconds for a device to open, or to be listed."""

SILENCE_DEADLINE = 6.0
"""Seconds without a word from a recorder that records: it speaks ten times a second, and after two without frames."""

REAP_DEADLINE = 5.0

R = TypeVar("R", bound=Message)

_BROKEN = (*GONE, FrameError)


class RecorderDiedError(MicrophoneError):
    """The recorder's process is gone. What it had recorded is on disk."""


class _Child:
    """A running recorder process and its connection."""

    def __init__(self, process: Process, stream: UNIXSocketStream, devices: tuple[str, ...]) -> None:
        self.process = process
        self.devices = devices
        self._stream = stream
        self._reader = BufferedByteReceiveStream(stream)

    async def send(self, call: messages.Call) -> None:
        """Raises RecorderDiedError."""
        try:
            await self._stream.send(encode(call))
        except _BROKEN:
            raise await self.death() from None

    async def receive(self, deadline: float) -> Message:
        """Raises RecorderDiedError, also when nothing comes in time; then it is killed."""
        try:
            with anyio.fail_after(deadline):
                return messages.decode_message(await receive_body(self._reader))
        except TimeoutError:
            await self.end()
            raise RecorderDiedError(f"the recorder said nothing for {deadline:.0f} s and was replaced") from None
        except _BROKEN:
            raise await self.death() from None

    async def death(self) -> RecorderDiedError:
        with anyio.move_on_after(1.0):
            await self.process.wait()
        status = self.process.returncode
        await self.end()
        return RecorderDiedError(f"the recorder {describe_exit(status)}; the next dictation starts another")

    async def end(self) -> None:
        """Kill it and wait until it is gone."""
        with anyio.CancelScope(shield=True):
            if self.process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self.process.kill()
            with anyio.move_on_after(REAP_DEADLINE):
                await self.process.wait()
            await self._stream.aclose()


class Take:
    """A recording in progress."""

    def __init__(self, child: _Child, opened: Opened) -> None:
        self.opened = opened
        self._child = child
        self._stopping = False

    async def stop(self) -> None:
        """Ask for its end; `news` goes on until it has come. Does nothing the second time, or when it has ended."""
        if not self._stopping:
            self._stopping = True
            with contextlib.suppress(RecorderDiedError):  # `news` tells that
                await self._child.send(messages.Stop())

    async def news(self) -> AsyncGenerator[Level | Ended]:
        """Levels until the end, which is the last one. Raises RecorderDiedError."""
        while True:
            message = await self._child.receive(SILENCE_DEADLINE)
            if isinstance(message, Level | Ended):
                yield message
            if isinstance(message, Ended):
                return


class Microphone:
    """What records. Its process is started when it is needed, and serves one recording after the other."""

    def __init__(self) -> None:
        self._child: _Child | None = None
        self._turn = anyio.Lock()

    async def prepare(self) -> None:
        """Have a recorder ready, so that the next start is quick."""
        async with self._turn:
            with contextlib.suppress(MicrophoneError):
                await self._ready_child()

    @contextlib.asynccontextmanager
    async def record(self, folder: Path, stem: str, device: str | None) -> AsyncGenerator[Take]:
        """Record into a new file of the folder. Waits for the end of another recording.

        Raises MicrophoneError when there is nothing to record with. Leaving it before the recording has ended kills
        the recorder.
        """
        async with self._turn:
            child, opened = await self._open(messages.Record(str(folder), stem, device))
            try:
                yield Take(child, opened)
            except BaseException:
                self._forget(child)
                await child.end()
                raise

    async def _open(self, call: messages.Record) -> tuple[_Child, Opened]:
        """A recorder that records. One that has served before may know devices that are gone and none that has come,
        so a refusal of its is taken to a fresh one."""
        served = self._child
        child = await self._ready_child()
        try:
            return child, await self._ask(child, call, Opened)
        except MicrophoneError:
            if child is not served:
                raise
        self._forget(child)
        await child.end()
        child = await self._ready_child()
        return child, await self._ask(child, call, Opened)

    async def devices(self) -> tuple[Device, ...]:
        """The input devices there are now, which only a fresh recorder knows. Raises MicrophoneError."""
        if self._turn.locked():
            raise MicrophoneError(
                "a dictation is listening, and the list of devices is made anew for each asking",
                hint="ask again when it has ended",
            )
        async with self._turn:
            await self.end()
            child = await self._ready_child()
            return (await self._ask(child, messages.ListDevices(), messages.Devices)).devices

    async def end(self) -> None:
        if child := self._child:
            self._child = None
            await child.end()

    async def _ask(self, child: _Child, call: messages.Call, expect: type[R]) -> R:
        await child.send(call)
        while True:
            reply = await child.receive(OPEN_DEADLINE)
            if isinstance(reply, messages.Refused):
                raise MicrophoneError(reply.message, hint=reply.hint)
            if isinstance(reply, expect):
                return reply

    async def _ready_child(self) -> _Child:
        """The child, or a fresh one where there is none, or its list of devices is no longer true."""
        devices = sound_devices()
        child = self._child
        if child is not None and child.process.returncode is None and child.devices == devices:
            return child
        if child is not None:
            self._forget(child)
            await child.end()
        try:
            child = await start(_command, lambda process, stream: _Child(process, stream, devices))
        except OSError as error:
            raise RecorderDiedError(f"the recorder can't be started: {error.strerror}") from error
        try:
            await child.receive(START_DEADLINE)
        except BaseException:
            await child.end()
            raise
        self._child = child
        return child

    def _forget(self, child: _Child) -> None:
        if self._child is child:
            self._child = None


def _command(fd: int) -> list[str]:
    return child_command("whisperd.recorder", fd)


def sound_devices() -> tuple[str, ...]:
    """What tells one set of sound devices from another: the kernel's nodes and cards, and the sound server's socket.

    Read at every start, which costs microseconds, instead of being watched: PortAudio's list of devices is frozen when
    it is initialised, and only a fresh process has a fresh one.
    """
    found: list[str] = []
    with contextlib.suppress(OSError):
        found += sorted(os.listdir("/dev/snd"))  # noqa: PTH208 (names only)
    with contextlib.suppress(OSError):
        found.append(Path("/proc/asound/cards").read_text(encoding="utf-8", errors="replace"))
    for server in _sound_servers():
        with contextlib.suppress(OSError):
            found.append(f"{server} {server.stat().st_ino}")
    return tuple(found)


def may_have_a_microphone() -> bool:
    """Whether there is anything that a recorder could find a device with."""
    return bool(sound_devices())


def _sound_servers() -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return [Path(runtime, "pulse", "native"), Path(runtime, "pipewire-0")] if runtime.startswith("/") else []
