"""The child that reads media: as a worker does, but without a model, and under limits that no worker can have.

Owns: opening and reading whole the files that are named on standard input, one a line, and telling what came of each as
one JSON object a line. A worker's address space can't be limited, since CUDA reserves terabytes of it; here the limit
makes a file that asks for too much memory fail where it does so. Leaves to others: what must come of a file (`media`).
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from whisperd.frames import Source
from whisperd.worker.blocks import Blocks
from whisperd.worker.failures import failure_of
from whisperd.worker.opening import look_at

MEMORY: Final = 1 << 30
"""Bytes of address space for a file, beyond what the program itself takes."""

PROCESSOR_TIME: Final = 60
"""Seconds of computing that a file may cost; the kernel ends the process then."""

_OPEN_FILES: Final = 32


def limit() -> None:
    size = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(path: bytes, blocks: Blocks) -> str:
    """Opens the file and reads it to its end; how that went. Raises what the reader raises, and AssertionError."""
    opened = look_at(Source(path))
    assert opened.duration is None or 0 <= opened.duration < float("inf"), f"a duration of {opened.duration} s"
    source = Source(path, opened.identity)
    start, missing = 0, 0
    while True:
        block = blocks.from_start(source, start)
        assert np.isfinite(block.samples).all(), "samples that are no numbers"
        damage = blocks.damage(block.start, None if block.last else block.end)
        assert damage.missing >= 0 and damage.bad_packets >= 0, f"impossible damage: {damage}"
        missing += damage.missing + damage.bad_packets
        start = block.end
        if block.last:
            return "read in part" if missing else "read"


def answer(path: bytes, blocks: Blocks) -> dict[str, object]:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is that of this file
    began = time.process_time()
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (round(used.ru_utime + used.ru_stime) + PROCESSOR_TIME, hard))
    try:
        outcome, words = read(path, blocks), ""
    except Exception as error:
        failed = failure_of(error)
        outcome, words = failed.kind.value, f"{type(error).__name__}: {failed.message}"
        assert failed.hint
    finally:
        blocks.close()
    seconds = time.process_time() - began
    return {"outcome": outcome, "words": words, "seconds": seconds, "peak": peak_memory()}


def peak_memory() -> int:
    """Bytes that were resident at most since that was last reset."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def main() -> None:
    blocks = Blocks()
    limit()
    print(json.dumps({"peak": peak_memory(), "pid": os.getpid()}), flush=True)
    for line in sys.stdin.buffer:
        print(json.dumps(answer(line.rstrip(b"\n"), blocks)), flush=True)


if __name__ == "__main__":
    main()
