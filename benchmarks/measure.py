"""Measuring and telling: figures with their limits, medians, percentiles, interleaving, memory and processor time.

Owns: the arithmetic and the two ways to print a figure (a line for people, a JSON object a line for programs). Leaves
to others: what is measured (one module a benchmark). Ratios are made of measurements that alternate within one run, so
that what else the machine does meets both sides.
"""

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

Relation = Literal["<=", ">="]


@dataclass(frozen=True)
class Figure:
    """One measured number. Without a limit it is there for the reader and always holds."""

    name: str
    value: float
    unit: str = ""
    limit: float | None = None
    relation: Relation = "<="

    @property
    def holds(self) -> bool:
        if self.limit is None:
            return True
        return self.value <= self.limit if self.relation == "<=" else self.value >= self.limit

    def line(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        said = f"{self.name:<66} {shown(self.value):>10}{unit}"
        if self.limit is None:
            return said
        sign = "≤" if self.relation == "<=" else "≥"
        return f"{said}   {sign} {shown(self.limit)}{unit}   {'holds' if self.holds else 'DOES NOT HOLD'}"


@dataclass
class Report:
    """What one benchmark found: its figures, and facts that explain them."""

    benchmark: str
    as_json: bool = False
    figures: list[Figure] = field(default_factory=list)

    def figure(
        self, name: str, value: float, unit: str = "", *, limit: float | None = None, relation: Relation = "<="
    ) -> None:
        """Record and print a figure."""
        made = Figure(name, value, unit, limit, relation)
        self.figures.append(made)
        if self.as_json:
            _print_json({
                "benchmark": self.benchmark, "figure": name, "value": round(value, 6), "unit": unit, "limit": limit,
                "relation": relation if limit is not None else None, "holds": made.holds,
            })  # fmt: skip
        else:
            print(f"  {made.line()}", flush=True)

    def note(self, text: str) -> None:
        """Print a fact that is no figure."""
        if self.as_json:
            _print_json({"benchmark": self.benchmark, "note": text})
        else:
            print(f"  {text}", flush=True)

    @property
    def holds(self) -> bool:
        return all(figure.holds for figure in self.figures)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)


def shown(value: float) -> str:
    """Four significant digits; integers as they are."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 10_000 else f"{value:.4g}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed, interpolated between neighbours."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def timed(action: Callable[[], object]) -> float:
    """Seconds of wall time that it takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def interleaved(first: Callable[[], float], second: Callable[[], float], pairs: int) -> tuple[list[float], list[float]]:
    """`pairs` measurements of each, alternating, and in every other pair the second one first."""
    firsts: list[float] = []
    seconds: list[float] = []
    for pair in range(pairs):
        for measure, into in ((first, firsts), (second, seconds))[:: -1 if pair % 2 else 1]:
            into.append(measure())
    return firsts, seconds


# -- processes --------------------------------------------------------------------------------------------------------


def process_tree(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found = [pid]
    for parent in found:
        try:
            threads = list(Path(f"/proc/{parent}/task").iterdir())
            for thread in threads:
                found += [int(child) for child in (thread / "children").read_text().split()]
        except OSError:
            continue  # it ended while we looked
    return found


def tree_memory(pid: int) -> int:
    """Bytes of memory of the process and its descendants: proportional set sizes, so that shared pages count once."""
    return sum(map(memory, process_tree(pid)))


def memory(pid: int) -> int:
    """Bytes of a process's proportional set size; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def processor_seconds(pid: int) -> float:
    """Seconds of processor time, user and system, that a process has used (proc(5): utime and stime)."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


def tree_processor_seconds(pid: int) -> float:
    """Processor time of the process and of all that descend from it and still live."""
    return sum(map(processor_seconds, process_tree(pid)))


class PeakMemory:
    """Samples the memory of a process tree while it is entered; `bytes` is the highest sum seen."""

    def __init__(self, pid: int, interval: float = 0.1) -> None:
        self.bytes = 0
        self._pid = pid
        self._interval = interval
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, tree_memory(self._pid))
            if self._end.wait(self._interval):
                return
