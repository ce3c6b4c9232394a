"""What is said of batches: a line, a table, and a batch with its items.

Owns: pure functions from batches to lines. Leaves to others: asking (`whisperctl.commands.batch`), redrawing
(`whisperctl.watching`).
"""

from whisperctl import progress, render
from whisperctl.terminal import STATE_STYLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Batch, BatchStory, Job, Json, Paint
    from whisperctl.terminal import Stream

_STYLES = {**STATE_STYLES, "completed_with_errors": STATE_STYLES.get("failed", ""), "draft": ""}
_BAR_COLUMNS = 10
_LEFT_OUT = ("queued", "completed")
"""States of items that go without saying: what is to come and what is done is told by the progress."""


def lines(result: "Json", stream: "Stream") -> "list[str]":
    """What `batch.list` or `batch.show` has answered."""
    return _story(result, stream) if "items" in result else _table(result["batches"], stream)


def line(batch: "Batch") -> str:
    """`3  running  monday: 4 of 12 done, 33%, 1:05 left`."""
    return f"{batch['id']:>4}  {_state(batch)}  {render.safe(batch['name'])}: {situation(batch)}"


def situation(batch: "Batch") -> str:
    """How far a batch is, in a few words."""
    items = batch["items"]
    parts = [f"{items['completed']:,} of {render.counted(batch['total'], 'file')} done"]
    parts += [f"{count:,} {state}" for state, count in items.items() if count and state not in _LEFT_OUT]
    if batch["state"] in ("running", "paused"):
        parts.append(render.percent(batch["progress"]))
    if batch["eta"] is not None and batch["state"] == "running":
        parts.append(f"{'about ' if batch['estimated'] else ''}{render.clock(batch['eta'])} left")
    return ", ".join(parts)


def _state(batch: "Batch") -> str:
    return render.safe(batch["state"]).replace("_", " ")


def _table(batches: "list[Batch]", stream: "Stream") -> "list[str]":
    """The lines of `batch list`."""
    if not batches:
        return ["no batches"]
    rows = [
        [
            (str(batch["id"]), ""),
            (_state(batch), _STYLES.get(batch["state"], "")),
            (f"{stream.bar(batch['progress'], _BAR_COLUMNS)} {render.percent(batch['progress']):>4}".strip(), ""),
            (f"{batch['items']['completed']:,}/{batch['total']:,}", ""),
            (f"{batch['items']['failed']:,}" if batch["items"]["failed"] else "", "red"),
            (render.clock(batch["eta"]) if batch["eta"] is not None and batch["state"] == "running" else "", ""),
            (render.speed(batch["speed"]) if batch["speed"] else "", ""),
            (render.safe(batch["name"]), ""),
        ]
        for batch in batches
    ]
    header = ["id", "state", "progress", "done", "failed", "left", "speed", "name"]
    return render.table(header, rows, stream.size()[0], stream.paint, "><<>>>><")


def _story(result: "BatchStory", stream: "Stream") -> "list[str]":
    """A batch, its figures, a table of its items, and why some have failed."""
    batch = result["batch"]
    told = [stream.paint("bold", f"Batch {batch['id']}  {render.safe(batch['name'])}"), f"  {_figures(batch)}"]
    if result["items"]:
        told += ["", *_items(result["items"], stream)]
    if result["failures"]:
        told += ["", stream.paint("bold", "Failed")]
        told += [_failure(failure, stream.paint) for failure in result["failures"]]
    return told


def _figures(batch: "Batch") -> str:
    parts = [_state(batch), situation(batch), f"{batch['concurrency']} at once"]
    length = render.duration(batch["duration"])
    parts.append(f"{'about ' if batch['estimated'] else ''}{length} of audio in {render.size(batch['size'])}")
    if batch["speed"]:
        rate = f", {batch['megabytes_per_second']:.2f} MB/s" if batch["megabytes_per_second"] else ""
        parts.append(f"{render.speed(batch['speed'])}{rate}")
    return ", ".join(parts)


def _items(items: "list[Job]", stream: "Stream") -> "list[str]":
    columns = [
        ("id", ">", [str(job["id"]) for job in items]),
        ("state", "<", [render.safe(job["state"]) for job in items]),
        ("progress", "<", [_progress(job, stream) for job in items]),
        ("size", ">", [render.size(job["size"]) if job["size"] is not None else "" for job in items]),
        ("length", ">", [render.clock(job["duration"]) if job["duration"] is not None else "" for job in items]),
        ("left", ">", [render.clock(job["eta"]) if job["eta"] is not None else "" for job in items]),
        ("confidence", ">", [render.percent(job["confidence"]) if job["confidence"] else "" for job in items]),
        ("name", "<", [render.base_name(job["path"]) for job in items]),
    ]
    shown = [column for column in columns if any(column[2])]
    cells = zip(*(texts for _, _, texts in shown), strict=True)
    styles = [_STYLES.get(job["state"], "") for job in items]
    rows = [
        [(text, style if title == "state" else "") for (title, _, _), text in zip(shown, row, strict=True)]
        for row, style in zip(cells, styles, strict=True)
    ]
    sides = "".join(side for _, side, _ in shown)
    return render.table([title for title, _, _ in shown], rows, stream.size()[0], stream.paint, sides)


def _progress(job: "Job", stream: "Stream") -> str:
    if job["state"] == "running":
        return f"{stream.bar(job['progress'], _BAR_COLUMNS)} {render.percent(job['progress']):>4}".strip()
    return ", ".join(progress.prospects(job, "in")) if job["state"] == "queued" else ""


def _failure(failure: "Json", paint: "Paint") -> str:
    name, message = render.base_name(failure["path"]), render.safe(failure["message"])
    return f"{failure['job']:>4}  {paint('red', message if name in message else f'{name}: {message}')}"
