"""Events over a real socket."""

import tracemalloc
from pathlib import Path
from typing import Any

import anyio
import pytest

import whisperd
from tests.harness import PATIENCE
from tests.integration.rpc.serving import Client, Daemon, connect, request, serving
from whisperd.events import Event
from whisperd.rpc.limits import RpcLimits
from whisperd.wire import names

pytestmark = pytest.mark.anyio

PACKAGE = Path(whisperd.__file__).parent


async def events_of(client: Client, count: int) -> list[dict[str, Any]]:
    notes = [await client.read() for _ in range(count)]
    assert [note["method"] for note in notes] == ["event"] * count
    return [note["params"] for note in notes]


async def test_an_event_is_a_notification_with_its_subscription(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        result = (await client.call("events.subscribe"))["result"]
        assert result == {"subscription": 1, "seq": 0, "pruned": 0}
        daemon.bus.publish(Event(names.TOPIC_JOB_STATE, 0.25, {"state": "queued"}, seq=1, job=7))
        daemon.bus.publish(Event(names.TOPIC_JOB_PROGRESS, 1.0, {"done": 2.5}, job=7))
        state, progress = await events_of(client, 2)
        assert state == {
            "subscription": 1,
            "topic": "job.state",
            "at": "1970-01-01T00:00:00.250Z",
            "data": {"state": "queued"},
            "seq": 1,
            "job": 7,
        }
        assert "seq" not in progress
        assert progress["data"] == {"done": 2.5}


async def test_the_answer_comes_before_the_first_event(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        for _ in range(5):
            daemon.commit()
        await client.send(b"[" + request("events.subscribe", 1, since=0) + b"," + request("daemon.ping", 2) + b"]")
        assert [answer["id"] for answer in await client.read()] == [1, 2]
        assert [event["seq"] for event in await events_of(client, 5)] == [1, 2, 3, 4, 5]


async def test_several_subscriptions_of_one_connection_are_told_apart(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        first = (await client.call("events.subscribe", jobs=[1]))["result"]["subscription"]
        second = (await client.call("events.subscribe", jobs=[2], topics=["job.state"]))["result"]["subscription"]
        daemon.commit(job=2)
        daemon.commit(job=1)
        seen = await events_of(client, 2)
        assert {event["subscription"]: event["job"] for event in seen} == {first: 1, second: 2}


async def test_nothing_comes_after_unsubscribing(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        number = (await client.call("events.subscribe"))["result"]["subscription"]
        assert (await client.call("events.unsubscribe", subscription=number))["result"] == {"unsubscribed": True}
        daemon.commit()
        await client.ping()
        assert (await client.call("events.unsubscribe", subscription=number))["result"] == {"unsubscribed": False}


async def test_an_unknown_topic_and_a_33rd_subscription_are_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        error = (await client.call("events.subscribe", topics=["job.stat"]))["error"]
        assert (error["code"], error["data"]["hint"]) == (names.INVALID_PARAMS, "did you mean `job.state`?")
        for _ in range(32):
            assert "result" in await client.call("events.subscribe")
        assert (await client.call("events.subscribe"))["error"]["code"] == names.REFUSED


async def test_a_connection_that_ends_ends_its_subscriptions(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        async with await connect(daemon) as client:
            await client.call("events.subscribe")
            assert len(daemon.bus) == 1
        with anyio.fail_after(PATIENCE):
            while len(daemon.bus):
                await anyio.wait_all_tasks_blocked()


async def test_a_subscriber_that_stopped_sending_still_gets_events(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(request("events.subscribe", 1))
        await client.stream.send_eof()
        await client.read()
        daemon.commit()
        assert [event["seq"] for event in await events_of(client, 1)] == [1]


async def _read_to_the_end_of_the_log(daemon: Daemon, client: Client, since: int) -> list[int]:
    """Every `seq` seen, resuming after each loss, as a client is told to."""
    seen: list[int] = []
    await client.send(request("events.subscribe", "again", since=since))
    while not seen or seen[-1] < len(daemon.log):
        note = await client.read()
        if note.get("method") == names.EVENTS_LOST:
            assert not seen or note["params"]["since"] == seen[-1]
            await client.send(request("events.subscribe", "again", since=note["params"]["since"]))
        elif note.get("method") == names.EVENT:
            seen.append(note["params"]["seq"])
    return seen


async def test_a_client_that_reads_nothing_while_thousands_of_events_flow_loses_none_and_costs_little(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, RpcLimits(event_capacity=64, stop_grace=0.1)) as daemon,
        await connect(daemon) as client,
        await connect(daemon) as other,
    ):
        await client.call("events.subscribe")
        tracemalloc.start()
        try:
            for burst in range(100):
                for _ in range(100):
                    daemon.bus.publish(Event(names.TOPIC_JOB_STATE, 0, {"x": "y" * 500}, seq=len(daemon.log) + 1))
                    daemon.log.append(Event(names.TOPIC_JOB_STATE, 0, {}, seq=len(daemon.log) + 1))
                if burst % 10 == 0:
                    await other.ping()
            snapshot = tracemalloc.take_snapshot().filter_traces(
                [tracemalloc.Filter(True, f"{PACKAGE}/*"), tracemalloc.Filter(True, "*/asyncio/*")]
            )
        finally:
            tracemalloc.stop()
        assert sum(trace.size for trace in snapshot.traces) < 1_000_000  # of 5 MB that were published
        seen: list[int] = []
        while True:
            note = await client.read()
            if note["method"] == names.EVENTS_LOST:
                break
            seen.append(note["params"]["seq"])
        assert note["params"]["since"] == seen[-1] < 10_000
        seen += await _read_to_the_end_of_the_log(daemon, client, seen[-1])
        assert seen == list(range(1, 10_001))


async def test_a_slow_reader_that_always_falls_behind_sees_every_event_once(tmp_path: Path) -> None:
    limits = RpcLimits(event_capacity=2, replay_page=3, stop_grace=0.1)
    async with serving(tmp_path, limits) as daemon, await connect(daemon) as client:
        for _ in range(10):
            daemon.commit()

        async def commit_more() -> None:
            for _ in range(40):
                for _ in range(5):
                    daemon.commit({"x": "y" * 5000})
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(commit_more)
            seen = await _read_to_the_end_of_the_log(daemon, client, 0)
        seen += await _read_to_the_end_of_the_log(daemon, client, seen[-1]) if seen[-1] < len(daemon.log) else []
        assert seen == list(range(1, 211))


async def test_a_store_that_fails_ends_the_subscription_and_says_where_to_resume(tmp_path: Path) -> None:
    async with serving(tmp_path, RpcLimits(replay_page=2, stop_grace=0.1)) as daemon, await connect(daemon) as client:
        for _ in range(4):
            daemon.commit()
        daemon.unreadable_after = 2
        await client.call("events.subscribe", since=0)
        assert [event["seq"] for event in await events_of(client, 2)] == [1, 2]
        lost = await client.read()
        assert (lost["method"], lost["params"]["since"]) == (names.EVENTS_LOST, 2)
        await client.ping()


async def test_who_asks_for_events_that_were_pruned_is_told(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        for _ in range(6):
            daemon.commit()
        daemon.bus.pruned = 4
        result = (await client.call("events.subscribe", since=1))["result"]
        assert (result["seq"], result["pruned"]) == (6, 4)
        assert [event["seq"] for event in await events_of(client, 2)] == [5, 6]


async def test_events_that_are_pruned_under_a_slow_reader_are_a_loss(tmp_path: Path) -> None:
    async with serving(tmp_path, RpcLimits(replay_page=1, stop_grace=0.1)) as daemon, await connect(daemon) as client:
        for _ in range(200):
            daemon.commit({"x": "y" * 20_000})  # far more than a socket holds
        await client.call("events.subscribe", since=0)
        daemon.bus.pruned = 190
        seen: list[int] = []
        while (note := await client.read())["method"] == names.EVENT:
            seen.append(note["params"]["seq"])
        assert (note["method"], note["params"]["since"]) == (names.EVENTS_LOST, seen[-1])
        assert seen == list(range(1, len(seen) + 1))
        assert (await client.call("events.subscribe", since=seen[-1]))["result"]["pruned"] == 190


async def test_a_subscriber_that_reads_nothing_for_long_is_kept(tmp_path: Path) -> None:
    limits = RpcLimits(write_timeout=0.1, event_capacity=8, stop_grace=0.1)
    async with serving(tmp_path, limits) as daemon, await connect(daemon) as client, await connect(daemon) as other:
        await client.call("events.subscribe")
        for _ in range(100):
            daemon.commit({"x": "y" * 20_000})
        await other.send(*(request("initialize", n, client="x" * 1000) for n in range(10)))  # 10 answers of 1 MB
        with anyio.fail_after(PATIENCE), pytest.raises(anyio.BrokenResourceError):
            while True:  # until the one that takes no answers is dropped
                await other.stream.send(b"\n" * 65536)
        seen = await events_of(client, 1)
        while (note := await client.read())["method"] == names.EVENT:
            seen.append(note["params"])
        assert note["params"]["since"] == seen[-1]["seq"]
