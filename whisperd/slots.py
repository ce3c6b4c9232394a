"""A lane and what runs on it, as the scheduler holds them together.

Owns: the lane's snapshot for the policy, and its idle time. Leaves to others: deciding (`whisperd.jobs.policy`).
"""

import math

from whisperd.jobs.policy import LaneRole, LaneSnapshot
from whisperd.runner import RunHandle
from whisperd.workers.lane import Lane


class Slot:
    """A lane with what runs on it. `keep_alive` is how long its idle process stays, in seconds.

    `renew`: its process is ended before the next run, because settings that it was started with have changed.
    """

    def __init__(self, role: LaneRole, lane: Lane) -> None:
        self.role = role
        self.lane = lane
        self.keep_alive = math.inf
        self.renew = False
        self.run: RunHandle | None = None
        self.idle_since = -math.inf
        self.pause_ends = -math.inf

    def snapshot(self, now: float) -> LaneSnapshot:
        run = self.run
        return LaneSnapshot(
            role=self.role,
            running=run.job.priority if run else None,
            running_for=now - run.started_at if run else 0.0,
            giving_way=run.give_way if run else False,
            stopped=self.lane.stopped,
            available=now >= self.pause_ends,
        )

    def idle_until(self) -> float:
        """When the idle process is to be ended; infinite while it works or there is none."""
        return math.inf if self.run or not self.lane.process else self.idle_since + self.keep_alive
