"""Dictation from a microphone: what release costs after a long dictation and after a short one, and what audio context
costs.

The microphone is a WAV file that the recorder hears in real time, so everything after the sound device is the real
path: recorder, growing recording, utterances decoded while they are spoken, the tail at release. Release-to-text is
from the call of `dictate.stop` to its answer.

First frame: from the call of `dictate.start` to the first stored frames.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.material import dictation, talk
from benchmarks.measure import Report, median, percentile
from tests.harness import Daemon, running_daemon, wait_for
from tests.speech import SAMPLE_RATE, VOICES, Samples, silence, synthesize, write_audio
from tools.test_model.widen import widened

LONG_TO_SHORT, BUSY_TO_IDLE, FIT_TO_FULL = 1.3, 1.10, 0.45
RELEASE_AFTER = 0.25
"""Seconds from the last word to the release of the key, as people do."""


def run(report: Report, *, quick: bool) -> None:
    rounds, clips = (2, 8) if quick else (10, 100)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as name:
        folder = Path(name)
        _length(report, folder, rounds)
        _context(report, folder, rounds, clips)
        _first_frame(report, folder, 5 if quick else 50)


# -- a long dictation against a short one -----------------------------------------------------------------------------


def _length(report: Report, folder: Path, rounds: int) -> None:
    """Both on an idle daemon, and on one that transcribes a file all the while."""
    long_file = write_audio(folder / "file.wav", talk(1200, 8).samples)
    found: dict[str, dict[int, list[float]]] = {}
    with running_daemon(model=str(widened("base")), config="[workers]\nlanes = 2\n") as daemon:
        for load in ("idle", "busy"):
            if load == "busy":
                [first, *_] = [job for _ in range(20) for job in daemon.submit(long_file, again=True)]
                wait_for(lambda job=first["id"]: daemon.call("job.show", id=job)["job"]["done"] > 0, deadline=300)
            else:
                _dictate(daemon, folder, _spoken(3, 99))
            found[load] = {3: [], 30: []}
            for number in range(rounds):
                for seconds in (3, 30):
                    samples = _spoken(seconds, 10 * number + seconds)
                    found[load][seconds].append(_dictate(daemon, folder, samples)["seconds"])
    for load, by_length in found.items():
        for seconds, measured in by_length.items():
            report.figure(f"{load}, {seconds} s: release-to-text, median", median(measured), "s")
        report.figure(f"{load}, 30 s ÷ 3 s, medians", median(by_length[30]) / median(by_length[3]), limit=LONG_TO_SHORT)
    for seconds in (3, 30):
        ratio = median(found["busy"][seconds]) / median(found["idle"][seconds])
        report.figure(f"{seconds} s: busy ÷ idle, medians", ratio, limit=BUSY_TO_IDLE)


def _spoken(seconds: float, seed: int) -> Samples:
    """Sentences with the pauses between them that a person makes who thinks while speaking."""
    if seconds <= 3:
        return dictation(3, seed)
    parts: list[Samples] = []
    while sum(map(len, parts)) < (seconds - 3) * SAMPLE_RATE:
        parts += [dictation(3, seed + 100 * len(parts)), silence(0.7)]
    return np.concatenate([*parts, dictation(3, seed)])


# -- audio context ----------------------------------------------------------------------------------------------------


def _context(report: Report, folder: Path, rounds: int, clips: int) -> None:
    """The same dictations with the encoder's context fitted and in full, on `small`'s cost; and the texts of clips."""
    speeches = [dictation(3, seed) for seed in range(rounds)]
    measured: dict[str, list[float]] = {}
    texts: dict[str, list[str]] = {}
    shared = [write_audio(folder / f"clip{seed}.wav", _clip(seed)) for seed in range(clips)]
    for context in ("fit", "full"):
        config = f'[dictation]\naudio_context = "{context}"\n'
        with running_daemon(model=str(widened("small")), config=config) as daemon:
            _dictate(daemon, folder, speeches[0])
            measured[context] = [_dictate(daemon, folder, samples)["seconds"] for samples in speeches]
        with running_daemon(config=config) as daemon:  # the texts are those of the widened model, sooner
            jobs = daemon.submit(*shared, kind="dictation", options={"language": "en"})
            daemon.wait(*(job["id"] for job in jobs), timeout=600)
            texts[context] = [daemon.call("job.text", id=job["id"])["transcript"]["text"] for job in jobs]
    for context, found in measured.items():
        report.figure(f"{context}: release-to-text of 3 s, median", median(found), "s")
    report.figure("fit ÷ full, medians", median(measured["fit"]) / median(measured["full"]), limit=FIT_TO_FULL)
    different = sum(fit != full for fit, full in zip(texts["fit"], texts["full"], strict=True))
    report.figure(f"texts of {clips} clips that differ between fit and full", different, limit=0)


def _clip(seed: int) -> Samples:
    return dictation(2 + seed % 4, 1_000 + seed)


# -- key-down ---------------------------------------------------------------------------------------------------------


def _first_frame(report: Report, folder: Path, count: int) -> None:
    """Dictations that start speaking at once; whether the first word is in the text."""
    first, lost = [], 0
    with running_daemon() as daemon:
        for number in range(count):
            word = ("teacher", "doctor", "garden", "village", "window")[number % 5]
            samples = synthesize(f"{word} and the red bird", VOICES[number % 2], 150)
            found = _dictate(daemon, folder, samples)
            first.append(found["first"])
            lost += word not in found["text"].lower()
    report.figure("key-down to first stored frame, median", median(first), "s")
    report.figure("key-down to first stored frame, p95", percentile(first, 0.95), "s")
    report.figure(f"first words missing or misheard in {count} dictations that begin at once", lost)


def _dictate(daemon: Daemon, folder: Path, samples: Samples) -> dict[str, Any]:
    """`seconds` from release to text, `first` from key-down to the first stored frames, and the `text`."""
    path = write_audio(folder / "spoken.wav", samples)
    with _client(daemon) as client:
        client.call("events.subscribe", topics=["dictate.state"])
        begin = time.perf_counter()
        session = client.call("dictate.start", device=f"wav:{path}", language="en")["session"]
        client.wait_event(lambda event: event["data"] == {"session": session, "state": "listening"})
        first = time.perf_counter() - begin
        # The key is held for as long as somebody speaks: nothing tells that the played microphone has no more to say.
        time.sleep(max(0.0, len(samples) / SAMPLE_RATE + RELEASE_AFTER - first))
        released = time.perf_counter()
        result = client.call("dictate.stop", session=session)
        return {"seconds": time.perf_counter() - released, "first": first, **result}


@contextlib.contextmanager
def _client(daemon: Daemon) -> Iterator[Any]:
    client = daemon.client()
    try:
        yield client
    finally:
        client.close()
