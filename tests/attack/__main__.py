"""`python -m tests.attack [PART…]`: attacks whisperd part by part and says what was found; all parts without a name.

Exit status 1 when something was found. Each finding is kept with the command that makes its trial again.
"""

import argparse
import importlib
import random
import sys
from pathlib import Path

from tests.attack.trials import Course, Report

PARTS = {
    "media": "damaged files of every kind in the reader, under limits of memory and time",
    "jobs": "damaged files of every kind through a whole daemon",
    "requests": "requests of every method at random against a real daemon",
    "people": "two people at random, a third who dictates, and processes that are killed",
}
"""Modules of this package, each with a function `attack(course) -> Report`."""

FINDINGS = Path("attack-findings")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=(__doc__ or "").split("\n\n")[0])
    about = "; ".join(f"{name}: {what}" for name, what in PARTS.items())
    parser.add_argument("parts", nargs="*", metavar="PART", help=about)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32), help="what is drawn from")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first trial")
    parser.add_argument("--count", type=int, metavar="N", help="trials of each part")
    parser.add_argument("--seconds", type=float, metavar="N", help="for how long, shared by the parts")
    parser.add_argument(
        "--findings", type=Path, default=Path("attack-findings"), metavar="DIR", help="where to keep them"
    )
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.parts if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    if arguments.count is None and arguments.seconds is None:
        parser.error("say for how long: --count or --seconds")
    parts = arguments.parts or list(PARTS)
    found = 0
    for name in parts:
        course = Course(
            name,
            arguments.seed,
            arguments.findings,
            arguments.first,
            arguments.count,
            None if arguments.seconds is None else arguments.seconds / len(parts),
        )
        print(f"{name}: {PARTS[name]} (seed {arguments.seed})", flush=True)
        report = importlib.import_module(f"tests.attack.{name}").attack(course)
        say(report, course)
        found += len(report.findings)
    return 1 if found else 0


def say(report: Report, course: Course) -> None:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.outcomes.most_common())
    figures = ", ".join(f"{name} {value}" for name, value in report.figures.items())
    print(f"  {report.trials} trials: {counts}\n  {figures}\n  {len(report.findings)} findings", flush=True)
    for finding in report.findings[:50]:
        print(f"  {finding.outcome}\n    {course.replay(finding.number)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
