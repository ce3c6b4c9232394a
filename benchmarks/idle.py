"""What the daemon costs while there is nothing to do.

Before it has worked at all, and after a file when its background worker has gone: memory, processor time over a minute,
processes left, and the modules of its children, none of which it may have mapped.
"""

import tempfile
import time
from pathlib import Path

from benchmarks.material import dictation
from benchmarks.measure import Report, memory, process_tree, processor_seconds
from tests.harness import Daemon, running_daemon, wait_for
from tests.speech import write_audio
from whisperd.workers.process import resident_memory

OF_CHILDREN = ("numpy", "av", "ctranslate2", "faster_whisper", "onnxruntime", "torch", "sounddevice")
MEGABYTE = 1_000_000


def run(report: Report, *, quick: bool) -> None:
    minute = 10.0 if quick else 60.0
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as folder, running_daemon() as daemon:
        _tell(report, "fresh", daemon, minute)
        path = write_audio(Path(folder) / "short.wav", dictation(3, seed=1))
        daemon.transcribe(path)
        wait_for(lambda: len(process_tree(daemon.pid)) == 1, deadline=60)
        _tell(report, "after work", daemon, minute)


def _tell(report: Report, when: str, daemon: Daemon, seconds: float) -> None:
    used = processor_seconds(daemon.pid)
    time.sleep(seconds)
    used = processor_seconds(daemon.pid) - used
    report.figure(f"{when}: memory (resident set)", (resident_memory(daemon.pid) or 0) / MEGABYTE, "MB", limit=60)
    report.figure(f"{when}: memory (proportional set)", memory(daemon.pid) / MEGABYTE, "MB")
    report.figure(f"{when}: processor time over {seconds:.0f} s", 100 * used / seconds, "%", limit=0.1)
    mapped = Path(f"/proc/{daemon.pid}/maps").read_text()
    found = [name for name in OF_CHILDREN if f"/{name}/" in mapped]
    report.figure(f"{when}: modules of children mapped", len(found), limit=0)
