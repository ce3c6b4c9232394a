"""What is known of this machine's accelerators.

Owns: keeping the last survey in the state folder, and when none is needed. Leaves to others: making one
(`whisperd.survey`). It blocks on the file system, so the daemon calls it in a thread.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from whisperd.frames import Device, Surveyed

NODES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dri", "/dev/dxg")
"""One of these is there where a driver of NVIDIA, AMD or Intel is, or Windows lends its own."""

_FILE = "devices.json"


def has_driver() -> bool:
    """Whether there may be an accelerator; without a driver there is none, and nobody needs to look."""
    return any(Path(node).exists() for node in NODES)


def known(state_dir: Path) -> tuple[Device, ...] | None:
    """The accelerators as the last survey found them; None before the first."""
    if not has_driver():
        return ()
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((state_dir / _FILE).read_bytes(), type=Surveyed).devices
    return None


def machine_mb() -> int | None:
    """Megabytes of this machine's memory that a model may take: three quarters; None where the kernel does not tell."""
    with suppress(OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4 >> 20
    return None


def keep(state_dir: Path, surveyed: Surveyed) -> None:
    """Remember a survey. Raises OSError."""
    new = state_dir / f"{_FILE}.new"
    new.write_bytes(msgspec.json.encode(surveyed))
    new.replace(state_dir / _FILE)
