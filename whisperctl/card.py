"""One job on a page: what `job show` prints.

Owns: a pure function from a job and its story to lines.
"""

from whisperctl import progress, render
from whisperctl.terminal import STATE_STYLES
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Bar, Failure, HistoryEntry, Job, JobStory, Json, Paint, Params

_LABEL_COLUMNS = 12
_PLAIN = ("kind", "previous", "command")
"""What the card says already, or the order of the story's states."""


def lines(result: "JobStory", paint: "Paint", bar: "Bar") -> "list[str]":
    """The card: facts that are known, one a line, then what happened when."""
    job = result["job"]
    card = [paint("bold", f"Job {job['id']}  {render.base_name(job['path'])}")]
    for label, value in _facts(job, paint, bar):
        card.append(f"  {paint('dim', render.pad(label, _LABEL_COLUMNS))}{value}")
    if result["story"]:
        card += ["", paint("bold", "Story")]
        card += [_story_line(entry, paint) for entry in result["story"]]
    return card


def _facts(job: "Job", paint: "Paint", bar: "Bar") -> "list[tuple[str, str]]":
    facts = [("state", paint(STATE_STYLES.get(job["state"], ""), progress.situation(job)))]
    if 0 < job["progress"] < 1:
        drawn = f"{bar(job['progress'], 20)} {render.percent(job['progress'])}".lstrip()
        facts.append(("progress", f"{drawn}, {render.clock(job['done'])} of {render.clock(job['duration'] or 0)}"))
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
    """When, the state that the job came to (or what else happened), and why."""
    data = dict(entry["data"])
    what = entry["event"]
    if what == names.TOPIC_JOB_STATE:
        what = str(data.pop("state", what))
        data = {name: value for name, value in data.items() if name not in _PLAIN}
    error: Failure | None = data.pop("error", None)
    parts = [str(data.pop("reason", "")), error["message"] if error else "", _pairs(data)]
    said = render.safe(", ".join(part for part in parts if part))
    moment = paint("dim", render.local_time(entry["at"]))
    return f"  {moment}  {paint(STATE_STYLES.get(what, ''), render.pad(render.safe(what), 9))}  {said}".rstrip()


def _pairs(data: "Params") -> str:
    """`name value` pairs of a flat JSON object, in its order; what is empty or left to whisperd is left out."""
    told = {name: value for name, value in data.items() if value not in (None, "", [], False, 0, "auto", "default")}
    return ", ".join(f"{render.safe(name.replace('_', ' '))} {_value(value)}" for name, value in told.items())


def _value(value: "Json") -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return " ".join(map(_value, value))  # pyright: ignore[reportUnknownArgumentType]
    return "yes" if value is True else render.safe(str(value))
