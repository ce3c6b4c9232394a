"""Whether anything is lost when the daemon is killed at random moments, again and again.

A queue of files is transcribed while the daemon is killed with SIGKILL at moments drawn at random and started again.
Then every job must be completed, once, with the transcript it has without any kill, and the database must be whole.

What was stored before a kill must be there after it, unchanged: a lane decodes one batch at a time and stores it before
the next, so that what is redone is at most the batch that was being decoded.
"""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.jobs import all_completed, all_final, reading
from benchmarks.material import talk
from benchmarks.measure import Report, median
from tests.harness import Daemon, running_daemon
from tests.speech import write_audio

LONGEST_LIFE = 3.0
"""Seconds from answering to the kill at most: a worker's start, some batches, a plan, the writing of some outputs."""

Stored = dict[tuple[int, int, int], bytes]
"""Results of decoding batches by job, block and batch."""


@dataclass
class Outcome:
    """What became of the queue. `answering` is seconds from each start to the first answer."""

    kills: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    batches_lost: int = 0
    integrity: str = ""
    answering: list[float] = field(default_factory=list[float])
    batches: int = 0


def run(report: Report, *, quick: bool) -> None:
    outcome = survive(kills=10 if quick else 200, files=40, seconds=20 if quick else 240, seed=5)
    report.note(f"{outcome.kills} kills while 40 files were queued, {outcome.batches} stored batches met")
    report.figure("kills that met unfinished work", outcome.kills)
    report.figure("jobs lost", outcome.lost, limit=0)
    report.figure("jobs completed twice", outcome.doubled, limit=0)
    report.figure("transcripts or outputs that differ from the undisturbed ones", outcome.changed, limit=0)
    report.figure("stored decoding batches lost or replaced", outcome.batches_lost, limit=0)
    report.figure("answering again, median", median(outcome.answering), "s")
    report.figure("answering again, slowest", max(outcome.answering), "s", limit=5)
    report.figure("integrity_check findings", 0 if outcome.integrity == "ok" else 1, limit=0)


def survive(*, kills: int, files: int, seconds: float, seed: int) -> Outcome:
    """Kill a daemon `kills` times, or until its queue of `files` files of `seconds` each is worked off."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as folder:
        paths = [
            write_audio(Path(folder) / f"{number:02}.wav", talk(seconds, seed=100 * seed + number).samples)
            for number in range(files)
        ]
        undisturbed = _undisturbed(paths, Path(folder) / "undisturbed")
        outputs = Path(folder) / "outputs"
        with running_daemon() as daemon:
            ids = [job["id"] for job in daemon.submit(*paths, options=_options(outputs))]
            outcome = _kill(daemon, kills, draw)
            jobs = all_final(daemon, ids)
            outcome.lost = sum(job["state"] != "completed" for job in jobs)
            _judge(daemon, ids, outputs, undisturbed, outcome)
    return outcome


def _options(outputs: Path) -> dict[str, Any]:
    return {"language": "en", "formats": ["txt"], "output_dir": str(outputs)}


def _undisturbed(paths: Sequence[Path], outputs: Path) -> list[Any]:
    with running_daemon() as daemon:
        ids = [job["id"] for job in daemon.submit(*paths, options=_options(outputs))]
        all_completed(daemon, ids)
        return [_result(daemon, job, outputs) for job in ids]


def _result(daemon: Daemon, job: int, outputs: Path) -> Any:
    """All that a person gets of a job, but for the time it took; None when it failed."""
    if daemon.call("job.show", id=job)["job"]["state"] != "completed":
        return None
    answer = daemon.call("job.text", id=job)["transcript"]
    name = Path(daemon.call("job.show", id=job)["job"]["path"]).stem
    return {**answer, "processing_time": None, "file": (outputs / f"{name}.txt").read_text(encoding="utf-8")}


def _kill(daemon: Daemon, kills: int, draw: random.Random) -> Outcome:
    outcome = Outcome()
    stored: Stored = {}
    seen: set[tuple[int, int, int]] = set()
    for _ in range(kills):
        time.sleep(draw.uniform(0, LONGEST_LIFE))
        if _unfinished(daemon) == 0:
            break
        daemon.kill()
        outcome.kills += 1
        before, stored = stored, _stored(daemon)
        outcome.batches_lost += _missing(before, stored, _completed(daemon))
        seen |= stored.keys()
        begin = time.perf_counter()
        daemon.start()
        outcome.answering.append(time.perf_counter() - begin)
    outcome.batches_lost += _missing(stored, _stored(daemon), _completed(daemon))
    outcome.batches = len(seen)
    return outcome


def _judge(daemon: Daemon, ids: Sequence[int], outputs: Path, undisturbed: Sequence[Any], outcome: Outcome) -> None:
    results = [_result(daemon, job, outputs) for job in ids]
    outcome.changed = sum(mine != other for mine, other in zip(results, undisturbed, strict=True))
    outcome.changed += len(list(outputs.iterdir())) != len(ids)
    with reading(daemon.database) as connection:
        completions = Counter(
            job for (job,) in connection.execute(
                "SELECT job FROM events WHERE topic = 'job.state' AND json_extract(data, '$.state') = 'completed'"
            )
        )  # fmt: skip
        (outcome.integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
    outcome.doubled = sum(count - 1 for count in completions.values())


def _unfinished(daemon: Daemon) -> int:
    with reading(daemon.database) as connection:
        (count,) = connection.execute("SELECT count(*) FROM jobs WHERE finished_at IS NULL").fetchone()
    return count


def _stored(daemon: Daemon) -> Stored:
    with reading(daemon.database) as connection:
        rows = connection.execute("SELECT job, block, batch, results FROM decoded_batches")
        return {(job, block, batch): results for job, block, batch, results in rows}


def _completed(daemon: Daemon) -> frozenset[int]:
    with reading(daemon.database) as connection:
        return frozenset(job for (job,) in connection.execute("SELECT id FROM jobs WHERE state = 'completed'"))


def _missing(before: Stored, after: Stored, completed: frozenset[int]) -> int:
    """How many were replaced, or are gone though their job, which is not completed, may still need them."""
    return sum(after[key] != value if key in after else key[0] not in completed for key, value in before.items())
