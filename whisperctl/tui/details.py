"""What is told of one job, batch or transcript: beside the list, or on a page of its own.

Owns: pure functions to lines of given columns. Leaves to others: which facts of a job are worth telling
(`whisperctl.card`).
"""

import re

from whisperctl import card, render
from whisperctl.shapes import Job, JobStory, Json
from whisperctl.tui.line import BLANK, Line, Piece, cell, wrapped
from whisperctl.tui.rows import BATCH_STATES, bar, name_of

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_NAMES = {code: name for name, code in _STYLES.items()}
_PAINTED = re.compile(r"\x1b\[(\d+)m")
_LABEL = 12


def _paint(style: str, text: str) -> str:
    """As a terminal's stream paints, so that what was made for one can be shown here."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style else text


def pieces(painted: str) -> Line:
    """A painted text as pieces."""
    parts = _PAINTED.split(painted)
    styled = [(parts[0], ""), *((parts[n + 1], _NAMES.get(parts[n], "")) for n in range(1, len(parts), 2))]
    return tuple(Piece(text, style) for text, style in styled if text)


def _fact(label: str, value: str, columns: int) -> list[Line]:
    """A label, and beside it a painted value on as many lines as it needs."""
    found = pieces(value)
    style = found[0].style if found else ""
    room = columns - _LABEL - 1
    if len(found) > 1 and sum(render.width(piece.text) for piece in found) <= room:
        lines: list[Line] = [found]
    else:
        lines = wrapped("".join(piece.text for piece in found), room, style)
    labels = [cell(label, _LABEL, "dim"), *[cell("", _LABEL)] * (len(lines) - 1)]
    return [(Piece(" "), named, *line) for named, line in zip(labels, lines, strict=True)]


def job(found: Job, columns: int) -> list[Line]:
    """All facts of a job; a failure first, with what to do about it."""
    lines: list[Line] = [(Piece(" "), *line) for line in wrapped(name_of(found), columns - 2, "bold")]
    lines.append((Piece(f" job {found['id']}", "dim"),))
    error = found["error"]
    if error and found["state"] in ("failed", "waiting"):
        lines += [BLANK, *_indented(wrapped(error["message"], columns - 2, "red"))]
        if error["hint"]:
            lines += _indented(wrapped(f"→ {error['hint']}", columns - 2, "yellow"))
    lines.append(BLANK)
    for label, value in card.told(found, _paint, lambda fraction, length: render.bar(fraction, min(length, 12))):
        if label != "what to do":
            lines += _fact(label, value, columns)
    return lines


def _indented(lines: list[Line]) -> list[Line]:
    return [(Piece(" "), *line) for line in lines]


def story(result: JobStory, columns: int) -> list[Line]:
    """What happened to a job when."""
    lines: list[Line] = [BLANK, (Piece(" what happened", "heading"),)]
    for line in card.story(result, _paint):
        lines += map(pieces, render.wrap(line, columns - 1, hang=card.STORY_COLUMN))
    return lines


def batch(found: Json, columns: int) -> list[Line]:
    """A batch's figures."""
    counts = found["items"]
    lines = [(Piece(" "), *line) for line in wrapped(found["name"], columns - 2, "bold")]
    lines += [(Piece(f" batch {found['id']}", "dim"),), BLANK]
    told = ", ".join(f"{counts[state]:,} {state}" for state in counts if counts[state])
    speed = render.speed(found["speed"]) if found["speed"] else ""
    rate = f"{found['megabytes_per_second']:.1f} MB/s" if found["megabytes_per_second"] else ""
    about = "about " if found["estimated"] else ""
    facts = {
        "state": BATCH_STATES.get(found["state"], found["state"]),
        "items": f"{found['total']:,}: {told}" if told else "none",
        "audio": f"{render.clock(found['done'])} of {about}{render.clock(found['duration'])}",
        "size": render.size(found["size"]),
        "speed": ", ".join(filter(None, (speed, rate))),
        "time left": render.duration(found["eta"]) if found["eta"] is not None else "",
        "at once": render.counted(found["concurrency"], "file"),
        "created": render.local_time(found["created_at"]),
        "started": render.local_time(found["started_at"]) if found["started_at"] else "",
        "finished": render.local_time(found["finished_at"]) if found["finished_at"] else "",
    }
    lines.append(
        (Piece(" "), *bar(found["progress"], columns - 8), Piece(f" {render.percent(found['progress']):>4}", "bold"))
    )
    lines.append(BLANK)
    return [*lines, *(line for label, value in facts.items() if value for line in _fact(label, value, columns))]


def title_of(summary: Json) -> str:
    """What a person calls a transcript's audio."""
    return f"dictation {summary['id']}" if summary["source"] == "dictation" else render.base_name(summary["path"])


def transcript(found: Json, columns: int) -> list[Line]:
    """A finished transcript's facts, and how it begins."""
    lines = [(Piece(" "), *line) for line in wrapped(title_of(found), columns - 2, "bold")]
    lines += [(Piece(f" transcript {found['id']}", "dim"),), BLANK]
    marks = [word for word in ("partial", "edited") if found[word]]
    facts = {
        "source": found["source"] + (f", batch {found['batch_name']}" if found.get("batch_name") else ""),
        "finished": render.local_time(found["at"]),
        "audio": render.clock(found["duration"]),
        "language": found["language"] or "",
        "confidence": render.percent(found["confidence"]) if found["confidence"] else "",
        "model": f"{found['model']} on {found['device']}",
        "took": render.duration(found["processing_time"]),
        "file": "" if found["source"] == "dictation" else found["path"],
        "note": ", ".join(marks),
    }
    lines += [line for label, value in facts.items() if value for line in _fact(label, render.safe(value), columns)]
    return [*lines, BLANK, *_indented(wrapped(found["beginning"], columns - 2))]


def text(transcript: Json, columns: int, *, times: bool) -> list[Line]:
    """A transcript's words: by segments with their times, or as running text."""
    if not times:
        return _indented(wrapped(transcript["text"].strip() or "no speech was found", columns - 2))
    lines: list[Line] = []
    for segment in transcript["segments"]:
        lines += segment_lines(segment, columns)
    return lines or [(Piece(" no speech was found", "dim"),)]


def segment_lines(segment: Json, columns: int) -> list[Line]:
    """When it was said, and what."""
    at = render.clock(segment["start"])
    said = wrapped(segment["text"].strip(), columns - 11)
    labels = [cell(at, 8, "dim", right=True), *[cell("", 8)] * (len(said) - 1)]
    return [(label, Piece("  "), *line) for label, line in zip(labels, said, strict=True)]


def words(now: Job, said: "tuple[Json, ...]", columns: int) -> list[Line]:
    """What has been recognised of a job so far."""
    if not said and now["state"] != "running":
        return []
    lines: list[Line] = [BLANK, (Piece(" the words so far", "heading"),)]
    return [*lines, *(line for segment in said for line in segment_lines(segment, columns))]
