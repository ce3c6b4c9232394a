"""What is on the screen: the picture as rows and panels, for what the person looks at.

Owns: which function of `rows`, `frame`, `panels` and `details` makes which line, and what lines need besides the
picture: places in the queue as they are now, and how old figures are. Leaves to others: the widgets
(`whisperctl.tui.app`).
"""

import time

from whisperctl.tui import details, frame, panels, rows, views
from whisperctl.tui import picture as known
from whisperctl.tui.line import BLANK, Line, Piece
from whisperctl.tui.picture import Picture, Subject
from whisperctl.tui.views import Key, Rows


class Scene:
    """`picture` is the newest; `view` is what is looked at, `wanted` the filter of each view, `unfolded` the batches
    whose items are shown."""

    def __init__(self) -> None:
        self.picture = Picture()
        self.view = views.QUEUE
        self.wanted: dict[str, str] = {}
        self.unfolded: frozenset[int] = frozenset()
        self._places: tuple[tuple[int, ...], dict[int, int]] = ((), {})
        self._seen: dict[Subject, tuple[float, float]] = {}

    @property
    def filter(self) -> str:
        """The words that are looked for in this view."""
        return self.wanted.get(self.view, "").strip()

    @property
    def query(self) -> str:
        """What transcripts are searched for."""
        return self.wanted.get(views.HISTORY, "").strip()

    def relevant(self, subject: Subject) -> bool:
        """Whether the person sees anything of a subject."""
        what, number = subject
        if what in self.picture.unknown:
            return False
        if what == "items":
            return number in self.unfolded
        if what == "words":
            return number == self.picture.followed
        return what not in (views.HISTORY, "health") or self.view == {"health": views.SYSTEM}.get(what, what)

    def shown(self) -> Rows:
        """The rows of the view, or a few words where there are none."""
        found = views.rows_of(self.picture, self.view, self.filter, self.unfolded)
        if found.keys:
            return found
        return Rows(tuple(("note", text) for text in frame.empty(self.picture, self.view, bool(self.filter))))

    def row(self, key: Key, columns: int) -> Line:
        """A row of a list, whatever it is."""
        picture = self.picture
        match key:
            case ("job", int(number)) if number in picture.jobs:
                return self._job_row(number, columns)
            case ("batch", int(number)) if number in picture.batches:
                batch = picture.batches[number]
                moment = self._moment(("batch", number), batch["eta"])
                row = rows.batch_row(batch, columns - 2, moment, unfolded=number in self.unfolded)
                return (Piece(" "), *row)
            case ("transcript" | "folder", _):
                found = self._transcript(key)
                return (Piece(" "), *rows.transcript_row(found, columns - 2)) if found else BLANK
            case ("heading", str(section)):
                return frame.section(picture, section, columns)
            case ("more", str(section)):
                return (Piece(f"           and {views.beyond(picture, section):,} more", "dim"),)
            case ("note", str(text)):
                return (Piece(f"  {text}", "dim"),)
            case _:
                return BLANK

    def _job_row(self, number: int, columns: int) -> Line:
        job = self.picture.jobs[number]
        place = self._place_of(number) if job["state"] == "queued" and job["place"] else None
        indent = "    " if self.view == views.BATCHES else " "
        return (
            Piece(indent),
            *rows.job_row(job, columns - len(indent) - 1, self._moment(("job", number), job["eta"], place)),
        )

    def details(self, cursor: Key | None, columns: int) -> list[Line]:
        """Everything about the row with the cursor."""
        picture = self.picture
        match cursor:
            case ("job", int(number)) if number in picture.jobs:
                return details.job(picture.jobs[number], columns)
            case ("batch", int(number)) if number in picture.batches:
                return details.batch(picture.batches[number], columns)
            case ("transcript", _):
                found = self._transcript(cursor)
                return details.transcript(found, columns) if found else []
            case _:
                return []

    def side(self, cursor: Key | None, columns: int, height: int) -> list[Line]:
        """Beside the list: the row with the cursor, and at the bottom workers and dictation."""
        below = panels.aside(self.picture, columns)
        told = [BLANK, *self.details(cursor, columns)][: max(height - len(below), 0)]
        return [*told, *[BLANK] * (height - len(told) - len(below)), *below]

    def _transcript(self, key: Key) -> known.Json:
        wanted = {"transcript": "id", "folder": "folder"}[key[0]]
        return next((row for row in self.picture.transcripts.rows if row.get(wanted) == key[1]), None)

    def _moment(self, subject: Subject, eta: float | None, place: int | None = None) -> rows.Moment:
        return rows.Moment(place, self._aged(subject, eta), self.picture.pending.get(subject))

    def _place_of(self, number: int) -> int | None:
        """Its place in the queue as it is now: the daemon's figure ages with every job that starts."""
        queue = self.picture.listed(known.QUEUE)
        if self._places[0] is not queue:
            self._places = queue, {job: place for place, job in enumerate(queue, 1)}
        return self._places[1].get(number)

    def _aged(self, subject: Subject, eta: float | None) -> float:
        """Seconds since this figure was first seen."""
        if eta is None:
            return 0.0
        now = time.monotonic()
        seen = self._seen.get(subject)
        if seen is None or seen[0] != eta:
            self._seen[subject] = (eta, now)
            return 0.0
        return now - seen[1]
