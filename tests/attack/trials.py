"""What every part of the attack shares: trials that a seed and a number tell apart, and what they found.

Owns: drawing each trial's chance from seed, part and number alone (so that any one can be done again by itself), when
an attack ends, and how a finding is kept. Leaves to others: what a trial does (one module a part).
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Course:
    """Which trials to make: from number `first` on, until `count` are done or `seconds` are over (None: no limit).

    What a finding needs to be looked at is kept below `findings`.
    """

    part: str
    seed: int
    findings: Path
    first: int = 0
    count: int | None = None
    seconds: float | None = None

    def numbers(self) -> Iterator[int]:
        end = None if self.seconds is None else time.monotonic() + self.seconds
        number = self.first
        while (self.count is None or number < self.first + self.count) and (end is None or time.monotonic() < end):
            yield number
            number += 1

    def draw(self, number: int) -> random.Random:
        return random.Random(f"{self.seed}:{self.part}:{number}")

    def replay(self, number: int) -> str:
        """The command that makes this trial again."""
        return f"python -m tests.attack {self.part} --seed {self.seed} --first {number} --count 1"


@dataclass(frozen=True)
class Finding:
    """A trial that did not end as promised: what was done, and what came of it."""

    number: int
    done: str
    outcome: str

    def keep(self, course: Course, attachments: dict[str, bytes]) -> None:
        """Write it and what belongs to it, by file name suffix, into the folder of findings."""
        course.findings.mkdir(parents=True, exist_ok=True)
        name = f"{course.part}-{course.seed}-{self.number}"
        text = f"{self.outcome}\n\n{self.done}\n\n{course.replay(self.number)}\n"
        (course.findings / f"{name}.txt").write_text(text, encoding="utf-8")
        for suffix, data in attachments.items():
            (course.findings / f"{name}.{suffix}").write_bytes(data)


@dataclass
class Report:
    """What a part's trials came to: `outcomes` counts them by how they ended, `figures` are its measurements."""

    trials: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    figures: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
