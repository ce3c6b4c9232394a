"""Jobs on stderr while a command waits for them: lines redrawn in place on a terminal, plain ones elsewhere.

Owns: when something is shown. Leaves to others: what a job's line says (`whisperctl.progress`), redrawing
(`whisperctl.terminal`), and following jobs (`whisperctl.follow`).
"""

import time

from whisperctl import progress, render
from whisperctl.echo import Echo
from whisperctl.follow import RECHECK
from whisperctl.terminal import Live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Job
    from whisperctl.terminal import Output

_REDRAW = 0.5
"""Seconds between two drawings without news: the time left counts down, and the terminal may have another size."""
_AT_MOST = 0.1
"""Seconds between two drawings at least: thousands of jobs may change at once."""
_QUIET = 5.0
"""Seconds without a plain line about a job whose stage has not changed."""
_FEW = 20
"""Up to so many jobs, plain lines tell of those that are queued too."""


class Monitor:
    """A context that shows jobs as they change, and takes what it drew away at its end.

    `labels` are names, by id, for what is better not called by its file's name.
    """

    def __init__(self, output: "Output", labels: "dict[int, str] | None" = None) -> None:
        self._stream = output.err
        self._live = Live(output.err)
        self._echo = Echo(self._live.leave)
        self._labels = labels or {}
        self._jobs: dict[int, Job] = {}
        self._left: dict[int, tuple[float, float]] = {}
        self._said: dict[int, tuple[float, str]] = {}
        self._drawn_at = time.monotonic()
        self.tick = _REDRAW if self._stream.live else RECHECK

    def __enter__(self) -> None:
        if self._stream.live:
            self._echo.__enter__()

    def __exit__(self, *_: object) -> None:
        try:
            self.clear()
        finally:
            self._echo.__exit__()

    def update(self, job: "Job | None") -> None:
        """Take in a job as it is now, or that there is nothing new for a while, and show it."""
        if job:
            self._jobs[job["id"]] = job
            self._labels.setdefault(job["id"], render.base_name(job["path"]))
            if job["eta"] is not None:
                self._left[job["id"]] = (time.monotonic(), job["eta"])
        if not self._stream.live:
            if job:
                self._say(job)
        elif not job or time.monotonic() - self._drawn_at >= _AT_MOST:
            self._draw()
            self._drawn_at = time.monotonic()

    def aside(self, text: str) -> None:
        """A line on stderr that stays, above what is redrawn."""
        self.clear()
        self._stream.write(self._stream.wrapped(text, hang=4) + "\n")

    def clear(self) -> None:
        """Make room for something else to be printed."""
        if self._stream.live:
            self._live.clear()

    def _draw(self) -> None:
        if not self._stream.foreground():
            self._live.leave()
            return
        self._echo.hush()
        columns, height = self._stream.size()
        columns -= 1  # a line that fills the last column makes some terminals go on to the next
        jobs = list(self._jobs.values())
        shown = progress.visible(jobs, max(height - 2, 1))
        name_columns = progress.label_columns([self._labels[job["id"]] for job in shown], columns)
        lines = [self._line(job, name_columns, columns) for job in shown]
        if len(jobs) > 1:
            lines.append(progress.total(jobs, columns, self._stream.paint, self._stream.bar))
        self._live.draw(lines)

    def _line(self, job: "Job", name_columns: int, columns: int) -> str:
        number = job["id"]
        left = job["eta"]
        if left is not None and number in self._left:
            seen, eta = self._left[number]
            left = max(eta - (time.monotonic() - seen), 0.0)
        label = render.pad(render.fit_name(self._labels[number], name_columns), name_columns)
        return progress.line(job, label, columns, self._stream.paint, self._stream.bar, left)

    def _say(self, job: "Job") -> None:
        """A plain line when the stage changes, and for a long one now and then."""
        number, doing = job["id"], progress.doing(job)
        said_at, said = self._said.get(number, (0.0, ""))
        now = time.monotonic()
        if doing == said and (job["state"] != "running" or now - said_at < _QUIET):
            return
        if doing == "queued" and len(self._jobs) > _FEW:
            return
        self._said[number] = (now, doing)
        told = doing if job["state"] == "failed" else progress.situation(job)  # why is told at its end
        self._stream.write(f"job {number} {self._labels[number]}: {told}\n")
