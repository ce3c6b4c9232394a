"""One job on a page: what `job show` prints.

Owns: a pure function from a job and its story to lines.
"""

from whisperctl import progress, render
from whisperctl.terminal import STATE_STYLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import HistoryEntry, Job, JobStory, Json, Paint

_LABEL_COLUMNS = 12


def lines(result: "JobStory", paint: "Paint", blocks: bool) -> "list[str]":
    """The card: facts that are known, one a line, then what happened when."""
    job = result["job"]
    card = [paint("bold", f"Job {job['id']}  {render.base_name(job['path'])}")]
    for label, value in _facts(job, paint, blocks):
        card.append(f"  {paint('dim', render.pad(label, _LABEL_COLUMNS))}{value}")
    if result["story"]:
        card += ["", paint("bold", "Story")]
        card += [_story_line(entry, paint) for entry in result["story"]]
    return card


def _facts(job: "Job", paint: "Paint", blocks: bool) -> "list[tuple[str, str]]":
    facts = [("state", paint(STATE_STYLES.get(job["state"], ""), progress.situation(job)))]
    if 0 < job["progress"] < 1:
        bar = f"{render.bar(job['progress'], 20, blocks)} {render.percent(job['progress'])}"
        facts.append(("progress", f"{bar}, {render.clock(job['done'])} of {render.clock(job['duration'] or 0)}"))
    if job["error"] and job["error"]["hint"]:
        facts.append(("what to do", render.safe(job["error"]["hint"])))
    facts.append(("file", render.safe(job["path"])))
    facts.append(("kind", render.safe(job["kind"])))
    if job["duration"] is not None:
        facts.append(("audio", render.clock(job["duration"])))
    engine = [part for part in (job["model"], job["device"] and f"on {job['device']}") if part]
    if engine:
        facts.append(("model", render.safe(" ".join(engine))))
    if job["language"]:
        facts.append(("language", render.safe(job["language"])))
    if job["confidence"] is not None:
        facts.append(("confidence", render.percent(job["confidence"])))
    if job["partial"]:
        facts.append(("missing", paint("yellow", render.duration(job["missing"] or 0) + " could not be read")))
    moments = {
        "created": job["created_at"],
        "started": job["started_at"],
        "finished": job["finished_at"],
        "next try": job["retry_at"],
    }
    facts += [(label, render.local_time(moment)) for label, moment in moments.items() if moment]
    if job["attempts"] > 1:
        facts.append(("attempts", str(job["attempts"])))
    if job["options"]:
        facts.append(("options", _pairs(job["options"])))
    for written in job["outputs"]:
        problem = written.get("error")
        path = render.safe(written["path"])
        facts.append((written["format"], paint("red", f"{path}: {render.safe(problem)}") if problem else path))
    facts += [("note", render.safe(note)) for note in job["notes"]]
    return facts


def _story_line(entry: "HistoryEntry", paint: "Paint") -> str:
    moment = paint("dim", render.local_time(entry["at"]))
    return f"  {moment}  {render.safe(entry['event'])}  {_pairs(entry['data'])}".rstrip()


def _pairs(data: "dict[str, Json]") -> str:
    """`name value` pairs of a flat JSON object, in its order; what is empty is left out."""
    told = {name: value for name, value in data.items() if value not in (None, "", [])}
    return ", ".join(f"{render.safe(name)} {_value(value)}" for name, value in told.items())


def _value(value: "Json") -> str:
    if isinstance(value, str):
        return render.safe(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return f"({_pairs(value)})"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, list):
        return " ".join(_value(part) for part in value)  # pyright: ignore[reportUnknownVariableType]
    return str(value)
