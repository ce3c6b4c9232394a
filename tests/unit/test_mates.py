"""Decoding batches that several runs share: what goes into one, and what becomes of each when one dies."""

from typing import Any, cast

import anyio
import pytest

from whisperd import frames
from whisperd.errors import WorkerError
from whisperd.frames import Chunk, ChunkResult, Decode, Decoded, DecodedTogether, DecodeOptions, Failed, FailureKind
from whisperd.jobs.sharing import TRIAL, Timed
from whisperd.mates import GaveWayError, Mates, Wish
from whisperd.store.connection import Database
from whisperd.workers.lane import CallFailedError, Lane, NamedModel
from whisperd.workers.process import WorkerDiedError

pytestmark = pytest.mark.anyio

MODEL = NamedModel("small", frames.Load("/models/small"))
LOADED = frames.Loaded("fingerprint", "ctranslate2", "cpu", "int8", threads=2, multilingual=False, seconds=0.0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class StandInLane:
    """Answers at once, once `open`; the file `poison` kills the process, `gone` can't be read."""

    def __init__(self) -> None:
        self.turn = anyio.Lock()
        self.stopped_time = 0.0
        self.calls: list[list[str]] = []
        self.open = anyio.Event()

    async def load_in_turn(self, model: NamedModel) -> frames.Loaded:
        return LOADED

    async def call_in_turn(self, call: Any, expect: object, *, deadline: float) -> Any:
        parts: tuple[Decode, ...] = call.parts if isinstance(call, frames.DecodeTogether) else (call,)
        paths = [part.source.path.decode() for part in parts]
        self.calls.append(paths)
        await self.open.wait()
        if "poison" in paths:
            raise WorkerDiedError("the worker died", None)
        replies = tuple(
            Failed(FailureKind.INPUT_MISSING, "gone")
            if path == "gone"
            else Decoded(tuple(ChunkResult(chunk, ()) for chunk in part.chunks), 1.0)
            for path, part in zip(paths, parts, strict=True)
        )
        return DecodedTogether(replies) if expect is DecodedTogether else replies[0]


class Learned:
    """A database that knows that batches of eight pay."""

    async def read(self, function: object) -> dict[int, Timed]:
        return {size: Timed(TRIAL, TRIAL / size) for size in (1, 2, 4, 8)}


def wish(path: str, *, language: str = "en", gives_way: bool = False) -> Wish:
    call = Decode(frames.Source(path.encode()), (0, 16_000), (Chunk(0, 16_000),), DecodeOptions(language))
    return Wish(call, MODEL, LOADED, expected=1.0, least=60.0, give_way=lambda: gives_way)


async def decoded(lane: StandInLane, *wishes: Wish) -> dict[str, object]:
    """What each wish ended in, by its file, when all were made before the first call was answered."""
    outcomes: dict[str, object] = {}

    async def decode(mates: Mates, one: Wish) -> None:
        try:
            outcomes[one.call.source.path.decode()] = await mates.decode(one)
        except (WorkerError, GaveWayError) as error:
            outcomes[one.call.source.path.decode()] = error

    async with anyio.create_task_group() as group:
        mates = Mates(cast("Lane", lane), cast("Database", Learned()), group)
        async with lane.turn:  # so that all have asked before the first is served
            for one in wishes:
                group.start_soon(decode, mates, one)
            await anyio.wait_all_tasks_blocked()
        lane.open.set()
    return outcomes


async def test_what_is_of_one_kind_is_decoded_as_one() -> None:
    lane = StandInLane()
    outcomes = await decoded(lane, wish("a"), wish("b"), wish("c", language="de"), wish("d"))
    assert lane.calls == [["a", "b", "d"], ["c"]]
    assert all(isinstance(outcome, Decoded) for outcome in outcomes.values())


async def test_when_a_shared_batch_dies_each_is_tried_alone_and_only_the_one_that_kills_is_charged() -> None:
    lane = StandInLane()
    outcomes = await decoded(lane, wish("a"), wish("poison"), wish("b"))
    assert lane.calls == [["a", "poison", "b"], ["a"], ["poison"], ["b"]]
    assert isinstance(outcomes["poison"], WorkerDiedError)
    assert isinstance(outcomes["a"], Decoded)
    assert isinstance(outcomes["b"], Decoded)


async def test_a_file_that_cannot_be_read_fails_and_its_mates_do_not() -> None:
    lane = StandInLane()
    outcomes = await decoded(lane, wish("a"), wish("gone"))
    assert lane.calls == [["a", "gone"]]
    failed = outcomes["gone"]
    assert isinstance(failed, CallFailedError)
    assert failed.failure is FailureKind.INPUT_MISSING
    assert isinstance(outcomes["a"], Decoded)


async def test_who_is_to_give_way_is_not_decoded_any_more() -> None:
    lane = StandInLane()
    outcomes = await decoded(lane, wish("a"), wish("b", gives_way=True))
    assert lane.calls == [["a"]]
    assert isinstance(outcomes["b"], GaveWayError)


async def test_a_cancelled_run_does_not_take_the_call_of_its_mates_with_it_and_the_last_one_does() -> None:
    lane = StandInLane()
    outcomes: list[Decoded] = []

    async def keep(mates: Mates, one: Wish) -> None:
        outcomes.append(await mates.decode(one))

    async with anyio.create_task_group() as group:
        mates = Mates(cast("Lane", lane), cast("Database", Learned()), group)
        scopes = [anyio.CancelScope(), anyio.CancelScope()]

        async def leave(scope: anyio.CancelScope, one: Wish) -> None:
            with scope:
                await mates.decode(one)

        async with lane.turn:
            group.start_soon(leave, scopes[0], wish("a"))
            group.start_soon(keep, mates, wish("b"))
            await anyio.wait_all_tasks_blocked()
        await anyio.wait_all_tasks_blocked()
        scopes[0].cancel()
        await anyio.wait_all_tasks_blocked()
        lane.open.set()
        await anyio.wait_all_tasks_blocked()
        assert len(outcomes) == 1
        lane.open = anyio.Event()
        group.start_soon(leave, scopes[1], wish("c"))
        await anyio.wait_all_tasks_blocked()
        scopes[1].cancel()
    assert lane.calls == [["a", "b"], ["c"]]
    assert not lane.turn.locked()
