"""What a job's line says: its state, how far it is, how fast, how long it will take.

Owns: pure functions from jobs to lines. Leaves to others: when lines are shown (`whisperctl.monitor`), and how values
look (`whisperctl.render`).
"""

from whisperctl import render
from whisperctl.terminal import STATE_STYLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Bar, Job, Paint

STAGES = {
    "opening": "opening",
    "loading_model": "loading model",
    "detecting_language": "language",
    "transcribing": "transcribing",
    "writing": "writing",
}
CLASSES = {"dictation": "interactive", "file": "normal", "batch": "low", "watch": "low"}
"""The class that a job of a kind is in, unless a person chose another."""
_STAGE_COLUMNS = max(map(len, STAGES.values()))
_SPEED_COLUMNS = len("12.5×")
_LEFT_COLUMNS = len("1:05:00 left")
_NAME_SHARE = 0.35
"""Of a line's columns, the part that a name may take."""
_BAR_COLUMNS = (6, 40)
"""The shortest bar that says anything, and the longest."""


def doing(job: "Job") -> str:
    """A running job's stage, any other's state."""
    stage = job["stage"]
    return STAGES.get(stage, render.safe(stage)) if job["state"] == "running" and stage else job["state"]


def situation(job: "Job", now_left: float | None = None) -> str:
    """A job's state in a few words; `now_left` is the seconds left now, where the job's own figure has aged."""
    state, error = job["state"], job["error"]
    left = job["eta"] if now_left is None else now_left
    if state == "running":
        parts = [doing(job), render.percent(job["progress"])]
        parts += [render.speed(job["speed"])] if job["speed"] else []
        parts += [f"{render.clock(left)} left"] if left is not None else []
        return ", ".join(parts)
    if state == "queued":
        return ", ".join(["queued", *prospects(job)])
    if state == "waiting":
        reason = f" after: {render.safe(error['message'])}" if error else ""
        return f"waiting, {next_try(job)}{reason}"
    if state == "failed" and error:
        return f"failed: {render.safe(error['message'])}"
    if state == "completed":
        return f"completed{work_done(job)}"
    return state


def prospects(job: "Job", starts: str = "starts in") -> "list[str]":
    """What a queued job can look forward to: what holds it, or its place and when it starts."""
    if job["hold"]:
        return [render.safe(job["hold"])]
    parts = [f"place {job['place']:,}"] if job["place"] else []
    parts += [f"{starts} {render.clock(job['starts_in'])}"] if job["starts_in"] else []
    return parts


def next_try(job: "Job") -> str:
    """`try 2 at 14:03:05` of a job that waits to be tried again."""
    at = f" at {render.local_time(job['retry_at'], date=False)}" if job["retry_at"] else ""
    return f"try {job['attempts'] + 1}{at}"


def work_done(job: "Job") -> str:
    """`, 1:05:00 of audio in 5 m 12 s (12×)` of a completed job, as far as it is known."""
    audio, took = job["duration"], job["processing_time"]
    if audio is None or not took:
        return ""
    return f", {render.clock(audio)} of audio in {render.duration(took)} ({render.speed(audio / took)})"


def silent(job: "Job") -> bool:
    """Whether no speech was found: a text's confidence is above 0."""
    return job["state"] == "completed" and job["confidence"] == 0


def label_columns(labels: "list[str]", columns: int) -> int:
    """Columns for the names of jobs that stand below each other."""
    return min(max(map(render.width, labels)), max(int(columns * _NAME_SHARE), 8))


def line(job: "Job", label: str, columns: int, paint: "Paint", bar: "Bar", left: "float | None" = None) -> str:
    """A job's line in at most `columns`; `label` has its columns already. `left` is the seconds left now."""
    if job["state"] != "running":
        state = render.fit(situation(job), columns - render.width(label) - 1)
        return f"{label} {paint(STATE_STYLES.get(job['state'], ''), state)}"
    before, after = _facts(job, left, columns)
    room = columns - render.width(label) - 1 - sum(render.width(fact) + 1 for fact in before + after)
    return " ".join([label, *before, *_bar(job["progress"], room, paint, bar), *after])


def _bar(fraction: float, room: int, paint: "Paint", bar: "Bar") -> "list[str]":
    """A bar that fits into `room`, if one does."""
    columns = min(room, _BAR_COLUMNS[1])
    drawn = bar(fraction, columns) if columns >= _BAR_COLUMNS[0] else ""
    return [paint("cyan", drawn)] if drawn else []


def _facts(job: "Job", left: float | None, columns: int) -> "tuple[list[str], list[str]]":
    """What stands before and after the bar; fewer facts in fewer columns."""
    percent = f"{render.percent(job['progress']):>4}"
    stage = render.pad(doing(job), _STAGE_COLUMNS)
    speed = render.pad(render.speed(job["speed"]) if job["speed"] else "", _SPEED_COLUMNS, right=True)
    remaining = render.pad(f"{render.clock(left)} left" if left is not None else "", _LEFT_COLUMNS, right=True)
    if columns >= 68:
        return [stage], [percent, speed, remaining]
    if columns >= 54:
        return [stage], [percent, remaining]
    if columns >= 34:
        return [], [percent, remaining]
    return [], [percent]


def total(jobs: "list[Job]", columns: int, paint: "Paint", bar: "Bar") -> str:
    """One line for many jobs: how many are done, and how far all of them are together."""
    states = [job["state"] for job in jobs]
    words = [f"{states.count('completed'):,} of {len(jobs):,} done"]
    words += [f"{states.count(state):,} {state}" for state in ("failed", "cancelled") if state in states]
    text = render.fit(", ".join(words), columns)
    percent = f"{render.percent(fraction(jobs)):>4}"
    drawn = _bar(fraction(jobs), columns - render.width(text) - len(percent) - 2, paint, bar)
    return " ".join([text, *drawn, percent]) if drawn else text


def fraction(jobs: "list[Job]") -> float:
    """How far all that did not fail are, from 0 to 1: by seconds of audio once all lengths are known, else by files."""
    going = [job for job in jobs if job["state"] not in ("failed", "cancelled")]
    weights = [job["duration"] or 0.0 for job in going]
    if not all(weights):
        weights = [1.0] * len(going)
    done = [1.0 if job["state"] == "completed" else job["progress"] for job in going]
    return sum(part * weight for part, weight in zip(done, weights, strict=True)) / sum(weights) if going else 1.0


def visible(jobs: "list[Job]", room: int) -> "list[Job]":
    """The jobs whose lines are worth the most where there is room for so many: in progress first, then what is next."""
    if len(jobs) <= room:
        return jobs
    ranks = {"running": 0, "waiting": 1, "queued": 2, "paused": 3, "failed": 4}
    chosen = sorted(jobs, key=lambda job: (ranks.get(job["state"], 5), job["place"] or 0))[:room]
    numbers = {job["id"] for job in chosen}
    return [job for job in jobs if job["id"] in numbers]
