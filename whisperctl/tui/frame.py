"""What stands around the rows: title, tabs, banner, titles of sections, footer, and what stands where there are none.

Owns: pure functions from the picture to lines. Leaves to others: the rows themselves (`whisperctl.tui.rows`), and what
is told of workers, dictation and health (`whisperctl.tui.panels`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from whisperctl import render
from whisperctl.tui import views
from whisperctl.tui.line import BLANK, Line, Piece, columns_of, fitted, heading, joined, plain, spread, wrapped
from whisperctl.tui.panels import dictation_state
from whisperctl.tui.picture import Picture

TITLES = {
    views.QUEUE: "Queue",
    views.BATCHES: "Batches",
    views.FAILED: "Failed",
    views.HISTORY: "History",
    views.SYSTEM: "System",
}
_UNFINISHED = ("running", "queued", "waiting", "paused")


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


# -- sections and their absence ---------------------------------------------------------------------------------------

_SECTION_TITLES = {"ended": "recently done", "queue": "queue", "waiting": "waiting for another try"}


def section(picture: Picture, name: str, columns: int) -> Line:
    """The title of a section of the queue's view, with how many are in it and what holds them."""
    state = {"queue": "queued"}.get(name, name)
    number = len(picture.listed(name)) if name == "ended" else max(picture.counted(state), len(picture.listed(name)))
    held = ", ".join(hold["reason"] for hold in picture.status["holds"]) if picture.status and name == "queue" else ""
    count = "" if name == "ended" else f"{number:,}"
    return fitted(heading(_SECTION_TITLES.get(name, name), columns, f"{count}{'  ' + held if held else ''}"), columns)


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
