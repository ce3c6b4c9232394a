"""What a pull tells the daemon: JSON objects, one a line, on its standard output.

Owns: the messages. Sizes are bytes. Leaves to others: sending them (`download`), reading them (`whisperd.models.pull`).
"""

import enum

from msgspec import Struct, json


class PullFailure(enum.StrEnum):
    """Why a model could not be pulled."""

    OFFLINE = "offline"
    NETWORK = "network"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    NO_MODEL = "no_model"
    DISK_FULL = "disk_full"
    CHECKSUM = "checksum"
    INTERNAL = "internal"


class Planned(Struct, frozen=True, tag="planned"):
    """What there is to download: `total` in all, of which `done` is here from an earlier attempt."""

    revision: str
    files: int
    total: int
    done: int


class Progress(Struct, frozen=True, tag="progress"):
    done: int


class Pulled(Struct, frozen=True, tag="pulled"):
    """The last message of a pull that succeeded: the folder is complete, and every checksum was right."""

    folder: str
    revision: str
    size: int


class Failed(Struct, frozen=True, tag="failed"):
    """The last message of one that did not. What was downloaded is kept for the next attempt, if it is worth it."""

    kind: PullFailure
    message: str
    hint: str


Message = Planned | Progress | Pulled | Failed

encode = json.Encoder().encode
decode = json.Decoder(Message).decode
