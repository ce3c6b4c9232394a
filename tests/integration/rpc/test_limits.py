"""What a client may cost, and what it can do to others: nothing."""

import contextlib
import os
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import PATIENCE
from tests.integration.rpc.serving import Client, Daemon, connect, request, serving
from whisperd.rpc import server
from whisperd.rpc.limits import RpcLimits
from whisperd.rpc.lines import LineSplitter, Overlong
from whisperd.rpc.stream import ClientStream
from whisperd.wire import names

pytestmark = pytest.mark.anyio


async def test_a_client_that_says_nothing_is_let_go(tmp_path: Path) -> None:
    async with serving(tmp_path, RpcLimits(first_line_timeout=0.1)) as daemon, await connect(daemon) as client:
        assert (await client.read())["error"]["code"] == names.INVALID_REQUEST
        assert await client.at_end()


async def test_a_client_that_never_ends_its_line_is_let_go_however_often_it_sends_a_byte(tmp_path: Path) -> None:
    async with serving(tmp_path, RpcLimits(line_timeout=0.3)) as daemon, await connect(daemon) as client:
        await client.ping()
        started = anyio.current_time()

        async def drip() -> None:
            while True:
                await client.stream.send(b" x")
                await anyio.sleep(0.02)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drip)
            answer = await client.read()
            tasks.cancel_scope.cancel()
        assert answer["error"]["code"] == names.INVALID_REQUEST
        assert await client.at_end()
        assert 0.3 <= anyio.current_time() - started < 5
        async with await connect(daemon) as other:
            await other.ping()


async def test_a_client_that_has_spoken_may_be_idle_for_ever(tmp_path: Path) -> None:
    limits = RpcLimits(first_line_timeout=0.05, line_timeout=0.05)
    async with serving(tmp_path, limits) as daemon, await connect(daemon) as client:
        await client.ping()
        await anyio.sleep(0.2)
        await client.ping()


async def test_the_65th_connection_is_told_so_and_closed_and_there_is_room_again_later(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        clients = [await connect(daemon) for _ in range(64)]
        for client in clients:
            await client.ping()
        async with await connect(daemon) as one_more:
            error = (await one_more.read())["error"]
            assert error["message"].startswith("too many connections")
            assert error["data"]["retryable"] is True
            assert await one_more.at_end()
        await clients[0].ping()
        await clients.pop().stream.aclose()
        await _until_connected(daemon)
        for client in clients:
            await client.stream.aclose()


async def _until_connected(daemon: Daemon) -> None:
    with anyio.fail_after(PATIENCE):
        while True:
            async with await connect(daemon) as client:
                await client.send(request("daemon.ping", 1))
                if "result" in await client.read():
                    return


async def test_another_user_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClientStream, "peer_uid", lambda _: os.geteuid() + 1)
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        assert (await client.read())["error"]["message"] == "this daemon belongs to another user"
        assert await client.at_end()


async def test_the_peer_of_a_real_connection_is_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = ClientStream.peer_uid
    monkeypatch.setattr(ClientStream, "peer_uid", lambda stream: seen.append(real(stream)) or seen[-1])
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.ping()
    assert seen == [os.geteuid()]


async def test_a_client_that_reads_nothing_is_dropped_and_others_do_not_notice(tmp_path: Path) -> None:
    async with serving(tmp_path, RpcLimits(write_timeout=0.2)) as daemon, await connect(daemon) as client:
        await client.send(*(request("initialize", n, client="x" * 1000) for n in range(10)))  # 10 answers of 1 MB
        async with await connect(daemon) as other:
            await other.ping()
            with anyio.fail_after(PATIENCE), pytest.raises(anyio.BrokenResourceError):
                while True:  # until the daemon has closed its end
                    await client.stream.send(b"\n" * 65536)
            await other.ping()


async def test_a_daemon_without_descriptors_serves_again_when_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = server.accept
    failures = iter([OSError(24, "Too many open files"), ConnectionAbortedError(), None])

    async def accept(listener: object) -> ClientStream:
        if failure := next(failures, None):
            raise failure
        return await real(listener)  # type: ignore[arg-type]

    monkeypatch.setattr(server, "accept", accept)
    monkeypatch.setattr(server, "_RESOURCES_PAUSE", 0.01)
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.ping()


async def test_a_stop_lets_short_requests_end_and_tells_the_rest(tmp_path: Path) -> None:
    async with serving(tmp_path, RpcLimits(stop_grace=0.3)) as daemon, await connect(daemon) as client:
        async with await connect(daemon) as short:
            await client.send(request("job.wait", 1, ids=[1]), request("job.wait", ids=[1]))
            await daemon.until_waiting(2)
            daemon.stop.set()
            error = (await client.read())["error"]
            assert error["data"]["kind"] == "shutting_down"
            assert error["data"]["retryable"] is True
            assert await client.at_end()
            assert await short.at_end()
        with pytest.raises(OSError, match=r"refused|No such file"):
            await anyio.connect_unix(daemon.path)


async def test_a_request_that_ends_within_the_grace_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path, RpcLimits(stop_grace=10)) as daemon, await connect(daemon) as client:
        await client.send(request("job.wait", 1, ids=[1]))
        await daemon.until_waiting(1)
        daemon.stop.set()
        await anyio.wait_all_tasks_blocked()
        daemon.release.set()
        assert "result" in await client.read()
        assert await client.at_end()


pieces = st.lists(st.binary(max_size=12) | st.sampled_from([b"\n", b"{}\n", b"[\n", b"\r\n"]), max_size=20)


@given(pieces, st.integers(1, 20))
def test_lines_do_not_depend_on_how_the_bytes_are_cut(cuts: list[bytes], limit: int) -> None:
    splitter, whole = LineSplitter(limit), LineSplitter(limit)
    stream = b"".join(cuts)
    in_pieces = [line for piece in cuts for line in splitter.feed(piece)] + splitter.end()
    assert in_pieces == whole.feed(stream) + whole.end()
    expected = [
        line if len(line) <= limit else Overlong.LINE
        for line in stream.split(b"\n")
        if len(line) > limit or line.strip(b" \t\n\r\x0b\x0c")
    ]
    assert in_pieces == expected
    assert not splitter.inside


junk = st.lists(
    st.binary(max_size=200)
    | st.sampled_from([b"\n", request("daemon.ping", 1) + b"\n", request("job.wait", ids=[1]) + b"\n", b"[[[{\n"]),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(junk, st.booleans())
async def test_random_bytes_harm_nobody(tmp_path: Path, stream: list[bytes], half_close: bool) -> None:
    async with serving(tmp_path, RpcLimits(stop_grace=0)) as daemon, await connect(daemon) as other:
        client = await connect(daemon)
        for data in stream:
            await client.stream.send(data)
        if half_close:
            await client.stream.send_eof()
        else:
            await _answers_after_a_newline(client)
        await other.ping()
        await client.stream.aclose()
        await daemon.until_waiting(0)
        await other.ping()


async def _answers_after_a_newline(client: Client) -> None:
    await client.send(b"", request("daemon.ping", "last"))
    with anyio.fail_after(PATIENCE):
        while True:
            answer = await client.read()
            if not isinstance(answer, list) and answer["id"] == "last":
                return


# -- answers that nobody reads ----------------------------------------------------------------------------------------


async def test_pages_that_a_client_does_not_read_are_not_made(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await connect(daemon)) for _ in range(20)]
        for client in clients:
            await client.send(*(request("job.list", n) for n in range(1, 31)))
        async with await connect(daemon) as other:
            for _ in range(30):
                await other.ping()
            await anyio.wait_all_tasks_blocked()
            assert daemon.pages <= 2 * len(clients)
            assert (await other.call("job.list"))["result"]["jobs"]
        answers = [await clients[0].read() for _ in range(30)]
        assert sorted(answer["id"] for answer in answers) == list(range(1, 31))
        assert all("result" in answer for answer in answers)


async def test_a_batch_array_of_pages_is_answered_as_far_as_there_is_room(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(b"[" + b", ".join(request("job.list", n) for n in range(1, 31)) + b"]")
        answers = await client.read()
        whole = [answer for answer in answers if "result" in answer]
        refused = [answer["error"]["data"]["kind"] for answer in answers if "error" in answer]
        assert (1 < len(whole) <= 8, set(refused)) == (True, {"too_many_requests"})
        assert len((await client.call("job.list"))["result"]["jobs"]) == 1000


async def test_what_nobody_reads_has_a_limit_over_all_clients_and_room_again_once_they_are_gone(
    tmp_path: Path,
) -> None:
    limits = RpcLimits(unread_answers=5 << 20)
    async with serving(tmp_path, limits) as daemon, await connect(daemon) as other:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(10):
                client = await stack.enter_async_context(await connect(daemon))
                await client.send(request("job.list", 1))
            with anyio.fail_after(PATIENCE):
                while daemon.pages < 10:
                    await anyio.wait_all_tasks_blocked()
            error = (await other.call("job.list"))["error"]
            assert (error["data"]["kind"], error["data"]["retryable"]) == ("too_many_requests", True)
            for _ in range(3):
                await other.ping()
        await _until_connected(daemon)
        with anyio.fail_after(PATIENCE):
            while "error" in await other.call("job.list"):
                await anyio.wait_all_tasks_blocked()
