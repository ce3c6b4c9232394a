"""What is told of the daemon itself: its workers, dictation, health.

Owns: pure functions from the picture to the lines of a page, of a panel beside the list, and of a strip below it.
Leaves to others: the rows (`whisperctl.tui.rows`), what stands around them (`whisperctl.tui.frame`), and what is told
of one job, batch or transcript (`whisperctl.tui.details`).
"""

import math

from whisperctl import render
from whisperctl.shapes import Worker
from whisperctl.tui.line import BLANK, Line, Piece, cell, columns_of, fitted, heading, wrapped
from whisperctl.tui.picture import Picture
from whisperctl.tui.rows import bar

_LANE = 12
"""Columns of a lane's name."""
_WORKER_STATES = {
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
        line = fitted(_worker_line(worker, short=True), half - 2)
        cells += [*line, Piece(" " * (half - columns_of(line) - number))]
    return [fitted(tuple(cells), columns), fitted((Piece(" "), *_dictation_line(picture, columns - 1)), columns)]


def _worker_line(worker: Worker, *, short: bool = False) -> Line:
    """A lane: its state, model, device, memory; `short` leaves out what is told elsewhere too."""
    sign, word, style = _WORKER_STATES.get(worker["state"], ("?", worker["state"], ""))
    lane = render.safe(worker["lane"])
    facts = _facts(worker)
    if not short:
        facts += [f"{name} {worker[name]}" for name in ("job", "pid") if worker[name]]
    told = " ".join(facts)
    after = Piece(f"  {told}" if told else "", "dim")
    return (Piece(f"{sign} ", style), cell(lane, _LANE, "dim"), Piece(word, style), after)


def _facts(worker: Worker) -> list[str]:
    """Its model, device and memory, as far as they are known."""
    model = worker["model"].rstrip("/").rpartition("/")[2] if worker["model"] else ""
    device = " ".join(filter(None, (worker["device"], worker["compute_type"])))
    memory = render.size(worker["memory"]) if worker["memory"] else ""
    return [render.safe(fact) for fact in (model, device, memory) if fact]


def dictation_state(picture: Picture) -> str | None:
    """`listening`, `idle` or what else the daemon calls it; None where it has no dictation."""
    status = picture.dictation.status
    return str(status["state"]) if status and status.get("state") else None


def _dictation_line(picture: Picture, columns: int) -> Line:
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
    before: Line = (Piece("● ", "red"), label, Piece("listening  ", "red bold"), *_meter(picture, 12), Piece("  "))
    heard = render.safe(" ".join(picture.dictation.heard.split()))
    return (*before, Piece(_end_of(heard, columns - columns_of(before))))


def _end_of(text: str, columns: int) -> str:
    """The last words, as many as fit: what was said just now."""
    if render.width(text) <= columns:
        return text
    while text and render.width(text) > columns - 1:
        text = text[1:]
    return f"…{text}"


def _meter(picture: Picture, columns: int) -> Line:
    """How loud it is, in decibels over a range of 60; yellow and red where it comes near to full scale."""
    dictation = picture.dictation
    style = "red" if dictation.peak > 0.98 else "yellow" if dictation.peak > 0.8 else "green"
    return bar(loudness(dictation.level), columns, style)


def loudness(level: float) -> float:
    """A root of mean square as a part, from 0 to 1, of the 60 decibels below full scale."""
    return min(max(1 + math.log10(level) / 3, 0.0), 1.0) if level > 0 else 0.0


# -- beside the list, and the page of the whole system ----------------------------------------------------------------


def aside(picture: Picture, columns: int) -> list[Line]:
    """The lower part of the panel beside the list: workers and dictation."""
    lines: list[Line] = [heading("workers", columns)]
    for worker in picture.workers.values():
        sign, word, style = _WORKER_STATES.get(worker["state"], ("?", worker["state"], ""))
        lines.append(
            (Piece(f" {sign} ", style), cell(render.safe(worker["lane"]), _LANE + 1, "bold"), Piece(word, style))
        )
        if told := "  ".join(_facts(worker)):
            lines.append((Piece(f"   {told}", "dim"),))
        if worker["error"]:
            lines += _below(worker["error"], columns, "red")
    lines += [BLANK, heading("dictation", columns)]
    state = dictation_state(picture)
    if state == "listening":
        lines.append((Piece(" ● ", "red"), cell("listening", _LANE + 1, "red bold"), *_meter(picture, columns - 18)))
        lines += [(Piece("   "), *line) for line in wrapped(picture.dictation.heard, columns - 4)][-4:]
    else:
        lines.append((Piece(" "), *_dictation_line(picture, columns - 1)))
    return [fitted(line, columns) for line in lines]


def system(picture: Picture, columns: int) -> list[Line]:
    """Everything about the daemon itself: workers, devices, what holds work back, dictation, health, places."""
    status = picture.status
    if status is None:
        return [BLANK, (Piece("  waiting for whisperd…", "dim"),)]
    lines: list[Line] = [heading("workers", columns)]
    for worker in picture.workers.values():
        lines.append((Piece(" "), *_worker_line(worker)))
        if worker["error"]:
            lines += _below(worker["error"], columns, "red")
    lines += _below(f"{status['lanes']['count']} lanes: {status['lanes']['reason']}", columns, "dim")
    held = [f"{render.counted(hold['jobs'], 'job')} held: {hold['reason']}" for hold in status["holds"]]
    if held or status["trouble"]:
        lines += [BLANK, heading("what holds work back", columns)]
        lines += [line for text in held for line in _below(text, columns, "yellow")]
        lines += _below(status["trouble"], columns, "red") if status["trouble"] else []
    lines += [BLANK, heading("dictation", columns), (Piece(" "), *_dictation_line(picture, columns - 1))]
    lines += _dictation_facts(picture)
    lines += _health(picture, columns)
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


def _health(picture: Picture, columns: int) -> list[Line]:
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


def _below(text: str, columns: int, style: str) -> list[Line]:
    return [(Piece("   "), *line) for line in wrapped(text, columns - 4, style)]
