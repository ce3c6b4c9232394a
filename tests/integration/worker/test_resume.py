"""A worker that was killed changes nothing: another one goes on and gives the same bytes."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.integration.worker.child import MODEL, PLAIN, Child, decode, loaded_worker, plans
from tests.speech import SAMPLE_RATE, long_speech, synthesize, write_audio
from whisperd.frames import Decode, Decoded, DecodeOptions, Load, Open, Opened, Plan, Planned, Source
from whisperd.jobs.batching import group
from whisperd.worker.blocks import OpenFiles
from whisperd.worker.handlers import Handlers

WORDS = DecodeOptions(language="en", words=True)


@pytest.fixture(scope="module", params=["wav", "m4a"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech for three blocks."""
    return write_audio(tmp_path_factory.mktemp("long") / f"a.{request.param}", long_speech(75, 8)[0])


@pytest.fixture(scope="module")
def fresh() -> Callable[[], Handlers]:
    """Makes the inside of a new worker, with blocks of 35 s so that a short file has several."""

    def make() -> Handlers:
        handlers = Handlers(OpenFiles(35 * SAMPLE_RATE))
        handlers.answer(Load(MODEL, threads=2))
        return handlers

    return make


@pytest.mark.parametrize("options", [PLAIN, WORDS], ids=["text", "words"])
def test_going_on_from_any_block_or_batch_gives_the_same_bytes(
    file: Path, fresh: Callable[[], Handlers], options: DecodeOptions
) -> None:
    undisturbed = fresh()
    opened = undisturbed.answer(Open(Source(bytes(file))))
    assert isinstance(opened, Opened)
    source = Source(bytes(file), opened.identity)
    start: int | None = 0
    blocks = 0
    while start is not None:
        plan_call = Plan(source, start)
        planned = undisturbed.answer(plan_call)
        assert fresh().answer(plan_call) == planned
        assert isinstance(planned, Planned)
        plan = planned.plan
        for batch in group(plan.chunks, 2):
            decode_call = Decode(source, (plan.start, plan.end), tuple(plan.chunks[index] for index in batch), options)
            expected, resumed = undisturbed.answer(decode_call), fresh().answer(decode_call)
            assert isinstance(expected, Decoded) and isinstance(resumed, Decoded)
            assert any(result.segments for result in expected.results)
            assert msgspec.msgpack.encode(resumed.results) == msgspec.msgpack.encode(expected.results)
        start = plan.next_start
        blocks += 1
    assert blocks > 2


def test_a_killed_worker_is_replaced_in_the_middle_of_a_file(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.m4a", long_speech(40, 8)[0])
    with loaded_worker() as first:
        source, _ = first.open(path)
        (plan,) = plans(first, source)
        whole = decode(first, source, plan, WORDS)
        first.kill()
    with loaded_worker() as second:
        last = group(plan.chunks, 4)[-1]
        call = Decode(source, (plan.start, plan.end), tuple(plan.chunks[index] for index in last), WORDS)
        again = second.call(call, Decoded).results
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode([whole[index] for index in last])


def test_going_back_to_an_earlier_block_gives_the_same_plan(file: Path, fresh: Callable[[], Handlers]) -> None:
    handlers = fresh()
    source = Source(bytes(file))
    made: list[Planned] = []
    for start in (0, None, 0):
        following = made[0].plan.next_start if start is None else start
        assert following is not None
        planned = handlers.answer(Plan(source, following))
        assert isinstance(planned, Planned)
        made.append(planned)
    assert made[0] == made[2] != made[1]


def test_two_files_in_turn_don_t_disturb_each_other(worker: Child, tmp_path: Path) -> None:
    texts = ("set a timer for ten minutes", "please open the computer behind the house")
    sources: list[Source] = []
    for index, text in enumerate(texts):
        source, _ = worker.open(write_audio(tmp_path / f"{index}.mp3", synthesize(text, "en-us+f4", 145)))
        sources.append(source)
    made = [next(plans(worker, source)) for source in sources]
    results = [decode(worker, source, plan) for source, plan in zip(sources, made, strict=True)]
    again = [decode(worker, source, plan) for source, plan in zip(sources, made, strict=True)]
    assert results == again
    assert results[0] != results[1]
