"""Looking at this machine's accelerators, in a worker that does nothing else.

Owns: when that is done, and keeping the result. Leaves to others: looking (`whisperd.worker.devices`), what follows
from it (`whisperd.models.placement`). The driver's libraries are loaded in the worker only, which ends afterwards.
"""

import logging
from pathlib import Path

import anyio
import anyio.to_thread

from whisperd.errors import WhisperdError
from whisperd.frames import Survey, Surveyed
from whisperd.models import devices
from whisperd.workers.lane import Lane, LaneLimits

_log = logging.getLogger(__name__)

SURVEY_DEADLINE = 120.0
"""Seconds to import PyTorch from a slow disk and wake a device."""


async def survey(state_dir: Path) -> None:
    """Look and remember, where there may be something to see. After a failure, which the log tells, nothing changes."""
    if not await anyio.to_thread.run_sync(devices.has_driver):
        return
    lane = Lane("survey", arguments=(), limits=LaneLimits(), changed=lambda _: None)
    try:
        found = await lane.call(Survey(), Surveyed, deadline=SURVEY_DEADLINE)
        await anyio.to_thread.run_sync(lambda: devices.keep(state_dir, found))
    except (WhisperdError, OSError) as error:
        _log.warning("this machine's accelerators could not be looked at: %s", error)
        return
    finally:
        with anyio.CancelScope(shield=True):
            await lane.end()
    for note in found.notes:
        _log.info("accelerators: %s", note)
    for device in found.devices:
        memory = f"{device.free_mb} of {device.total_mb} MB free" if device.total_mb else "its memory can't be told"
        _log.info("accelerator: %s (%s), %s, for %s", device.name, device.kind, memory, " and ".join(device.engines))
