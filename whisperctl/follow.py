"""Waiting for jobs, however often the daemon restarts meanwhile.

Owns: a link that comes back after the daemon did, and following jobs over it by events until each is final. Leaves
to others: one connection's conversation (`whisperctl.client`) and what is shown (`whisperctl.monitor`).
"""

import time

from whisperctl.client import CALL_TIMEOUT, Client
from whisperctl.errors import DisconnectedError, NoDaemonError, RequestFailedError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from whisperctl.shapes import Job, Json, Notice, Params

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between attempts to connect again; each is twice the one before."""
RECHECK = 30.0
"""After so many seconds without an event the jobs are asked for, which also tells whether the daemon still answers."""

_PROGRESS = ("stage", "progress", "done", "duration", "speed", "eta", "place")
"""What a progress event may change in a job."""


class Link:
    """A connection that is made anew when the daemon went away. The first one must succeed, and be answered on."""

    def __init__(self, path: str, notice: "Notice") -> None:
        self._path = path
        self.notice = notice
        self.client = Client(path)
        self.client.call(names.DAEMON_PING)  # a connection that is silent at first is closed after a while

    def close(self) -> None:
        self.client.close()

    def outlive(self, error: DisconnectedError | RequestFailedError) -> None:
        """After an error that means that the daemon goes away: wait until one answers again, as long as it takes.

        Raises any other error.
        """
        if isinstance(error, RequestFailedError):
            if error.kind != "shutting_down":
                raise error
            self.client.wait_for_end(CALL_TIMEOUT)
        self.client.close()
        self.notice("whisperd is gone; waiting for it to come back…")
        pause = FIRST_PAUSE
        while not self._connected():
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        self.notice("whisperd is back")

    def _connected(self) -> bool:
        """Whether a daemon answers on a new connection; one that is about to end may still take some."""
        try:
            self.client = Client(self._path)
            self.client.call(names.DAEMON_PING)
        except (NoDaemonError, DisconnectedError, RequestFailedError):
            self.client.close()
            return False
        return True

    def call(self, method: str, params: "Params") -> "Json":
        """A request that may be sent twice without harm, since an answer may be lost with the daemon."""
        while True:
            try:
                return self.client.call(method, params)
            except (DisconnectedError, RequestFailedError) as error:
                self.outlive(error)


def jobs_now(client: Client, ids: "list[int]") -> "list[Job]":
    """The jobs as they are, in the order of `ids`. Raises `RequestFailedError` when there is no such job."""
    jobs: list[Job] = []
    for start in range(0, len(ids), names.MAX_PAGE):
        page = ids[start : start + names.MAX_PAGE]
        jobs += client.call(names.JOB_WAIT, {"ids": page, "timeout": 0})["jobs"]
    return jobs


def follow(link: Link, ids: "list[int]", tick: float = RECHECK) -> "Iterator[Job | None]":
    """Each job now, then each change of one, until all are final.

    None comes when all have been told of, and whenever `tick` seconds brought nothing new. Events say that something
    changed; states are always asked for, so that a lost event loses nothing.
    """
    jobs: dict[int, Job] = {}
    ids = list(dict.fromkeys(ids))  # one file given twice may be one job
    while True:
        client = link.client
        try:
            yield from _follow_once(client, ids, jobs, tick)
        except (DisconnectedError, RequestFailedError) as error:
            if client is link.client:  # else our caller used the link, and it has been made anew
                link.outlive(error)
        else:
            return


def _follow_once(client: Client, ids: "list[int]", jobs: "dict[int, Job]", tick: float) -> "Iterator[Job | None]":
    wanted: Params = {"topics": [names.TOPIC_JOB_STATE, names.TOPIC_JOB_PROGRESS], "jobs": ids}
    client.call(names.EVENTS_SUBSCRIBE, wanted)
    recheck_at = 0.0
    going: set[int] = set()
    while True:
        if time.monotonic() >= recheck_at:
            for job in jobs_now(client, ids):
                jobs[job["id"]] = job
                yield job
            going = {number for number, job in jobs.items() if job["state"] not in names.FINAL_STATES}
            recheck_at = time.monotonic() + RECHECK
            yield None
        if not going:
            return
        message = client.event(tick)
        if message is None:
            yield None
            continue
        recheck_at = time.monotonic() + RECHECK
        method, event = message
        number = event.get("job")
        if method == names.EVENTS_LOST:
            client.call(names.EVENTS_SUBSCRIBE, wanted)
            recheck_at = 0.0
        if number not in jobs:
            continue
        if event.get("topic") == names.TOPIC_JOB_STATE:
            jobs[number] = jobs_now(client, [number])[0]
        else:
            jobs[number] = _moved(jobs[number], event.get("data", {}))
        if jobs[number]["state"] in names.FINAL_STATES:
            going.discard(number)
        yield jobs[number]


def _moved(job: "Job", data: "Params") -> "Job":
    """The job with what a progress event says of it."""
    merged: Json = {**job, **{key: data[key] for key in _PROGRESS if key in data}}
    return merged
