"""Real weights on recordings of real voices: the worker, with full and with fitted context, against faster-whisper.

For each set of recordings (`tools.real_data.sets`): word errors by kind, speech that got no word (known from where the
prompts were put), words where nobody speaks, how far off first words and segments are; and for the long ones the
throughput, without words' times and alternating with the batched pipeline. The rivals' outputs are kept beside the data
(`real_sides`), so that a second run asks only the worker; for throughput both are run each time.
"""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Report, interleaved, median, percentile
from benchmarks.real_sides import Kept, Output, Rivals, Worker, written
from tools.real_data.fetch import fetch
from tools.real_data.recordings import Recording
from tools.real_data.scoring import Errors, Score, score
from tools.real_data.sets import Set, sets

SIDES = ("sequential", "batched", "full", "fitted")
RIVALS = SIDES[:2]

POINTS = 0.3
"""Percentage points of words by which our errors may exceed the better rival's."""
DELETIONS = 2
"""Words more than the better rival's that we may leave out in a set."""
WORD_WITHIN, SEGMENT_WITHIN, SHARE = 0.3, 0.5, 0.95
"""Seconds within which first words and segments begin, for at least this share of them."""
MUSIC_PER_MINUTE = 1.0
"""Words that may be heard in a minute of music; in other sounds none."""


@dataclass(frozen=True)
class Side:
    """What a side got for a set."""

    outputs: tuple[Output, ...]
    scores: tuple[Score, ...]

    @property
    def errors(self) -> Errors:
        return sum((one.errors for one in self.scores), Errors())

    @property
    def unspoken(self) -> float:
        return sum(one.unspoken_seconds for one in self.scores)

    @property
    def unheard(self) -> float:
        return sum(one.unheard_seconds for one in self.scores)

    @property
    def invented(self) -> int:
        return sum(len(heard.text.split()) for one in self.scores for heard in one.invented)

    @property
    def seconds(self) -> float:
        return sum(output.seconds for output in self.outputs)


def run(
    report: Report,
    *,
    quick: bool,
    only: Collection[str] = (),
    languages: Collection[str] = (),
    model: str = "base",
    again: bool = False,
    throughput: bool = True,
) -> None:
    """Raises FetchError where the data can't be had, and ValueError for a set that there is not."""
    chosen = _chosen(only, languages, model)
    fetch([model, *sorted({f"voices-{one.language}" for one in chosen if one.spoken})])
    rivals, worker, kept = Rivals(model), Worker(model), Kept(model, again=again)
    share, pairs = (0.2, 1) if quick else (1.0, 2)
    spoken: dict[str, Mapping[str, Side]] = {}
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as folder:
        for one in chosen:
            recordings = one.make(share)
            files = [written(Path(folder) / f"{one.name}-{n}.wav", made) for n, made in enumerate(recordings)]
            report.note(f"{one.name}: {one.about}, {_described(recordings)}")
            sides = _heard(rivals, worker, kept, recordings, files)
            if one.spoken:
                spoken[one.name] = sides
                _tell_speech(report, one, recordings, sides)
            else:
                _tell_nothing_said(report, one, recordings, sides)
            if throughput and one.is_long:
                _tell_throughput(report, one, rivals, worker, files[0], pairs)
            for file in files:
                file.unlink()
    if spoken:
        _tell_all(report, list(spoken.values()))


def _chosen(only: Collection[str], languages: Collection[str], model: str) -> list[Set]:
    there = sets()
    if unknown := [name for name in only if name not in there]:
        raise ValueError(f"there is no set {unknown[0]!r}; there are {', '.join(there)}")
    wanted = languages or (("en",) if model.endswith(".en") else ())
    return [one for one in there.values() if (not only or one.name in only) and (not wanted or one.language in wanted)]


def _described(recordings: Sequence[Recording]) -> str:
    seconds, speech = (
        sum(times) for times in zip(*((one.seconds, one.speech_seconds) for one in recordings), strict=True)
    )
    return f"{seconds:.0f} s with {speech:.0f} s of speech in {sum(len(one.prompts) for one in recordings)} prompts"


def _heard(
    rivals: Rivals, worker: Worker, kept: Kept, recordings: Sequence[Recording], files: Sequence[Path]
) -> dict[str, Side]:
    pairs = list(zip(recordings, files, strict=True))
    outputs = {
        "sequential": [kept.output("sequential", rivals.sequential, one, file) for one, file in pairs],
        "batched": [kept.output("batched", rivals.batched, one, file) for one, file in pairs],
        "full": [worker.full(file, one.language) for one, file in pairs],
        "fitted": [worker.fitted(file, one.language) for one, file in pairs],
    }
    return {
        name: Side(tuple(made), tuple(score(one, output.heard) for one, output in zip(recordings, made, strict=True)))
        for name, made in outputs.items()
    }


# -- telling ----------------------------------------------------------------------------------------------------------


def _tell_speech(report: Report, one: Set, recordings: Sequence[Recording], sides: Mapping[str, Side]) -> None:
    for name, side in sides.items():
        report.note(f"  {_row(name, side)}")
    better = min((sides[name].errors for name in RIVALS), key=lambda errors: errors.errors)
    least = min(sides[name].errors.deletions for name in RIVALS)
    full, fitted = sides["full"], sides["fitted"]
    report.figure(f"{one.name}: word errors", full.errors.rate, "%", limit=better.rate + POINTS)
    report.figure(f"{one.name}: words left out", full.errors.deletions, limit=least + DELETIONS)
    report.figure(f"{one.name}: word errors, fitted", fitted.errors.rate, "%", limit=full.errors.rate + POINTS)
    report.figure(f"{one.name}: speech of prompts without a word", full.unspoken, "s", limit=0)
    report.figure(f"{one.name}: the same, fitted", fitted.unspoken, "s", limit=0)
    report.figure(f"{one.name}: speech without a word where words are missing", full.unheard, "s", limit=0)
    words = [start for scored in full.scores for start in scored.starts]
    segments = [
        start
        for made, output in zip(recordings, full.outputs, strict=True)
        for start in score(made, output.segments).starts
    ]
    _tell_starts(report, f"{one.name}: first words", words, WORD_WITHIN)
    _tell_starts(report, f"{one.name}: segments that begin with a prompt", segments, SEGMENT_WITHIN)


def _row(name: str, side: Side) -> str:
    errors = side.errors
    kinds = f"I {errors.insertions}, D {errors.deletions}, S {errors.substitutions}"
    return (
        f"{name:<10} {errors.errors:>4} / {errors.words} ({kinds}), {errors.rate:.1f} %; {side.seconds:.1f} s;"
        f" without a word {side.unspoken:.1f} + {side.unheard:.1f} s; where nobody speaks {side.invented} words"
    )


def _tell_starts(report: Report, what: str, starts: Sequence[float], within: float) -> None:
    if not starts:
        return
    close = sum(abs(start) <= within for start in starts) / len(starts)
    report.figure(f"{what} within {within:g} s, of {len(starts)}", 100 * close, "%", limit=100 * SHARE, relation=">=")
    report.figure(f"{what}: distance, p95", percentile([abs(start) for start in starts], SHARE), "s")


def _tell_nothing_said(report: Report, one: Set, recordings: Sequence[Recording], sides: Mapping[str, Side]) -> None:
    minutes = sum(made.seconds for made in recordings) / 60
    limit = MUSIC_PER_MINUTE if one.name == "only-music" else 0
    for name, side in sides.items():
        mine = name not in RIVALS
        report.figure(f"{one.name}: words a minute, {name}", side.invented / minutes, limit=limit if mine else None)
        for heard in [heard for scored in side.scores for heard in scored.invented][:5]:
            report.note(f"  {heard.start:.1f} s: {heard.text.strip()!r}")


def _tell_throughput(report: Report, one: Set, rivals: Rivals, worker: Worker, file: Path, pairs: int) -> None:
    for name, side in (("full", worker.full), ("fitted", worker.fitted)):
        mine, theirs = interleaved(
            lambda side=side: side(file, one.language, words=False).seconds,
            lambda: rivals.batched(file, one.language).seconds,
            pairs,
        )
        limit = 1.0 if name == "full" else None
        ratio = median(theirs) / median(mine)
        report.note(f"  {name} {median(mine):.1f} s, batched pipeline {median(theirs):.1f} s")
        report.figure(f"{one.name}: throughput ÷ batched pipeline, {name}", ratio, limit=limit, relation=">=")


def _tell_all(report: Report, of: Sequence[Mapping[str, Side]]) -> None:
    """Over all sets of speech: the sums, and the mean rates."""
    better = [min(sides[name].errors.rate for name in RIVALS) for sides in of]
    for name in SIDES:
        errors = sum((sides[name].errors for sides in of), Errors())
        report.note(f"all, {name}: {errors.errors} / {errors.words} (D {errors.deletions})")
    for name in SIDES[2:]:
        mean = sum(sides[name].errors.rate for sides in of) / len(of)
        limit = sum(better) / len(better) if name == "full" else None
        report.figure(f"word errors, mean of {len(of)} sets, {name}", mean, "%", limit=limit)
    report.figure("word errors, the better rival of each set", sum(better) / len(better), "%")
