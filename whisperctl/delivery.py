"""Waiting for jobs to end: with their texts as they come, or only to see how they ended.

Owns: the order of texts, and what Ctrl-C leaves behind. Leaves to others: following (`whisperctl.follow`), progress
(`whisperctl.monitor`), and the words about how jobs ended (`whisperctl.outcome`).
"""

from whisperctl import outcome, render
from whisperctl.follow import follow
from whisperctl.monitor import Monitor
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.follow import Link
    from whisperctl.shapes import Job, Json
    from whisperctl.terminal import Output


def follow_to_end(output: "Output", link: "Link", ids: "list[int]") -> "list[Job]":
    """Show progress until all are final; the jobs in the order of `ids`. Ctrl-C says that they go on."""
    monitor = Monitor(output)
    link.notice = monitor.aside
    jobs: dict[int, Job] = {}
    try:
        with monitor:
            for job in follow(link, ids, monitor.tick):
                monitor.update(job)
                if job:
                    jobs[job["id"]] = job
    except KeyboardInterrupt:
        output.note(outcome.goes_on([number for number in ids if not final(jobs.get(number))]))
        raise
    for number in ids:
        outcome.report(output, jobs[number], render.base_name(jobs[number]["path"]))
    return [jobs[number] for number in ids]


def final(job: "Job | None") -> bool:
    return job is not None and job["state"] in names.FINAL_STATES


class Delivery:
    """Prints each job's text once it and those before it are final.

    `labels` are names, by id, for what is better not called by its file's name.
    """

    def __init__(self, output: "Output", link: "Link", jobs: "list[Job]", labels: "dict[int, str]") -> None:
        self.order = [job["id"] for job in jobs]
        self.jobs: dict[int, Job] = {}
        self._output = output
        self._link = link
        self._labels = {job["id"]: render.base_name(job["path"]) for job in jobs} | labels
        self._monitor = Monitor(output, self._labels)
        self._next = 0

    def run(self) -> int:
        """The exit status, when all are delivered. Ctrl-C says what goes on without us, and is raised again."""
        self._link.notice = self._monitor.aside
        try:
            with self._monitor:
                for job in follow(self._link, self.order, self._monitor.tick):
                    self._monitor.update(job)
                    if job:
                        self.jobs[job["id"]] = job
                        self._deliver()
        except KeyboardInterrupt:
            going = [number for number in self.order if not final(self.jobs.get(number))]
            self._output.note(outcome.goes_on(going))
            raise
        return outcome.status([self.jobs[number] for number in self.order])

    def _deliver(self) -> None:
        while self._next < len(self.order) and final(self.jobs.get(self.order[self._next])):
            job = self.jobs[self.order[self._next]]
            result: Json = job
            if job["state"] == "completed":
                result = self._link.call(names.JOB_TEXT, {"id": job["id"]})
            self._monitor.clear()
            self._print(job, result)
            self._next += 1

    def _print(self, job: "Job", result: "Json") -> None:
        output, label = self._output, self._labels[job["id"]]
        if output.json_only:
            output.value(result)
        elif job["state"] == "completed" and result["transcript"]["text"]:
            if len(self.order) > 1 and output.out.terminal:
                output.line(output.out.paint("bold", f"── {label} ──"))
            output.text(result["transcript"]["text"])
        outcome.report(output, job, label)
