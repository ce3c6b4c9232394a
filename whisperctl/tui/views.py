"""Which rows each view of the live view has, in which order.

Owns: the views, the keys of their rows, filtering, and where cursor and selection go when rows change. Pure. Leaves to
others: how a row looks (`whisperctl.tui.rows`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from whisperctl import render
from whisperctl.tui import picture as known
from whisperctl.tui.picture import Picture, Subject
from whisperctl.tui.rows import name_of

QUEUE, BATCHES, FAILED, HISTORY, SYSTEM = "queue", "batches", "failed", "history", "system"
VIEWS = (QUEUE, BATCHES, FAILED, HISTORY, SYSTEM)

Key = tuple[str, int | str]
"""A row: `("job", 12)`, `("batch", 3)`, `("transcript", 12)`, `("folder", "/x")`, or what can't be chosen, such as
`("heading", "queue")`."""

CHOOSABLE = ("job", "batch", "transcript", "folder")

_ALIVE = (known.RUNNING, known.QUEUE)
_SECTIONS = (known.RUNNING, known.WAITING, known.QUEUE, known.PAUSED, known.ENDED)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows' keys, and how many the filter hides."""

    keys: tuple[Key, ...]
    hidden: int = 0


def rows_of(picture: Picture, view: str, wanted: str, unfolded: Collection[int]) -> Rows:
    """The rows of a view; `wanted` is what names must contain, and `unfolded` the batches whose items are shown."""
    passes = _passing(wanted)
    if view == QUEUE:
        return _queue(picture, passes)
    if view == FAILED:
        numbers = _passed(picture, picture.listed(known.FAILED), passes)
        return Rows(tuple(("job", number) for number in numbers), len(picture.listed(known.FAILED)) - len(numbers))
    if view == BATCHES:
        return _batches(picture, passes, unfolded)
    if view == HISTORY:
        return Rows(tuple(_transcript_key(row) for row in picture.transcripts.rows))
    return Rows(())


Passes = Callable[[str], bool] | None


def _passing(wanted: str) -> Passes:
    """Whether a name contains every word, whatever their case; None where everything passes."""
    words = wanted.casefold().split()
    return (lambda name: all(word in name.casefold() for word in words)) if words else None


def _passed(picture: Picture, numbers: Sequence[int], passes: Passes) -> Sequence[int]:
    if passes is None:
        return numbers
    jobs = picture.jobs
    return [number for number in numbers if passes(name_of(jobs[number])) or passes(str(number))]


def _queue(picture: Picture, passes: Passes) -> Rows:
    keys: list[Key] = []
    hidden = 0
    for section in _SECTIONS:
        listed = picture.listed(section)
        numbers = _passed(picture, listed, passes)
        hidden += len(listed) - len(numbers)
        if not numbers:
            continue
        if keys:
            keys.append(("space", section))
        keys.append(("heading", section))
        keys += [("job", number) for number in numbers]
        if beyond(picture, section):
            keys.append(("more", section))
    return Rows(tuple(keys), hidden)


def beyond(picture: Picture, section: str) -> int:
    """Jobs of a section that are not loaded."""
    if section == known.ENDED or len(picture.listed(section)) < known.LOADED:
        return 0
    state = {known.QUEUE: "queued"}.get(section, section)
    return max(picture.counted(state) - len(picture.listed(section)), 0)


def _batches(picture: Picture, passes: Passes, unfolded: Collection[int]) -> Rows:
    keys: list[Key] = []
    hidden = 0
    for number in sorted(picture.batches, reverse=True):
        items = picture.items.get(number, ()) if number in unfolded else ()
        found = _passed(picture, items, passes)
        if passes is not None and not found and not passes(render.safe(picture.batches[number]["name"])):
            hidden += 1
            continue
        keys.append(("batch", number))
        keys += [("job", item) for item in found]
    return Rows(tuple(keys), hidden)


def _transcript_key(row: "known.Json") -> Key:
    return ("folder", row["folder"]) if "folder" in row else ("transcript", row["id"])


def batch_of(keys: Sequence[Key], index: int) -> int | None:
    """The batch that a row of the batches' view stands under."""
    for what, number in reversed(keys[: index + 1]):
        if what == "batch" and isinstance(number, int):
            return number
    return None


def section_of(keys: Sequence[Key], index: int) -> str:
    """The section that a row stands in; empty where there are none."""
    return next((str(name) for what, name in reversed(keys[:index]) if what == "heading"), "")


def kept_place(before: Sequence[Key], index: int, after: Sequence[Key]) -> int:
    """The cursor's row after the rows changed, by the one that it was on.

    The cursor follows its row, but not to those that are done with, are held or wait: there it would leave what the
    person looks at. Then, and where its row is gone, it takes the first of the rows that followed and are still there,
    else the last of those before. -1 where no row can be chosen.
    """
    cursor = before[index] if 0 <= index < len(before) and before[index][0] in CHOOSABLE else None
    if cursor is not None:
        places = {key: place for place, key in enumerate(after)}
        found = places.get(cursor)
        section = section_of(after, found) if found is not None else ""
        if found is not None and (section in _ALIVE or section == section_of(before, index)):
            return found
        for key in (*before[index + 1 :], *reversed(before[:index])):
            if key in places and key[0] in CHOOSABLE:
                return places[key]
    return next((place for place, key in enumerate(after) if key[0] in CHOOSABLE), -1)


def subject_of(key: Key | None) -> Subject | None:
    """The job or batch that a row stands for."""
    if key is not None and key[0] in ("job", "batch") and isinstance(key[1], int):
        return key[0], key[1]
    return None
