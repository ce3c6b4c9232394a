"""The keys: which there are, which apply now, and what the help page says of them.

Owns: those tables and rules; pure. Leaves to others: what an action does (`whisperctl.tui.app`).
"""

from collections.abc import Collection

from whisperctl.tui import views
from whisperctl.tui.frame import KeyHint
from whisperctl.tui.line import BLANK, Line, Piece, cell
from whisperctl.tui.picture import Picture, Subject
from whisperctl.tui.verbs import VERBS, meant, movable
from whisperctl.tui.views import Key

_AROUND = (
    "Look around",
    {
        "1 – 5  Tab": "the five views",
        "↑ ↓  j k": "a row",
        "PgUp PgDn": "a page",
        "Home End": "first and last row",
        "→ ←": "unfold, fold a batch",
        "Enter": "open: text, story, batch",
        "i": "everything about a job",
        "f": "follow the words of a job",
        "/": "filter; search in History",
        "Esc": "take back, close",
    },
)
_DO = (
    "Do it, with a row or all chosen",
    {
        "Space  a": "choose a row, all",
        "p  r": "pause, resume",
        "t": "try again",
        "c  d": "cancel, delete (ask)",
        "s": "start a draft batch",
        "K J": "up, down in the queue",
        "m": "move to a place",
    },
)
_ALL = (
    "Everything",
    {
        "P": "pause, resume the queue",
        "X": "forget finished jobs (asks)",
        "T": "dark, bright, own colours",
        "q": "quit; whisperd goes on",
    },
)
_MOUSE = (
    "Mouse",
    {
        "click": "go there; tabs, keys too",
        "twice": "open",
        "Ctrl Shift": "choose one, a range",
    },
)


def help_columns() -> "tuple[list[Line], list[Line]]":
    """The help page's two columns."""
    return (_help(_AROUND, _MOUSE), _help(_DO, _ALL))


def _help(*groups: "tuple[str, dict[str, str]]") -> "list[Line]":
    lines: list[Line] = []
    for name, does in groups:
        lines += [BLANK] if lines else []
        lines.append((Piece(name, "heading"),))
        lines += [(cell(key, 11, "key"), Piece(what)) for key, what in does.items()]
    return lines


def hints(
    picture: Picture,
    view: str,
    cursor: "Key | None",
    subjects: "tuple[Subject, ...]",
    *,
    filtered: bool = False,
    chosen: int = 0,
    unfolded: "Collection[int]" = (),
) -> "list[KeyHint]":
    """What the footer shows, the most useful first; `subjects` are what a verb would be for."""
    found: list[KeyHint] = []
    if picture.gone is None:
        found += _verbs(picture, view, subjects)
    if cursor is not None:
        opens = "open" if cursor[0] != "batch" else "fold" if cursor[1] in unfolded else "unfold"
        found.insert(min(len(found), 1), KeyHint("⏎", opens, "app.open"))
        if cursor[0] == "job" and picture.gone is None and _running(picture, cursor):
            found.append(KeyHint("f", "follow", "app.open"))
    if chosen or filtered:
        found.append(KeyHint("esc", "unchoose" if chosen else "all", "app.take_back"))
    if view != views.SYSTEM:
        found.append(KeyHint("/", "search" if view == views.HISTORY else "filter", "app.filter"))
    if subjects:
        found.append(KeyHint("space", "choose", "app.choose"))
    if view in (views.QUEUE, views.SYSTEM) and picture.gone is None:
        found.append(KeyHint("P", "resume queue" if picture.paused else "pause queue", "app.queue"))
    found += [KeyHint("q", "quit", "app.quit"), KeyHint("?", "help", "app.help")]
    return found


def _running(picture: Picture, key: Key) -> bool:
    job = picture.jobs.get(key[1]) if isinstance(key[1], int) else None
    return job is not None and job["state"] == "running"


def _verbs(picture: Picture, view: str, subjects: "tuple[Subject, ...]") -> "list[KeyHint]":
    found: list[KeyHint] = []
    for verb in VERBS:
        if number := len(meant(verb, picture, subjects)):
            count = f" {number:,}" if len(subjects) > 1 else ""
            found.append(KeyHint(verb.key, f"{verb.name}{count}", f"app.verb('{verb.name}')"))
    if view == views.QUEUE and movable(picture, subjects):
        found.append(KeyHint("m", "move", "app.move_to"))
    return found
