"""Whether anything is lost or doubled when the daemon is killed at random moments while files land in a drop folder.

Files are copied into a watched folder at random moments, and the daemon is killed with SIGKILL and started again in
between. Then every file must have exactly one job and the transcript it has without any kill, with one text beside it,
and no temporary file may be left.
"""

import os
import random
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.jobs import reading
from benchmarks.material import dictation
from benchmarks.measure import Report, median
from tests.harness import Daemon, running_daemon, wait_for
from tests.speech import write_audio

LONGEST_LIFE = 2.5
"""Seconds from answering to the kill at most."""


@dataclass
class Outcome:
    """`answering` is seconds from each start to the first answer."""

    kills: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    leftovers: int = 0
    answering: list[float] = field(default_factory=list[float])


def run(report: Report, *, quick: bool) -> None:
    outcome = survive(kills=5 if quick else 50, files=8 if quick else 40, seed=11)
    report.figure("kills during the drop", outcome.kills)
    report.figure("files without a transcript", outcome.lost, limit=0)
    report.figure("files with two jobs or texts", outcome.doubled, limit=0)
    report.figure("texts that differ from the undisturbed ones", outcome.changed, limit=0)
    report.figure("temporary files left", outcome.leftovers, limit=0)
    report.figure("answering again, median", median(outcome.answering), "s")
    report.figure("answering again, slowest", max(outcome.answering), "s", limit=5)


def survive(*, kills: int, files: int, seed: int) -> Outcome:
    """Drop `files` files into a watched folder while the daemon is killed `kills` times."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as name:
        sources = Path(name) / "sources"
        sources.mkdir()
        clips = [
            write_audio(sources / f"{n:02}.wav", dictation(draw.uniform(2, 8), seed=seed + n)) for n in range(files)
        ]
        folder = Path(name) / "drop"
        folder.mkdir()
        with running_daemon(config=_config(folder)) as daemon:
            outcome = _drop(daemon, folder, clips, kills, draw)
            wait_for(lambda: _done(daemon) == files, deadline=1_200)
            _judge(daemon, folder, clips, outcome)
    return outcome


def _config(folder: Path) -> str:
    return f'[[watch]]\npath = "{folder}"\nlanguage = "en"\nsettle = 0.5\n[transcription]\nlanguage = "en"\n'


def _drop(daemon: Daemon, folder: Path, clips: list[Path], kills: int, draw: random.Random) -> Outcome:
    outcome, waiting = Outcome(), list(clips)
    share = max(1, round(len(clips) / kills))
    while outcome.kills < kills:
        for clip in waiting[:share]:
            shutil.copyfile(clip, folder / clip.name)
        del waiting[:share]
        # The moment of the kill is to be any moment, whatever goes on then.
        time.sleep(draw.uniform(0, LONGEST_LIFE))
        daemon.kill()
        outcome.kills += 1
        begin = time.perf_counter()
        daemon.start()
        outcome.answering.append(time.perf_counter() - begin)
    for clip in waiting:
        shutil.copyfile(clip, folder / clip.name)
    return outcome


def _done(daemon: Daemon) -> int:
    [folder] = daemon.call("watch.list")["folders"]
    assert not folder["counts"]["failed"], daemon.call("watch.list", id=folder["id"], states=["failed"])["files"]
    return folder["counts"]["done"]


def _judge(daemon: Daemon, folder: Path, clips: list[Path], outcome: Outcome) -> None:
    with reading(daemon.database) as connection:
        paths = [path for (path,) in connection.execute("SELECT path FROM jobs WHERE kind = 'watch'")]
    outcome.doubled = len(paths) - len(set(paths))
    present = set(os.listdir(folder))
    expected = {clip.name for clip in clips} | {f"{clip.stem}.txt" for clip in clips}
    outcome.lost = len(expected - present)
    outcome.leftovers = sum(name.startswith(".") for name in present)
    outcome.doubled += len(present - expected) - outcome.leftovers
    undisturbed = {clip.stem: daemon.transcribe(clip)["text"] for clip in clips}
    texts = {clip.stem: (folder / f"{clip.stem}.txt").read_text(encoding="utf-8") for clip in clips}
    outcome.changed = sum(texts[stem].split() != text.split() for stem, text in undisturbed.items())
