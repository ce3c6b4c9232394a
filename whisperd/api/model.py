"""Use cases of `model.*`: list, pull, load, unload, remove, bench.

Owns: what each answers. Leaves to others: finding models (`whisperd.models`), downloads (`whisperd.pulls`), the lanes'
workers (`whisperd.workers`), measuring (`whisperd.api.bench`).
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import anyio.to_thread

from whisperd.api.bench import Bench
from whisperd.api.handler import Handler
from whisperd.config.current import Current
from whisperd.dictation.service import Dictation
from whisperd.errors import ModelNotFoundError, RefusedError
from whisperd.jobs.job import Kind
from whisperd.ledger import Ledger
from whisperd.models import disk
from whisperd.models.catalog import MODELS, TEST_MODEL, canonical
from whisperd.models.engine import engine_for
from whisperd.models.locate import installed, locate
from whisperd.models.pull import folder_name, repository_of
from whisperd.pulls import Download, Pulls
from whisperd.scheduler import Scheduler
from whisperd.wire import model as wire
from whisperd.wire import names
from whisperd.wire.types import Empty
from whisperd.workers.lane import Lane

WORK: Final[Mapping[Literal["dictation", "file"], Kind]] = {"dictation": Kind.DICTATION, "file": Kind.FILE}


class ModelApi:
    def __init__(
        self,
        ledger: Ledger,
        scheduler: Scheduler,
        dictation: Dictation,
        pulls: Pulls,
        bench: Bench,
        current: Current,
        state_dir: Path,
    ) -> None:
        self._ledger = ledger
        self._scheduler = scheduler
        self._dictation = dictation
        self._pulls = pulls
        self._bench = bench
        self._current = current
        self._state_dir = state_dir

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.MODEL_LIST: self.list,
            names.MODEL_PULL: self.pull,
            names.MODEL_LOAD: self.load,
            names.MODEL_UNLOAD: self.unload,
            names.MODEL_REMOVE: self.remove,
            names.MODEL_BENCH: self.bench,
        }

    # -- what there is ------------------------------------------------------------------------------------------------

    async def list(self, _params: Empty) -> wire.ModelListResult:
        found = await anyio.to_thread.run_sync(self._installed, abandon_on_cancel=True)
        choices = [await self._choice(kind) for kind in WORK]
        others = [name for name in MODELS if name not in found]
        others += [download.model for download in self._pulls.all() if download.model not in (*found, *others)]
        known = [name for name in MODELS if name in found]
        own = sorted(name for name in found if name not in MODELS)
        views = [self._view(name, found.get(name), choices) for name in (*known, *own, *others)]
        return wire.ModelListResult(views, choices)

    def _installed(self) -> dict[str, tuple[Path, int]]:
        return {name: (path, disk.size_of(path)) for name, path in installed(self._state_dir).items()}

    async def _choice(self, kind: Literal["dictation", "file"]) -> wire.ChoiceView:
        try:
            engine = await engine_for(WORK[kind], None, self._current.settings, self._state_dir)
        except ModelNotFoundError as error:
            return wire.ChoiceView(kind, None, error.message, error.hint)
        return wire.ChoiceView(kind, engine.model, engine.reason)

    def _view(self, name: str, place: tuple[Path, int] | None, choices: Sequence[wire.ChoiceView]) -> wire.ModelView:
        known = MODELS.get(name)
        download = self._pulls.get(name)
        holding = [lane for lane in self._scheduler.lanes if lane.model and canonical(lane.model) == name]
        return wire.ModelView(
            name=name,
            state="pulling" if download else "installed" if place else "available",
            repository=repository_of(name),
            languages="en" if name == TEST_MODEL or (known and known.english_only) else "all" if known else None,
            translates=known.translates and not known.english_only if known else name != TEST_MODEL,
            disk_mb=known.disk_mb if known else None,
            memory_mb=known.memory_mb(self._current.settings.workers.compute_type) if known else None,
            origin=disk.origin_of(name, place[0], self._state_dir) if place else None,
            path=str(place[0]) if place else None,
            size=place[1] if place else None,
            loaded=[lane.name for lane in holding],
            resident=max((lane.memory or 0 for lane in holding), default=None),
            used_for=[choice.kind for choice in choices if choice.model and canonical(choice.model) == name],
            pull=_pull_view(download) if download else None,
        )

    # -- changing what there is ---------------------------------------------------------------------------------------

    async def pull(self, params: wire.ModelParams) -> wire.ModelPullResult:
        name = canonical(params.model)
        if self._pulls.get(name) is None and await self._is_installed(name):
            return wire.ModelPullResult(name, "installed")
        await self._pulls.start(name)
        return wire.ModelPullResult(name, "pulling")

    async def _is_installed(self, name: str) -> bool:
        def look() -> bool:
            try:
                locate(name, self._state_dir)
            except ModelNotFoundError:
                return False
            return True

        return await anyio.to_thread.run_sync(look, abandon_on_cancel=True)

    async def remove(self, params: wire.ModelParams) -> wire.ModelRemoveResult:
        name = canonical(params.model)
        cancelled = await self._pulls.cancel(name)
        folder = self._state_dir / "models" / folder_name(name)
        found = await anyio.to_thread.run_sync(lambda: installed(self._state_dir).get(name))
        if found is None:
            freed = await anyio.to_thread.run_sync(lambda: disk.remove_part(folder))
            if not freed and not cancelled:
                raise ModelNotFoundError(f"{name} is not installed", hint="`whisperctl model list` shows what is")
        else:
            await self._end_workers(self._holding(name), name)
            freed = await anyio.to_thread.run_sync(lambda: disk.remove(name, found, self._state_dir))
        await self._ledger.record(names.TOPIC_MODEL_STATE, {"model": name, "state": "removed"})
        return wire.ModelRemoveResult(name, freed)

    # -- workers ------------------------------------------------------------------------------------------------------

    async def load(self, params: wire.ModelLoadParams) -> wire.ModelLoadResult:
        kind = Kind.DICTATION if params.lane == "interactive" else Kind.FILE
        engine = await engine_for(kind, params.model, self._current.settings, self._state_dir)
        lane = self._lane(params.lane)
        if lane.job is not None:
            raise RefusedError(
                f"the {lane.name} worker is busy with job {lane.job}, with the model {lane.model or 'it needs'}",
                hint="load it when the job is done; jobs load what they need by themselves",
            )
        there = lane.loaded is not None and lane.model == engine.model
        loaded = await lane.load(engine.model, engine.load)
        return wire.ModelLoadResult(
            model=engine.model,
            lane=lane.name,
            device=loaded.device,
            compute_type=loaded.compute_type,
            backend=loaded.backend,
            seconds=0.0 if there else loaded.seconds,
        )

    async def unload(self, params: wire.ModelUnloadParams) -> wire.ModelUnloadResult:
        name = canonical(params.model) if params.model else None
        lanes = [lane for lane in self._scheduler.lanes if lane.process] if name is None else self._holding(name)
        if name is not None and not lanes:
            raise ModelNotFoundError(f"{name} is not loaded", hint="`whisperctl model list` shows which ones are")
        await self._end_workers(lanes, name or "its model")
        return wire.ModelUnloadResult([lane.name for lane in lanes])

    async def _end_workers(self, lanes: Sequence[Lane], name: str) -> None:
        for lane in lanes:
            self._require_idle(lane, name)
        for lane in lanes:
            async with lane.turn:  # what has begun meanwhile is not killed
                self._require_idle(lane, name)
                await lane.end()

    def _require_idle(self, lane: Lane, name: str) -> None:
        if lane.job is not None:
            raise RefusedError(
                f"job {lane.job} is being transcribed with {name}",
                hint=f"wait for it, or pause it: `whisperctl job pause {lane.job}`",
            )
        if lane is self._scheduler.interactive_lane and self._dictation.in_progress:
            raise RefusedError(f"a dictation is being transcribed with {name}", hint="try again when its text is there")

    def _holding(self, name: str) -> Sequence[Lane]:
        return [lane for lane in self._scheduler.lanes if lane.model and canonical(lane.model) == name]

    def _lane(self, name: str) -> Lane:
        """The lane of that name, or the one that all share."""
        lanes = self._scheduler.lanes
        return next((lane for lane in lanes if lane.name == name), lanes[0])

    async def bench(self, params: wire.ModelBenchParams) -> wire.ModelBenchResult:
        busy = next((lane for lane in self._scheduler.lanes if lane.job is not None), None)
        if busy is not None and not params.anyway:
            raise RefusedError(
                f"job {busy.job} is running, and what else computes makes the figures worse",
                hint="wait for it, or pause the queue: `whisperctl queue pause`; --anyway measures all the same",
            )
        found = await anyio.to_thread.run_sync(lambda: list(installed(self._state_dir)), abandon_on_cancel=True)
        return await self._bench.measure([canonical(name) for name in params.models] or found)


def _pull_view(download: Download) -> wire.PullView:
    eta = download.eta
    return wire.PullView(
        done=download.done,
        total=download.total,
        progress=download.progress,
        speed=download.speed,
        eta=eta if eta is None or math.isfinite(eta) else None,
    )
