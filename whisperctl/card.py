"""One job on a page: what `job show` prints.

Owns: pure functions from a job and its story to lines. Leaves to others: breaking them (`whisperctl.terminal`).
"""

from whisperctl import progress, render
from whisperctl.terminal import STATE_STYLES
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Bar, Failure, Job, JobStory, Json, Paint, Params, StoryEntry

_LABEL_COLUMNS = 12
_STATE_COLUMNS = 9
FACT_COLUMN = 2 + _LABEL_COLUMNS
"""Where the values begin."""
STORY_COLUMN = len("  2026-01-01 00:00:00  ") + _STATE_COLUMNS + 2
"""Where a story's reasons begin."""
_TOLD = ("state", "reason", "error")
_PLAIN = ("kind", "previous", "command", "attempts", "retry_at")
"""What the card says already, what the order of the story's states shows, and what is said in other words."""
_COMMANDS = {"resume": "resumed", "retry": "to be done again", "wake": "its time had come"}
"""What is said of a command besides the state it led to."""
_REASONS = {
    "by command": "by hand",
    "made way": "made way for other work; goes on from its last batch",
    "daemon restarted": "whisperd had died or was killed; goes on from its last batch",
    "the daemon was stopped": "whisperd was stopped; goes on from its last batch",
}
"""What is said of the daemon's reasons; what is not here is a sentence already."""


def facts(job: "Job", paint: "Paint", bar: "Bar") -> "list[str]":
    """What is known of the job, one fact a line."""
    title = paint("bold", f"Job {job['id']}  {render.base_name(job['path'])}")
    labelled = told(job, paint, bar)
    return [title, *(f"  {paint('dim', render.pad(label, _LABEL_COLUMNS))}{value}" for label, value in labelled)]


def told(job: "Job", paint: "Paint", bar: "Bar") -> "list[tuple[str, str]]":
    """The facts worth telling, each with its label."""
    silence = ", no speech was found" if progress.silent(job) else ""
    facts = [("state", paint(STATE_STYLES.get(job["state"], ""), progress.situation(job) + silence))]
    if 0 < job["progress"] < 1:
        drawn = f"{bar(job['progress'], 20)} {render.percent(job['progress'])}".lstrip()
        facts.append(("progress", f"{drawn}, {render.clock(job['done'])} of {render.clock(job['duration'] or 0)}"))
    if job["error"] and job["error"]["hint"]:
        facts.append(("what to do", render.safe(job["error"]["hint"])))
    facts.append(("file", render.safe(job["path"])))
    facts.append(("kind", _kind(job)))
    if job["duration"] is not None:
        facts.append(("audio", render.clock(job["duration"])))
    engine = [part for part in (job["model"], job["device"] and f"on {job['device']}") if part]
    if engine:
        facts.append(("model", render.safe(" ".join(engine))))
    if job["language"]:
        facts.append(("language", render.safe(job["language"])))
    if job["confidence"]:
        facts.append(("confidence", render.percent(job["confidence"])))
    if job["partial"]:
        facts.append(("missing", paint("yellow", render.duration(job["missing"] or 0) + " could not be read")))
    if job["unheard"]:
        facts.append(("unheard", paint("yellow", render.duration(job["unheard"]) + " of speech gave no words")))
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
    if job["outputs_retry_at"]:
        facts.append(("", f"what could not be written is tried again at {render.local_time(job['outputs_retry_at'])}"))
    facts += [("note", render.safe(note)) for note in job["notes"]]
    return facts


def _kind(job: "Job") -> str:
    usual = progress.CLASSES.get(job["kind"]) == job["priority"]
    return render.safe(job["kind"] if usual else f"{job['kind']}, in the class {job['priority']}")


def story(result: "JobStory", paint: "Paint") -> "list[str]":
    """What happened when, an entry a line; a failure told of already, as the job's state or before, is not repeated."""
    job = result["job"]
    told = [job["error"]["message"]] if job["error"] and job["state"] in ("waiting", "failed") else []
    lines: list[str] = []
    for entry in result["story"]:
        lines.append(_story_line(entry, told, paint))
        error: Failure | None = entry["data"].get("error")
        told += [error["message"]] if error else []
    return lines


def _story_line(entry: "StoryEntry", told: "list[str]", paint: "Paint") -> str:
    """When, the state that the job came to (or what else happened), and why, unless that is among the `told`."""
    what, said = entry["event"], _pairs(entry["data"])
    if what == names.TOPIC_JOB_STATE:
        what, said = str(entry["data"].get("state", what)), _change(entry["data"], told)
    moment = paint("dim", render.local_time(entry["at"]))
    state = paint(STATE_STYLES.get(what, ""), render.pad(render.safe(what), _STATE_COLUMNS))
    return f"  {moment}  {state}  {said}".rstrip()


def _change(data: "Params", told: "list[str]") -> str:
    """Why a job's state changed, and after how many tries or when the next one is."""
    error: Failure | None = data.get("error") if data.get("state") in ("waiting", "failed") else None
    reason = str(data.get("reason") or "")
    reason = _REASONS.get(reason, reason)
    command = _COMMANDS.get(str(data.get("command")), "")
    parts = [f"{command} {reason}".strip() if reason == "by hand" else command or reason]
    parts += [error["message"]] if error and error["message"] != reason else []
    parts = [part for part in parts if part not in told]
    tries = data.get("attempts") or 0
    if data.get("retry_at"):
        parts.append(f"try {tries + 1} at {render.local_time(str(data['retry_at']), date=False)}")
    elif data.get("state") == "failed" and tries > 1:
        parts.append(f"after {tries} tries")
    parts.append(_pairs({name: value for name, value in data.items() if name not in (*_PLAIN, *_TOLD)}))
    return render.safe(", ".join(part for part in parts if part))


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
