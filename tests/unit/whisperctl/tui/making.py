"""Jobs, batches and pictures for tests of the live view."""

from typing import Any

from tests.scripted_daemon import job
from whisperctl.tui.advance import advance
from whisperctl.tui.inputs import ListCame, StatusCame
from whisperctl.tui.picture import LIST_OF_STATE, Picture

COUNTS = dict.fromkeys(("queued", "running", "waiting", "paused", "completed", "failed", "cancelled"), 0)


def status(*running: Any, **facts: Any) -> Any:
    return {
        "version": "1", "pid": 1, "started_at": "2026-01-01T00:00:00.000Z", "uptime": 5.0, "state_dir": "/s",
        "socket": "/w.sock", "config": None, "memory": 30_000_000, "queue": COUNTS, "paused": False, "trouble": None,
        "holds": [], "lanes": {"count": 2, "reason": "there is room"}, "workers": [worker("interactive")],
        "running": list(running), **facts,
    }  # fmt: skip


def worker(lane: str, **facts: Any) -> Any:
    about = dict.fromkeys(("pid", "model", "device", "compute_type", "job", "memory", "error"))
    return {"lane": lane, "state": "absent", **about, **facts}


def batch(number: int, state: str = "running", **facts: Any) -> Any:
    return {
        "id": number, "name": f"batch {number}", "state": state, "concurrency": 3, "options": {}, "total": 4,
        "items": COUNTS, "size": 1_000, "progress": 0.5, "done": 5.0, "duration": 10.0, "estimated": False,
        "created_at": "2026-01-01T00:00:00.000Z", "speed": None, "megabytes_per_second": None, "eta": None,
        "started_at": None, "finished_at": None, **facts,
    }  # fmt: skip


def in_state(number: int, state: str, **facts: Any) -> Any:
    """A job with what one in that state has."""
    usual: dict[str, Any] = {
        "queued": {"place": number},
        "running": {"stage": "transcribing", "started_at": f"2026-01-01T00:00:{number % 60:02}.000Z"},
        "waiting": {"retry_at": "2026-01-01T00:10:00.000Z"},
        "failed": {"error": {"kind": "bad_input", "message": "not audio", "hint": None}},
    }.get(state, {})
    if state in ("failed", "completed", "cancelled"):
        usual["finished_at"] = f"2026-01-01T00:00:{number % 60:02}.000Z"
    return job(number, state, **{**usual, **facts})


def picture_of(*jobs: Any, **facts: Any) -> Picture:
    """What is known once a daemon with these jobs was asked for everything."""
    lists: dict[str, list[Any]] = {name: [] for name in LIST_OF_STATE.values()}
    for one in jobs:
        lists[LIST_OF_STATE[one["state"]]].append(one)
    answers = [ListCame(name, tuple(found)) for name, found in lists.items()]
    return advance(
        Picture(connected=True, stale=frozenset()), [StatusCame(status(*lists["running"], **facts)), *answers]
    )
