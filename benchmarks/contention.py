"""Dictation while a file is being transcribed, against dictation on an idle daemon.

Release-to-text: from sending a short recording to having its text, over the socket. Two daemons with the same settings
and the same model of `small`'s cost: one is idle, the other works through long files all the while. A dictation on each
in turn makes a pair. While the idle one is measured the other's worker is stopped from outside, for else it would not
be an idle machine; before the busy one is, it runs for a random time, so that dictations meet decoding at any
moment.

Beside it the same under one lane, where a dictation waits for the end of a decoding batch.
"""

import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.jobs import state_events
from benchmarks.material import dictation, talk
from benchmarks.measure import Report, interleaved, median, percentile
from tests.harness import Client, Daemon, running_daemon, wait_for
from tests.speech import write_audio
from tools.test_model.widen import widened

TEXTS = 8
"""Different recordings, each of about three seconds."""
WARMING = 3
"""Dictations before the first that counts: the first one loads the model."""
LONGEST_RUN = 2.0
"""Seconds that the file job runs before a dictation, at most: about one window of the model."""
MEDIANS, P95S = 1.05, 1.15


def run(report: Report, *, quick: bool) -> None:
    pairs, one_lane_pairs = (10, 5) if quick else (100, 20)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as folder:
        clips = [write_audio(Path(folder) / f"{seed}.wav", dictation(3, seed)) for seed in range(TEXTS)]
        files = [write_audio(Path(folder) / f"long{seed}.wav", talk(1200, seed).samples) for seed in (8, 9)]
        two = _measured(report, "two lanes", 2, clips, files, pairs)
        report.figure("two lanes: busy ÷ idle, medians", median(two[1]) / median(two[0]), limit=MEDIANS)
        report.figure("two lanes: busy ÷ idle, p95s", percentile(two[1], 0.95) / percentile(two[0], 0.95), limit=P95S)
        one = _measured(report, "one lane", 1, clips, files, one_lane_pairs)
        report.figure("one lane: busy ÷ idle, medians", median(one[1]) / median(one[0]))
        report.figure("one lane: busy ÷ idle, p95s", percentile(one[1], 0.95) / percentile(one[0], 0.95))


def _measured(
    report: Report, name: str, lanes: int, clips: Sequence[Path], files: Sequence[Path], pairs: int
) -> tuple[list[float], list[float]]:
    """Seconds on the idle and on the busy daemon."""
    model, config = str(widened("small")), f"[workers]\nlanes = {lanes}\n"
    draw = random.Random(1)
    with running_daemon(model=model, config=config) as idle, running_daemon(model=model, config=config) as busy:
        calm, pressed = _Speaker(idle, clips), _Speaker(busy, clips)
        for speaker in (calm, pressed):
            for _ in range(WARMING):
                speaker.dictate()
        # The same files again and again: more work than the measurement lasts.
        [first, *_] = [job for _ in range(20) for job in busy.submit(*files, again=True)]
        wait_for(lambda: busy.call("job.show", id=first["id"])["job"]["done"] > 0, deadline=300)

        def on_the_busy_one() -> float:
            time.sleep(draw.uniform(0, LONGEST_RUN))
            return pressed.dictate()

        def on_the_idle_one() -> float:
            with _stopped_worker(busy, lanes):
                return calm.dictate()

        measured = interleaved(on_the_idle_one, on_the_busy_one, pairs)
        queue = busy.call("daemon.status")["queue"]
        assert queue["running"] + queue["queued"] > 0, "the file jobs did not last"
    report.note(f"{name}: {pairs} pairs")
    for which, seconds in zip(("idle", "busy"), measured, strict=True):
        report.figure(f"{name}, {which}: release-to-text, median", median(seconds), "s")
        report.figure(f"{name}, {which}: release-to-text, p95", percentile(seconds, 0.95), "s")
    report.figure(f"{name}: recordings whose text was not always the same", calm.differing(pressed), limit=0)
    return measured


class _Speaker:
    """A client that dictates the recordings in turn and remembers what each was heard as."""

    def __init__(self, daemon: Daemon, clips: Sequence[Path]) -> None:
        self._events: Client = state_events(daemon)
        self._clips = clips
        self._next = 0
        self.heard: dict[Path, set[str]] = {clip: set() for clip in clips}

    def dictate(self) -> float:
        """Seconds from sending a recording to having its text."""
        clip = self._clips[self._next % len(self._clips)]
        self._next += 1
        begin = time.perf_counter()
        submitted = self._events.call(
            "job.submit", files=[{"path": str(clip)}], kind="dictation", options={"language": "en"}, again=True
        )
        job = submitted["jobs"][0]["id"]
        ended = self._events.wait_event(
            lambda event: event["job"] == job and event["data"]["state"] in ("completed", "failed")
        )
        assert ended["data"]["state"] == "completed", ended
        text = self._events.call("job.text", id=job)["transcript"]["text"]
        seconds = time.perf_counter() - begin
        self.heard[clip].add(text)
        return seconds

    def differing(self, other: "_Speaker") -> int:
        """Recordings of which the two speakers did not always get one and the same text."""
        return sum(len(texts | other.heard[clip]) > 1 for clip, texts in self.heard.items())


@contextlib.contextmanager
def _stopped_worker(daemon: Daemon, lanes: int) -> Iterator[None]:
    """The process that transcribes files, stopped meanwhile."""
    pid = daemon.worker_pid("background" if lanes == 2 else "shared")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
