"""What stands around the list: title, tabs, footer, the strip of workers and dictation, the page of the whole system.

Owns: pure functions from the picture to lines. Leaves to others: the list's rows (`whisperctl.tui.rows`) and what is
told of one job, batch or transcript (`whisperctl.tui.details`).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from whisperctl import render
from whisperctl.shapes import Worker
from whisperctl.tui import views
from whisperctl.tui.line import BLANK, Line, Piece, cell, columns_of, fitted, joined, plain, spread, wrapped
from whisperctl.tui.picture import Picture
from whisperctl.tui.rows import bar

TITLES = {
    views.QUEUE: "Queue",
    views.BATCHES: "Batches",
    views.FAILED: "Failed",
    views.HISTORY: "History",
    views.SYSTEM: "System",
}
_UNFINISHED = ("running", "queued", "waiting", "paused")
_LANE = 12
"""Columns of a lane's name."""


def title(picture: Picture, now: float, columns: int) -> Line:
    """What the daemon does in a few words, how many jobs are in which state, and how long they will take."""
    name = Piece(" whisperd ", "badge")
    if picture.gone:
        seconds = render.duration(max(now - picture.gone.at, 0.0))
        return spread((name, Piece(" ✗ gone", "red bold")), (Piece(f"for {seconds} ", "dim"),), columns)
    if picture.status is None:
        return (name, Piece(" connecting…", "dim"))
    counts: list[Line] = []
    for state, style in (("running", "cyan"), ("queued", ""), ("waiting", "yellow"), ("paused", "yellow")):
        if number := picture.counted(state):
            counts.append((Piece(f"{number:,}", f"{style} bold".strip()), Piece(f" {state}", "dim")))
    if number := picture.counted("failed"):
        counts.append((Piece(f"{number:,}", "red bold"), Piece(" failed", "dim")))
    left: Line = (name, Piece(" "), *_doing(picture), Piece("  "), *joined(counts, "  "))
    return spread(left, (*_pace(picture), Piece(" ")), columns)


def _doing(picture: Picture) -> Line:
    status = picture.status
    if status and status["trouble"]:
        return (Piece("! trouble", "red bold"),)
    if dictation_state(picture) == "listening":
        return (Piece("● listening", "red bold"),)
    if picture.paused:
        return (Piece("‖ queue paused", "yellow bold"),)
    if picture.listed("running"):
        return (Piece("▶ working", "cyan bold"),)
    if picture.counted("queued") or picture.counted("waiting"):
        return (Piece("◔ waiting", "yellow"),)
    return (Piece("○ idle", "green"),)


def _pace(picture: Picture) -> Line:
    """How fast all running jobs are together."""
    speeds = [picture.jobs[number]["speed"] or 0.0 for number in picture.listed("running") if number in picture.jobs]
    return (Piece(f"{render.speed(max(speeds))} real time", "dim"),) if any(speeds) else ()


def tabs(picture: Picture, view: str, columns: int) -> Line:
    """The views' names with how much is in each; a click shows one."""
    counts = {
        views.QUEUE: sum(picture.counted(state) for state in _UNFINISHED),
        views.BATCHES: len(picture.batches),
        views.FAILED: picture.counted("failed"),
    }
    roomy = columns >= 76
    pieces: list[Piece] = []
    for number, name in enumerate(views.VIEWS, 1):
        active = name == view
        click = f"app.show('{name}')"
        count = f" {counts[name]:,}" if counts.get(name) else ""
        pieces.append(Piece(f" {number} ", "tab-active key" if active else "tab key", click))
        pieces.append(Piece(TITLES[name], "tab-active bold" if active else "tab", click))
        alarming = name == views.FAILED and count
        pieces.append(
            Piece(f"{count} ", ("tab-active" if active else "tab") + (" red" if alarming else " count"), click)
        )
        pieces.append(Piece("  " if roomy else ""))
    return fitted(tuple(pieces), columns)


def banner(picture: Picture, columns: int) -> list[Line]:
    """While the daemon is gone, that it is, why and what to do; else nothing."""
    gone = picture.gone
    if gone is None:
        return []
    told = wrapped("whisperd is gone. This is from before; the view goes on when it is back.", columns - 4)
    why = wrapped(f"{gone.message}{'; ' if gone.hint else ''}{gone.hint or ''}", columns - 4)
    lines = [(Piece("  "), *line) for line in (*told, *why)]
    return [
        (Piece(render.pad(plain(line), columns), "banner bold" if number < len(told) else "banner"),)
        for number, line in enumerate(lines)
    ]


# -- the footer -------------------------------------------------------------------------------------------------------


class KeyHint(NamedTuple):
    """A key as it is shown, what it does now, and its action for the mouse."""

    key: str
    does: str
    action: str


def footer(hints: Sequence[KeyHint], columns: int) -> Line:
    """The keys that apply now, as many as there is room for; the last one always."""
    if not hints:
        return BLANK
    last = _hint(hints[-1])
    room = columns - columns_of(last) - 1
    pieces: list[Piece] = [Piece(" ")]
    for hint in hints[:-1]:
        shown = _hint(hint)
        if room < columns_of(shown) + 1:
            continue
        room -= columns_of(shown)
        pieces += shown
    return (*pieces, *last)


def _hint(hint: KeyHint) -> Line:
    return (Piece(hint.key, "key", hint.action), Piece(f" {hint.does}", "dim", hint.action), Piece("  "))


# -- workers and dictation --------------------------------------------------------------------------------------------

WORKER_STATES = {
    "absent": ("○", "not needed", "dim"),
    "loading": ("◔", "loading", "yellow"),
    "idle": ("○", "ready", "green"),
    "busy": ("▶", "working", "cyan"),
    "stopped": ("‖", "made way", "yellow"),
    "broken": ("✗", "broken", "red"),
}


def strip(picture: Picture, columns: int) -> list[Line]:
    """Two lines below the list where there is no room for a panel beside it: the workers, and dictation."""
    half = columns // 2
    cells: list[Piece] = [Piece(" ")]
    for number, worker in enumerate(list(picture.workers.values())[:2]):
        line = fitted(worker_line(worker, short=True), half - 2)
        cells += [*line, Piece(" " * (half - columns_of(line) - number))]
    return [fitted(tuple(cells), columns), fitted((Piece(" "), *dictation_line(picture, columns - 1)), columns)]


def worker_line(worker: Worker, *, short: bool = False) -> Line:
    """A lane: its state, model, device, memory; `short` leaves out what is told elsewhere too."""
    sign, word, style = WORKER_STATES.get(worker["state"], ("?", worker["state"], ""))
    lane = render.safe(worker["lane"])
    facts = [worker["model"] and render.safe(worker["model"].rstrip("/").rpartition("/")[2])]
    facts += [render.safe(" ".join(filter(None, (worker["device"], worker["compute_type"]))))]
    facts += [render.size(worker["memory"]) if worker["memory"] else None]
    if not short:
        facts += [f"job {worker['job']}" if worker["job"] else None, f"pid {worker['pid']}" if worker["pid"] else None]
    told = " ".join(fact for fact in facts if fact)
    after = Piece(f"  {told}" if told else "", "dim")
    return (Piece(f"{sign} ", style), cell(lane, _LANE, "dim"), Piece(word, style), after)


def dictation_state(picture: Picture) -> str | None:
    """`listening`, `idle` or what else the daemon calls it; None where it has no dictation."""
    status = picture.dictation.status
    return str(status["state"]) if status and status.get("state") else None


def dictation_line(picture: Picture, columns: int) -> Line:
    """Whether somebody speaks, how loud, and what is understood so far."""
    state = dictation_state(picture)
    label = cell("dictation", _LANE, "dim")
    if state is None:
        return (Piece("○ ", "dim"), label, Piece("not available", "dim"))
    if state != "listening":
        sign, style = ("▶", "cyan") if state == "thinking" else ("○", "dim")
        error = (picture.dictation.status or {}).get("error")
        trouble: Line = (Piece(f"  {render.safe(error['message'])}", "red"),) if error else ()
        return (Piece(f"{sign} ", style), label, Piece(render.safe(state), style), *trouble)
    before: Line = (Piece("● ", "red"), label, Piece("listening  ", "red bold"), *meter(picture, 12), Piece("  "))
    heard = render.safe(" ".join(picture.dictation.heard.split()))
    return (*before, Piece(_end_of(heard, columns - columns_of(before))))


def _end_of(text: str, columns: int) -> str:
    """The last words, as many as fit: what was said just now."""
    if render.width(text) <= columns:
        return text
    while text and render.width(text) > columns - 1:
        text = text[1:]
    return f"…{text}"


def meter(picture: Picture, columns: int) -> Line:
    """How loud it is, in decibels over a range of 60; yellow and red where it comes near to full scale."""
    dictation = picture.dictation
    style = "red" if dictation.peak > 0.98 else "yellow" if dictation.peak > 0.8 else "green"
    return bar(loudness(dictation.level), columns, style)


def loudness(level: float) -> float:
    """A root of mean square as a part, from 0 to 1, of the 60 decibels below full scale."""
    return min(max(1 + math.log10(level) / 3, 0.0), 1.0) if level > 0 else 0.0


# -- the page of the whole system -------------------------------------------------------------------------------------


def system(picture: Picture, columns: int) -> list[Line]:
    """Everything about the daemon itself: workers, devices, what holds work back, dictation, health, places."""
    status = picture.status
    if status is None:
        return [BLANK, (Piece("  waiting for whisperd…", "dim"),)]
    lines: list[Line] = [heading("workers", columns)]
    for worker in picture.workers.values():
        lines.append((Piece(" "), *worker_line(worker)))
        if worker["error"]:
            lines += _below(worker["error"], columns, "red")
    lines += _below(f"{status['lanes']['count']} lanes: {status['lanes']['reason']}", columns, "dim")
    held = [f"{render.counted(hold['jobs'], 'job')} held: {hold['reason']}" for hold in status["holds"]]
    if held or status["trouble"]:
        lines += [BLANK, heading("what holds work back", columns)]
        lines += [line for text in held for line in _below(text, columns, "yellow")]
        lines += _below(status["trouble"], columns, "red") if status["trouble"] else []
    lines += [BLANK, heading("dictation", columns), (Piece(" "), *dictation_line(picture, columns - 1))]
    lines += _dictation_facts(picture)
    lines += health(picture, columns)
    lines += [BLANK, heading("whisperd", columns)]
    facts = {
        "version": status["version"],
        "process": f"pid {status['pid']}, {render.size(status['memory'])}, up {render.duration(status['uptime'])}",
        "config": status["config"] or "none",
        "state": status["state_dir"],
        "socket": status["socket"],
    }
    lines += [
        fitted((Piece(" "), cell(name, _LANE, "dim"), Piece(render.safe(value))), columns)
        for name, value in facts.items()
    ]
    return [fitted(line, columns) for line in lines]


def _dictation_facts(picture: Picture) -> list[Line]:
    status = picture.dictation.status or {}
    facts = {name: status[name] for name in ("device", "model", "output", "mode") if status.get(name)}
    return [
        (Piece("   "), cell(name, _LANE - 2, "dim"), Piece(render.safe(str(value)))) for name, value in facts.items()
    ]


def health(picture: Picture, columns: int) -> list[Line]:
    """Whether everything is well, and if not, what is wrong and what to do."""
    found = picture.health
    if found is None:
        return []
    sign, style = {"ok": ("✓", "green"), "degraded": ("!", "yellow")}.get(found["state"], ("✗", "red"))
    lines: list[Line] = [BLANK, heading("health", columns)]
    lines.append((Piece(f" {sign} ", style), Piece(render.safe(found["state"]), style)))
    for reason in found["reasons"]:
        lines += _below(reason["message"], columns, "red" if reason["level"] == "failing" else "yellow")
        lines += _below(f"→ {reason['hint']}", columns, "dim")
    return lines


def heading(text: str, columns: int, count: str = "") -> Line:
    """A section's title with a rule to the end of the line."""
    told: Line = (Piece(f" {text.upper()}", "heading"), Piece(f" {count}" if count else "", "count"), Piece(" "))
    return (*told, Piece("─" * max(columns - columns_of(told) - 1, 0), "track"))


def _below(text: str, columns: int, style: str) -> list[Line]:
    return [(Piece("   "), *line) for line in wrapped(text, columns - 4, style)]


# -- beside and instead of rows ---------------------------------------------------------------------------------------

_SECTION_TITLES = {"ended": "recently done", "queue": "queue", "waiting": "waiting for another try"}


def section(picture: Picture, name: str, columns: int) -> Line:
    """The title of a section of the queue's view, with how many are in it and what holds them."""
    state = {"queue": "queued"}.get(name, name)
    number = len(picture.listed(name)) if name == "ended" else max(picture.counted(state), len(picture.listed(name)))
    held = ", ".join(hold["reason"] for hold in picture.status["holds"]) if picture.status and name == "queue" else ""
    count = "" if name == "ended" else f"{number:,}"
    return fitted(heading(_SECTION_TITLES.get(name, name), columns, f"{count}{'  ' + held if held else ''}"), columns)


def aside(picture: Picture, columns: int) -> list[Line]:
    """The lower part of the panel beside the list: workers and dictation."""
    lines: list[Line] = [heading("workers", columns)]
    for worker in picture.workers.values():
        sign, word, style = WORKER_STATES.get(worker["state"], ("?", worker["state"], ""))
        lines.append(
            (Piece(f" {sign} ", style), cell(render.safe(worker["lane"]), _LANE + 1, "bold"), Piece(word, style))
        )
        model = worker["model"] and render.safe(worker["model"].rstrip("/").rpartition("/")[2])
        device = render.safe(" ".join(filter(None, (worker["device"], worker["compute_type"]))))
        memory = render.size(worker["memory"]) if worker["memory"] else None
        if told := "  ".join(fact for fact in (model, device, memory) if fact):
            lines.append((Piece(f"   {told}", "dim"),))
        if worker["error"]:
            lines += _below(worker["error"], columns, "red")
    lines += [BLANK, heading("dictation", columns)]
    state = dictation_state(picture)
    if state == "listening":
        lines.append(
            (
                Piece(" ● ", "red"),
                cell("listening", _LANE + 1, "red bold"),
                *meter(picture, columns - 18),
            )
        )
        lines += [(Piece("   "), *line) for line in wrapped(picture.dictation.heard, columns - 4)][-4:]
    else:
        lines.append((Piece(" "), *dictation_line(picture, columns - 1)))
    return [fitted(line, columns) for line in lines]


def empty(picture: Picture, view: str, filtered: bool) -> list[str]:
    """What stands where there are no rows."""
    if not picture.connected and picture.gone is None:
        return ["", "connecting to whisperd…"]
    if filtered and view != views.HISTORY:
        return ["", "Nothing here has these words in its name.  Esc shows everything."]
    match view:
        case views.QUEUE:
            return ["", "Nothing is queued.", "", "whisperctl submit FILE…      queues files and folders",
                    "whisperctl transcribe FILE   waits for the text"]  # fmt: skip
        case views.BATCHES if "batches" in picture.unknown:
            return ["", "This whisperd has no batches: it is older than this program."]
        case views.BATCHES:
            return [
                "",
                "There are no batches.",
                "",
                "whisperctl batch create NAME DIR…   makes one of all files in folders",
            ]
        case views.FAILED:
            return ["", "Nothing has failed."]
        case _:
            return _no_transcripts(picture)


def _no_transcripts(picture: Picture) -> list[str]:
    if "history" in picture.unknown:
        return ["", "This whisperd has no history: it is older than this program."]
    found = picture.transcripts
    if found.error:
        return ["", found.error]
    if not found.known:
        return ["", "looking…"]
    return ["", f"No text has “{found.query}”." if found.query else "Nothing was transcribed yet."]
