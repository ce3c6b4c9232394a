"""How many threads a model is given when nobody says."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_MOST: Final = 8
"""Beyond eight cores decoding waits for memory: a step of the decoder reads all weights for a few tokens."""

_CPU: Final = Path("/sys/devices/system/cpu")


def usable_cores() -> int:
    """Physical cores this process may run on, at most 8, at least 1.

    The second thread of a core shares its arithmetic units and only adds waiting. Affinity is the limit that systemd,
    containers and taskset set; it doesn't change while the machine runs, so neither does the fingerprint.
    """
    cores = {_core_of(cpu) for cpu in os.sched_getaffinity(0)}
    return max(1, min(_MOST, len(cores)))


def _core_of(cpu: int) -> str:
    """A name that the threads of one core share; the CPU's own where the system doesn't tell."""
    with suppress(OSError):
        return (_CPU / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text().strip()
    return str(cpu)
