"""How jobs, batches and transcripts look as rows of a list.

Owns: pure functions from one of them to a line of given columns. Leaves to others: which rows there are
(`whisperctl.tui.views`). Columns of rows of a kind stand below each other, and a row never takes more than it is given.
"""

import re
from typing import NamedTuple

from whisperctl import progress, render
from whisperctl.shapes import Job, Json
from whisperctl.tui.line import Line, Piece, cell, fitted

GLYPHS = {
    "running": ("▶", "cyan"),
    "queued": ("·", "dim"),
    "waiting": ("◔", "yellow"),
    "paused": ("‖", "yellow"),
    "completed": ("✓", "green"),
    "completed_with_errors": ("!", "red"),
    "failed": ("✗", "red"),
    "cancelled": ("–", "dim"),
    "draft": ("○", "dim"),
}
"""A state's sign and style; each sign takes one column."""
_NUMBER = 6
_STAGE = 13
_SPEED = 5
_ETA = 7
_MINUTE = 16
"""Characters of an ISO 8601 time up to its minutes."""


class Moment(NamedTuple):
    """What a row needs besides its subject: `places` in the queue as they are now, seconds that have passed since the
    figures came (`aged`), and what was asked for and is not done yet (`pending`)."""

    place: int | None = None
    aged: float = 0.0
    pending: str | None = None


def job_row(job: Job, columns: int, moment: Moment, indent: int = 0) -> Line:
    """A sign, its place or the time it ended, the name, and what there is to say of a job in its state."""
    sign, style = GLYPHS.get(job["state"], ("?", ""))
    number = f"{moment.place:,}" if moment.place else _ended_at(job)
    label = name_of(job)
    name_columns = min(max(int(columns * 0.36), 12), 64)
    head: Line = (
        Piece(" " * indent),
        Piece(f"{sign} ", style),
        cell(number, _NUMBER, "dim", right=True),
        Piece(" "),
        cell(label, name_columns - indent, "dim" if job["state"] == "cancelled" else "", name=True),
        Piece("  "),
    )
    room = columns - 2 - _NUMBER - 1 - name_columns - 2
    tail = (Piece(moment.pending, "accent"),) if moment.pending else _situation(job, room, moment)
    return (*head, *fitted(tail, room)) if room > 0 else fitted(head, columns)


def _ended_at(job: Job) -> str:
    """The minute at which it ended."""
    return render.local_time(job["finished_at"], date=False)[:5] if job["finished_at"] else ""


def name_of(job: Job) -> str:
    """What a person calls a job's audio: the file's name; dictations have none."""
    return f"dictation {job['id']}" if job["kind"] == "dictation" else render.base_name(job["path"])


def _situation(job: Job, room: int, moment: Moment) -> Line:
    state = job["state"]
    match state:
        case "running":
            return _running(job, room, moment.aged)
        case "queued":
            return _queued(job, room, moment)
        case "waiting":
            reason = f"  {render.safe(without_path(job['error']['message'], job['path']))}" if job["error"] else ""
            return (Piece(progress.next_try(job), "yellow"), Piece(reason, "dim"))
        case "failed":
            return _failed(job)
        case "completed":
            return _completed(job, room)
        case _:
            how_far = f" at {render.percent(job['progress'])}" if 0 < job["progress"] < 1 else ""
            return (Piece(f"{state}{how_far}", GLYPHS.get(state, ("", ""))[1]),)


def _running(job: Job, room: int, aged: float) -> Line:
    """Stage, bar, percentage, speed and time left; of a narrow row, the last ones are left out first."""
    left = "" if job["eta"] is None else render.clock(max(job["eta"] - aged, 0.0))
    speed = render.speed(job["speed"]) if job["speed"] else ""
    after: Line = (Piece(f"{render.percent(job['progress']):>5}", "bold"),)
    if room >= 26:
        after = (*after, cell(left, _ETA + 1, right=True))
    if room >= 38:
        after = (after[0], cell(speed, _SPEED + 1, "dim", right=True), *after[1:])
    taken = sum(render.width(piece.text) for piece in after)
    before: Line = ()
    if room - taken - _STAGE >= 7:
        before = (cell(progress.doing(job), _STAGE, "dim"),)
        taken += _STAGE
    return (*before, *bar(job["progress"], min(room - taken, 48)), *after)


def bar(fraction: float, columns: int, style: str = "cyan") -> Line:
    """A bar of exactly `columns`: what is done in the style, what is left in that of a track."""
    drawn = render.bar(fraction, max(columns, 0))
    done = drawn.rstrip("░")
    return (Piece(done, style), Piece("─" * (len(drawn) - len(done)), "track"))


def _queued(job: Job, room: int, moment: Moment) -> Line:
    length = "" if job["duration"] is None else render.clock(job["duration"])
    facts: list[Piece] = []
    if room >= 34:
        facts += [
            cell(job["kind"] if job["priority"] == progress.CLASSES.get(job["kind"]) else job["priority"], 10, "dim")
        ]
        facts += [cell(length, 7, "dim", right=True), Piece("  ")]
    if job["hold"]:
        return (*facts, Piece(render.safe(job["hold"]), "yellow"))
    starts = starts_in(job, moment.place)
    return (*facts, Piece(f"starts in {render.clock(starts)}" if starts else "", "dim"))


def starts_in(job: Job, place: int | None) -> float | None:
    """Seconds until it starts, by the estimate that came with its place of then, shared out to its place of now."""
    if job["starts_in"] is None or not place or not job["place"]:
        return None
    return job["starts_in"] * min(place / job["place"], 1.0)


def _failed(job: Job) -> Line:
    error = job["error"]
    if error is None:
        return (Piece("failed", "red"),)
    return (Piece(render.safe(without_path(error["message"], job["path"])), "red"),)


def without_path(message: str, path: str) -> str:
    """What a message says of a file, without the path that it begins with: the row has its name already."""
    return message.removeprefix(path).removeprefix(repr(path)).lstrip(": ") or message


def _completed(job: Job, room: int) -> Line:
    facts: list[Piece] = []
    audio, took = job["duration"], job["processing_time"]
    if audio is not None:
        facts.append(Piece(f"{render.clock(audio)} of audio", "green"))
    if audio and took and room >= 30:
        facts.append(Piece(f" in {render.duration(took)} ({render.speed(audio / took)})", "dim"))
    if progress.silent(job):
        facts.append(Piece("  no speech", "dim"))
    if job["partial"]:
        facts.append(Piece("  partial", "yellow"))
    if any(written.get("error") for written in job["outputs"]):
        facts.append(Piece("  a file could not be written", "yellow"))
    return tuple(facts) or (Piece("completed", "green"),)


# -- batches ----------------------------------------------------------------------------------------------------------

BATCH_STATES = {"completed_with_errors": "with errors"}


def batch_row(batch: Json, columns: int, moment: Moment, *, unfolded: bool) -> Line:
    """A fold mark, a sign, the name, how far it is, how many items are done and have failed, speed and time left."""
    sign, style = GLYPHS.get(batch["state"], ("?", ""))
    name_columns = min(max(int(columns * 0.30), 12), 64)
    head: Line = (
        Piece("▾ " if unfolded else "▸ ", "accent"),
        Piece(f"{sign} ", style),
        cell(render.safe(batch["name"]), name_columns, "bold", name=True),
        Piece("  "),
    )
    room = columns - 4 - name_columns - 2
    tail = (Piece(moment.pending, "accent"),) if moment.pending else _batch_situation(batch, room, moment.aged, style)
    return (*head, *fitted(tail, room)) if room > 0 else fitted(head, columns)


def _batch_situation(batch: Json, room: int, aged: float, style: str) -> Line:
    counts = batch["items"]
    state: str = batch["state"]
    done = f"{counts['completed']:,}/{batch['total']:,}"
    failed = f"{counts['failed']:,} failed" if counts["failed"] else ""
    facts: list[Piece] = []
    if room >= 34:
        facts.append(cell(BATCH_STATES.get(state, state), 12, style))
    percent = f"{render.percent(batch['progress']):>5}"
    after = [Piece(percent, "bold"), cell(done, 9 if room < 60 else 13, right=True)]
    if counts["failed"] or room >= 60:
        after.append(cell(failed, 10, "red", right=True))
    if room >= 60:
        speed = render.speed(batch["speed"]) if batch["speed"] and state == "running" else ""
        after.append(cell(speed, _SPEED + 2, "dim", right=True))
    if room >= 46 and (not counts["failed"] or room >= 60):
        left = render.clock(max(batch["eta"] - aged, 0.0)) if batch["eta"] is not None and state == "running" else ""
        after.append(cell(left, _ETA + 2, right=True))
    taken = sum(render.width(piece.text) for piece in (*facts, *after))
    length = min(room - taken, 40)
    drawn = bar(batch["progress"], length, _bar_style(state)) if length >= 4 else ()
    return (*facts, *drawn, *after)


def _bar_style(state: str) -> str:
    return {"completed": "green", "completed_with_errors": "yellow", "paused": "yellow"}.get(state, "cyan")


# -- transcripts ------------------------------------------------------------------------------------------------------


def transcript_row(entry: Json, columns: int) -> Line:
    """When, how long, how sure, whose, and how the text begins or where what was searched for stands in it."""
    at = render.local_time(entry["at"])[5:_MINUTE]
    if "folder" in entry:
        return _folder_row(entry, at, columns)
    confidence = render.percent(entry["confidence"]) if entry["confidence"] else ""
    style = "yellow" if 0 < entry["confidence"] < 0.6 else "dim"
    head: Line = (
        Piece(f"{at}  ", "dim"),
        cell(render.clock(entry["duration"]), 7, right=True),
        cell(confidence, 5, style, right=True),
        Piece("  "),
    )
    if entry["source"] != "dictation" and columns >= 60:
        head = (*head, cell(render.base_name(entry["path"]), min(max(int(columns * 0.2), 14), 40), "accent", name=True))
        head = (*head, Piece("  "))
    return fitted((*head, *snippet(entry)), columns)


def snippet(entry: Json) -> Line:
    """The words around what was searched for, with that marked; where nothing was, how the text begins."""
    if "snippet" not in entry:
        return (Piece(_one_line(entry["beginning"])),)
    return tuple(Piece(_one_line(part["text"]), "match" if part["match"] else "") for part in entry["snippet"])


def _folder_row(entry: Json, at: str, columns: int) -> Line:
    many = render.counted(entry["transcripts"], "transcript")
    folder = Piece(render.safe(entry["folder"]), "accent")
    return fitted(
        (Piece(f"{at}  ", "dim"), cell(render.clock(entry["duration"]), 7, right=True), Piece("       "), folder,
         Piece(f"  {many}", "dim")),
        columns,
    )  # fmt: skip


def _one_line(text: str) -> str:
    """Without line ends; spaces at its ends part it from its neighbours."""
    return render.safe(re.sub(r"\s+", " ", text))
