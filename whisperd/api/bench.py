"""`model.bench`: how fast the installed models are on this machine.

Owns: the measurement, in a worker of its own, on speech that ships with the package. Leaves to others: which model is
recommended for what (`whisperd.models.recommend`). The machine's other work makes the figures worse; who asks decides.
"""

import logging
import os
import sqlite3
import time
from importlib import resources
from pathlib import Path

import anyio

from whisperd.config.current import Current
from whisperd.errors import RefusedError, WhisperdError
from whisperd.events import Event, EventBus
from whisperd.frames import (
    AudioContext,
    Decode,
    Decoded,
    DecodeOptions,
    Open,
    Opened,
    Plan,
    Planned,
    Source,
)
from whisperd.jobs.job import Kind
from whisperd.models.engine import Engine, engine_for
from whisperd.models.recommend import Measured, recommend
from whisperd.store import measurements
from whisperd.store.connection import Database
from whisperd.wire import names
from whisperd.wire.model import BenchView, ChoiceView, ModelBenchResult
from whisperd.workers.lane import Lane, LaneLimits

_log = logging.getLogger(__name__)

CALL_DEADLINE = 600.0
"""Seconds for one call: the largest model takes about a minute for a window on two cores."""

DICTATION = 2.6
"""Seconds of the dictation that ships with the package."""


class Bench:
    """One measurement at a time."""

    def __init__(self, database: Database, bus: EventBus, current: Current, state_dir: Path) -> None:
        self._database = database
        self._bus = bus
        self._current = current
        self._state_dir = state_dir
        self._turn = anyio.Lock()

    async def measure(self, models: list[str]) -> ModelBenchResult:
        """Load and time each of them. Raises RefusedError while another measurement goes on."""
        if self._turn.locked():
            raise RefusedError("models are being measured already", hint="wait for that measurement")
        async with self._turn:
            views: list[BenchView] = []
            for index, model in enumerate(models):
                data = {"model": model, "benched": index, "of": len(models), "progress": index / len(models)}
                self._bus.publish(Event(names.TOPIC_MODEL_PROGRESS, time.time(), data))
                views.append(await self._measure(model))
            measured = [
                Measured(view.model, view.real_time_factor, view.latency)
                for view in views
                if view.real_time_factor is not None and view.latency is not None
            ]
            recommended = [ChoiceView(*choice) for choice in recommend(measured)] if measured else []
            return ModelBenchResult(views, DICTATION, recommended)

    async def _measure(self, model: str) -> BenchView:
        lane = Lane("bench", arguments=(), limits=LaneLimits(), changed=lambda _: None)
        try:
            engines = [
                await engine_for(kind, model, self._current.settings, self._state_dir)
                for kind in (Kind.FILE, Kind.DICTATION)
            ]
            began = time.monotonic()
            loaded = await lane.load(engines[0].model, engines[0].load)
            load = time.monotonic() - began
            seconds, audio = await self._time(lane, "file", engines[0])
            latency, _ = await self._time(lane, "dictation", engines[1])
            view = BenchView(
                model=model,
                device=loaded.device,
                compute_type=loaded.compute_type,
                load=round(load, 3),
                real_time_factor=round(seconds / audio, 4),
                latency=round(latency, 3),
                memory=lane.memory,
            )
        except WhisperdError as error:
            _log.warning("%s could not be measured: %s", model, error.message)
            return BenchView(model, error=error.message)
        finally:
            with anyio.CancelScope(shield=True):
                await lane.end()
        load_call = engines[0].load

        def save(connection: sqlite3.Connection) -> None:
            measurements.save_speed(connection, model, load_call.device, load_call.compute_type, audio, seconds)

        await self._database.write(save)
        return view

    async def _time(self, lane: Lane, clip: str, engine: Engine) -> tuple[float, float]:
        """Seconds of computing for the clip once the worker is warm, and the clip's own seconds."""
        opened = await lane.call(Open(_source(clip)), Opened, deadline=CALL_DEADLINE)
        source = Source(_source(clip).path, opened.identity)
        context = AudioContext(engine.audio_context)
        plan = (await lane.call(Plan(source, 0, context), Planned, deadline=CALL_DEADLINE)).plan
        options = DecodeOptions(language="en", beam_size=engine.beam_size, fallback=False)
        call = Decode(source, (plan.start, plan.end), plan.chunks, options)
        await lane.call(call, Decoded, deadline=CALL_DEADLINE)  # the first also pays for buffers and code paths
        decoded = await lane.call(call, Decoded, deadline=CALL_DEADLINE)
        return decoded.seconds, opened.duration or 1.0


def _source(clip: str) -> Source:
    return Source(os.fsencode(str(resources.files("whisperd") / "data" / "bench" / f"{clip}.opus")))
