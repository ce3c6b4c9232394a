"""The messages between the daemon and its recorder, framed as the workers' are (`whisperd.framing`).

Owns: their shapes, and the decoders of both directions. Unlike a worker, a recorder also speaks unasked: levels while
it records, and the end of a recording whoever ended it. It makes one recording at a time.
"""

import enum
from typing import Final

import msgspec

from whisperd.framing import decode


class EndReason(enum.StrEnum):
    """Why a recording ended: as asked, or because of the device or the disk. What came in before is kept."""

    STOPPED = "stopped"
    SILENT_DEVICE = "silent_device"
    DEVICE_GONE = "device_gone"
    DISK = "disk"


# -- daemon to recorder -----------------------------------------------------------------------------------------------


class Record(msgspec.Struct, frozen=True, tag="record"):
    """Open the device (None: the default) and record into a new file `STEM.wav` of the folder. → `Opened`, `Refused`

    A file that exists is never touched: the name gets a number.
    """

    folder: str
    stem: str
    device: str | None = None


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End the recording once all that was spoken until now is in it. → `Ended`"""


class ListDevices(msgspec.Struct, frozen=True, tag="list_devices"):
    """→ `Devices`"""


Call = Record | Stop | ListDevices


# -- recorder to daemon -----------------------------------------------------------------------------------------------


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The first message: the sound library is initialised; its list of devices is as old as this process."""

    pid: int


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The device is open. `rate` and `channels` are those that it is read with, before resampling."""

    path: str
    device: str
    rate: int
    channels: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Nothing is recorded. `message` says what happened to what, `hint` what to do."""

    message: str
    hint: str | None = None


class Level(msgspec.Struct, frozen=True, tag="level"):
    """How loud the last tenth of a second was, 0 to 1 of full scale; `samples` are in the file by now."""

    level: float
    peak: float
    samples: int


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The recording is complete, and on the disk in a moment. `overflows` counts the times that frames were lost
    before they came here; `peak` is the whole recording's. `error` says what went wrong unless it was stopped as
    asked."""

    reason: EndReason
    samples: int
    peak: float
    overflows: int = 0
    error: str | None = None


class Device(msgspec.Struct, frozen=True):
    """An input device; `host` is the sound system that it is listed under."""

    name: str
    host: str
    channels: int
    rate: float
    default: bool


class Devices(msgspec.Struct, frozen=True, tag="devices"):
    devices: tuple[Device, ...]


Message = Ready | Opened | Refused | Level | Ended | Devices

_call_decoder: Final = msgspec.msgpack.Decoder(Call)
_message_decoder: Final = msgspec.msgpack.Decoder(Message)


def decode_call(body: bytes) -> Call:
    """Raises FrameError for anything that is not a call."""
    return decode(_call_decoder, body, "a call")


def decode_message(body: bytes) -> Message:
    """Raises FrameError for anything that is not a message."""
    return decode(_message_decoder, body, "a message")
