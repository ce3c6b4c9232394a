"""Whether the kernel has ended processes of ours because the memory limit of the unit was reached.

Owns: finding and reading that counter (cgroup v2, `memory.events`). Leaves to others: what it means (`crashes`).
"""

from pathlib import Path
from typing import Final

_CGROUPS: Final = Path("/sys/fs/cgroup")


def kills(own: Path = Path("/proc/self/cgroup"), cgroups: Path = _CGROUPS) -> int:
    """How many processes of this one's control group were ended so far; 0 where that can't be read."""
    try:
        group = next(line for line in own.read_text(encoding="utf-8").splitlines() if line.startswith("0::"))
        events = (cgroups / group.removeprefix("0::").lstrip("/") / "memory.events").read_text(encoding="ascii")
        return int(dict(line.split() for line in events.splitlines()).get("oom_kill", 0))
    except (OSError, StopIteration, ValueError):
        return 0
