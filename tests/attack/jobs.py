"""Damaged media through a whole daemon: every job ends, blames nobody else, and the daemon and its worker live on.

Owns: submitting each trial's file to a real daemon, a batch at a time, and judging how the jobs ended. Leaves to
others: the files (the trials of `media`, under seeds of this part), the reader alone (`media`).
"""

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.attack import media
from tests.attack.trials import Course, Finding, Report
from tests.harness import Daemon, running_daemon

AT_ONCE: Final = 25
"""Jobs that are waited for together."""

PROMISED: Final = frozenset({"bad_input", "no_audio"})
"""Kinds of failure that a file may have."""


def attack(course: Course) -> Report:
    """Every trial of the course; what is found is kept with the file."""
    report = Report()
    numbers = iter(course.numbers())
    with running_daemon() as daemon, TemporaryDirectory() as folder:
        pids: set[int | None] = set()
        while batch := list(itertools.islice(numbers, AT_ONCE)):
            _submit(daemon, course, batch, Path(folder), report)
            pids.add(daemon.worker_pid())
        if "Traceback" in daemon.log.read_text():
            report.findings.append(
                Finding(course.first, "all trials", f"a defect was logged: {daemon.log.read_text()}")
            )
    report.figures = {"workers": f"{len(pids - {None})}"}  # one is replaced after 500 jobs
    return report


def _submit(daemon: Daemon, course: Course, numbers: list[int], folder: Path, report: Report) -> None:
    trials = {number: media.trial(course, number) for number in numbers}
    paths: list[Path] = []
    for number, (kind, data, _) in trials.items():
        paths.append(folder / f"{number}.{kind}")
        paths[-1].write_bytes(data)
    jobs = daemon.wait(*(job["id"] for job in daemon.submit(*paths)), timeout=600)
    for path, number, job in zip(paths, numbers, jobs, strict=True):
        path.unlink()
        report.trials += 1
        outcome = job["error"]["kind"] if job["error"] else "partial" if job["partial"] else job["state"]
        report.outcomes[outcome] += 1
        if why := _fault(job):
            kind, data, done = trials[number]
            finding = Finding(number, done, why)
            finding.keep(course, {kind: data})
            report.findings.append(finding)


def _fault(job: dict[str, Any]) -> str | None:
    if job["state"] == "completed":
        return None
    error = job["error"] or {"kind": "", "message": "", "hint": None}
    survived = "ended the program that reads audio" not in error["message"]
    if error["kind"] in PROMISED and error["hint"] and job["attempts"] == 1 and survived:
        return None
    return f"{job['state']} after {job['attempts']} attempts: {error}"
