"""What a subscriber that does not read costs, and whether it has seen everything in the end.

One subscribes to all events and then reads nothing, for a minute at least, while 1,000 files are transcribed; the
daemon's memory is looked at all the while. Then it reads, resumes from where it is told that events were lost, and what
it has seen is compared with the whole log.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.material import dictation, write_repeated
from benchmarks.measure import Report, memory
from tests.harness import Client, Daemon, running_daemon

MEGABYTE = 1_000_000
LIMIT = 20
SILENT = 60.0
WARM_UP = 20
SECONDS = 2.0


def run(report: Report, *, quick: bool) -> None:
    count, silent = (60, 5.0) if quick else (1_000, SILENT)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as folder, running_daemon() as daemon:
        clip = write_repeated(Path(folder) / "clip.flac", dictation(SECONDS, seed=8), SECONDS)
        _transcribe(daemon, _names(clip, WARM_UP, "warm"))
        before = memory(daemon.pid)
        subscriber = daemon.client()
        since = subscriber.call("events.subscribe")["seq"]
        begin = time.monotonic()
        peak = _transcribe(daemon, _names(clip, count, "clip"))
        while time.monotonic() - begin < silent:
            peak = max(peak, memory(daemon.pid))
            time.sleep(0.2)  # the silence is what is measured; between two looks at the memory
        report.note(f"nothing was read for {time.monotonic() - begin:.0f} s, in which {count} files were transcribed")
        report.figure("memory of the daemon before", before / MEGABYTE, "MB")
        report.figure("peak while nobody read − before", (peak - before) / MEGABYTE, "MB", limit=LIMIT)
        seen, losses = _read_all(subscriber, daemon)
        report.note(f"{losses} times the subscriber was told that events were lost")
        wanted = _log(daemon, since)
        assert [event["seq"] for event in seen] == [event["seq"] for event in wanted], "not every event once"
        completed = [event for event in seen if event["data"].get("state") == "completed"]
        report.figure("files whose completion was seen once ÷ files", len(completed) / count, limit=1, relation=">=")
        report.figure("times that events were lost", losses, limit=1 if not quick else None, relation=">=")


def _names(clip: Path, count: int, name: str) -> list[Path]:
    """The clip under many names."""
    paths = [clip.with_name(f"{name}-{number}.flac") for number in range(count)]
    for path in paths:
        os.link(clip, path)
    return paths


def _transcribe(daemon: Daemon, paths: list[Path]) -> int:
    """Transcribe files; the daemon's peak of memory meanwhile."""
    ids = [job["id"] for job in daemon.submit(*paths, again=True, options={"language": "en"})]
    peak = 0
    while daemon.call("job.wait", ids=ids[-1:], timeout=0.5)["jobs"][0]["state"] != "completed":
        peak = max(peak, memory(daemon.pid))
    return peak


def _read_all(client: Client, daemon: Daemon) -> tuple[list[dict[str, Any]], int]:
    """The stored events that a subscriber gets, in order, until it has the newest; how often some were lost."""
    newest = _newest(daemon)
    seen: list[dict[str, Any]] = []
    losses = 0
    while not seen or seen[-1]["seq"] < newest:
        message = client.notifications.pop(0) if client.notifications else client.receive()
        if message["method"] == "events.lost":
            losses += 1
            client.call("events.subscribe", since=message["params"]["since"])
        elif "seq" in message["params"]:
            seen.append(message["params"])
    return seen, losses


def _newest(daemon: Daemon) -> int:
    client = daemon.client()
    newest = client.call("events.subscribe")["seq"]
    client.close()
    return newest


def _log(daemon: Daemon, since: int) -> list[dict[str, Any]]:
    """Every stored event after `since`, read by one who reads at once."""
    client = daemon.client()
    client.call("events.subscribe", since=since)
    seen, losses = _read_all(client, daemon)
    assert losses == 0, "even a quick reader lost events"
    return seen
