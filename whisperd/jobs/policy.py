"""What should run, stop, go on and give way: one pure function of a snapshot.

Owns: `decide`, the hours of low work, and how many lanes there are. Leaves to others: taking the snapshot and carrying
the actions out (`whisperd.scheduler`), and which job is first within a class (`whisperd.store.order.next_queued`).

The rules, in the order of their weight:
1. An idle lane starts the first job of the highest class that it serves and that is allowed. Beside a job only jobs of
   its company and class are started, up to the company's number; the lane's process makes one call at a time.
2. While a job of the interactive lane computes, the background lane is stopped, for at most `STOP_LIMIT` seconds.
3. Running jobs give way at their next batch to a job of a higher class that their own lane serves, and when their
   class is no longer allowed.
"""

import datetime
import enum
from collections.abc import Mapping, Sequence

import msgspec

from whisperd.jobs.job import Priority

STOP_LIMIT = 900.0
"""Seconds after which the background lane goes on though the interactive one still computes: longer than any call of a
dictation may take (loading a model included), so that only a defect is met by it."""


class LaneRole(enum.StrEnum):
    """What a lane is for. There are an interactive and a background one, or a single shared one."""

    INTERACTIVE = "interactive"
    BACKGROUND = "background"
    SHARED = "shared"

    @property
    def serves(self) -> tuple[Priority, ...]:
        match self:
            case LaneRole.INTERACTIVE:
                return (Priority.INTERACTIVE,)
            case LaneRole.BACKGROUND:
                return (Priority.NORMAL, Priority.LOW)
            case LaneRole.SHARED:
                return tuple(Priority)


class LaneSnapshot(msgspec.Struct, frozen=True):
    """A lane at a moment. `running` is its jobs' class (the lowest, where one was promoted meanwhile), `running_for`
    the seconds since the first of them was started on it, `giving_way` whether all of them were asked to, and `room`
    how many more are ready to be started beside them."""

    role: LaneRole
    running: Priority | None = None
    running_for: float = 0.0
    giving_way: bool = False
    stopped: bool = False
    available: bool = True
    room: int = 0


class Start(msgspec.Struct, frozen=True):
    """Start the first job of the class on the lane."""

    lane: LaneRole
    priority: Priority


class Join(msgspec.Struct, frozen=True):
    """Start the jobs that are ready to run beside the lane's."""

    lane: LaneRole


class GiveWay(msgspec.Struct, frozen=True):
    """Ask the lane's jobs to end after their batches and go back into the queue."""

    lane: LaneRole


class Stop(msgspec.Struct, frozen=True):
    """SIGSTOP the lane's process."""

    lane: LaneRole


class Continue(msgspec.Struct, frozen=True):
    """SIGCONT the lane's process."""

    lane: LaneRole


Action = Start | Join | GiveWay | Stop | Continue


def decide(
    waiting: Mapping[Priority, int], allowed: frozenset[Priority], lanes: Sequence[LaneSnapshot]
) -> list[Action]:
    """The actions that bring the lanes to where the rules want them, in the order in which to carry them out.

    `waiting` counts the startable jobs of each class. Carrying the actions out and deciding again gives none: the
    result is a fixed point until something happens.
    """
    ready = [priority for priority in Priority if waiting.get(priority, 0) and priority in allowed]
    actions: list[Action] = []
    for lane in lanes:
        first = next((priority for priority in ready if priority in lane.role.serves), None)
        if lane.running is None:
            if first is not None and lane.available:
                actions.append(Start(lane.role, first))
        elif not lane.giving_way and (lane.running not in allowed or (first is not None and first < lane.running)):
            actions.append(GiveWay(lane.role))
        elif not lane.giving_way and lane.room and lane.available:
            actions.append(Join(lane.role))
    return _stops(lanes, actions) + actions


def _stops(lanes: Sequence[LaneSnapshot], actions: Sequence[Action]) -> list[Action]:
    computing = any(_computes(lane) or _starts(lane, actions) for lane in lanes if lane.role is LaneRole.INTERACTIVE)
    background = [lane for lane in lanes if lane.role is LaneRole.BACKGROUND and lane.stopped is not computing]
    return [Stop(lane.role) if computing else Continue(lane.role) for lane in background]


def _computes(lane: LaneSnapshot) -> bool:
    return lane.running is not None and lane.running_for < STOP_LIMIT


def _starts(lane: LaneSnapshot, actions: Sequence[Action]) -> bool:
    return any(isinstance(action, Start) and action.lane is lane.role for action in actions)


def allowed_priorities(paused: bool, low_hours: bool) -> frozenset[Priority]:
    """The classes that may run: a paused queue holds normal and low work, quiet hours hold low work."""
    if paused:
        return frozenset({Priority.INTERACTIVE})
    return frozenset(Priority) if low_hours else frozenset({Priority.INTERACTIVE, Priority.NORMAL})


def within(hours: tuple[datetime.time, datetime.time] | None, now: datetime.time) -> bool:
    """Whether `now` lies in the hours from the first time until before the second; over midnight if need be."""
    if hours is None:
        return True
    since, until = hours
    if since <= until:
        return since <= now < until
    return now >= since or now < until


def next_change(
    hours: tuple[datetime.time, datetime.time] | None, now: datetime.datetime, zone: datetime.tzinfo | None = None
) -> datetime.datetime | None:
    """When `within` will next change for the clocks of `zone` (None: the machine's); None when it never does.

    The night on which the clocks are changed is met: a local time that comes twice is an edge twice, and one that is
    left out comes as much later as the clocks were put forward.
    """
    if hours is None:
        return None
    today = now.astimezone(zone).date()
    edges = [
        datetime.datetime.combine(today + datetime.timedelta(days=day), time.replace(fold=fold), zone)
        for day in range(3)  # the day after tomorrow: hours that lie in what the clocks leave out are left out too
        for time in hours
        for fold in (0, 1)
    ]
    # Compared in UTC: Python compares two times of one zone by their hands, and they go back once a year.
    moments = sorted(edge.astimezone(datetime.UTC) for edge in edges)
    inside = within(hours, now.astimezone(zone).time())
    changes = (at for at in moments if at > now and within(hours, at.astimezone(zone).time()) is not inside)
    return next(changes, None)


class Lanes(msgspec.Struct, frozen=True):
    """How many lanes there are, and why."""

    count: int
    reason: str


def choose_lanes(
    setting: int | str, device: str, free_mb: int | None, dictation_mb: int | None, file_mb: int | None
) -> Lanes:
    """One lane or two. Two where both models fit into the device's memory together, or nothing speaks against it.

    `free_mb` is the device's free memory, the others what the models need; None where unknown.
    """
    if setting in (1, 2):
        return Lanes(int(setting), "workers.lanes in the configuration")
    if free_mb is None or dictation_mb is None or file_mb is None:
        return Lanes(2, f"nothing is known of the {device}'s memory that speaks against two")
    needed = dictation_mb + file_mb
    if needed <= free_mb:
        return Lanes(2, f"both models fit into the {device}'s memory ({needed} of {free_mb} MB)")
    return Lanes(1, f"both models together do not fit into the {device}'s memory ({needed} of {free_mb} MB)")
