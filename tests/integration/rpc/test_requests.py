"""Requests, notifications, batches and errors over a real socket."""

import json
import logging
from pathlib import Path

import anyio
import pytest

from tests.integration.rpc.serving import SECRET, connect, request, serving
from whisperd.rpc.dispatch import Dispatcher
from whisperd.rpc.limits import RpcLimits
from whisperd.wire import codec, names

pytestmark = pytest.mark.anyio


async def test_a_request_is_answered_under_its_id(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(b'{"jsonrpc": "2.0", "id": "a", "method": "daemon.ping"}')
        assert await client.read() == {"jsonrpc": "2.0", "id": "a", "result": {"pong": True}}


async def test_a_notification_is_done_and_gets_no_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(request("daemon.ping"), request("job.show", id=1), request("no.such"))
        await client.ping()
        assert daemon.pings == 2


async def test_a_batch_is_answered_as_one_array_without_its_notifications(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        batch = [request("daemon.ping", 1), request("daemon.ping"), b"5", request("job.show", 2, id=7)]
        await client.send(b"[" + b",".join(batch) + b"]")
        answers = await client.read()
        assert [answer["id"] for answer in answers] == [1, None, 2]
        assert [answer.get("error", {}).get("code") for answer in answers] == [
            None,
            names.INVALID_REQUEST,
            names.NOT_FOUND,
        ]
        await client.send(b"[" + request("daemon.ping") + b"]")  # only notifications: no answer at all
        await client.ping()


async def test_a_batch_of_32_is_answered_and_one_of_33_is_refused_whole(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        calls = [request("daemon.ping", n) for n in range(1, 34)]
        await client.send(b"[" + b",".join(calls) + b"]")
        refused = await client.read()
        assert (refused["id"], refused["error"]["code"]) == (None, names.INVALID_REQUEST)
        assert daemon.pings == 0
        await client.send(b"[" + b",".join(calls[:32]) + b"]")
        assert [answer["id"] for answer in await client.read()] == list(range(1, 33))


async def test_an_error_carries_kind_retryable_and_hint(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        error = (await client.call("job.show", id=9))["error"]
        assert error["code"] == names.NOT_FOUND
        assert error["message"] == "there is no job 9"
        assert error["data"]["kind"] == "not_found"
        assert error["data"]["retryable"] is False
        assert error["data"]["hint"] == "see `whisperctl job list`"


async def test_an_error_of_one_task_of_a_handler_is_that_error(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        assert (await client.call("job.cancel", ids=[1]))["error"]["code"] == names.NOT_FOUND


async def test_a_defect_is_logged_under_the_id_in_its_answer_without_what_was_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        with caplog.at_level(logging.ERROR):
            error = (await client.call("job.text", id=9))["error"]
        assert error["code"] == names.INTERNAL_ERROR
        log_id = error["data"]["hint"].split()[-1]
        assert log_id in caplog.text
        assert "RuntimeError" in caplog.text
        assert "in fail" in caplog.text
        assert SECRET not in caplog.text + json.dumps(error)
        await client.ping()


async def test_a_method_of_the_table_without_a_handler_is_not_found(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        assert (await client.call("daemon.doctor"))["error"]["code"] == names.METHOD_NOT_FOUND
        misspelt = (await client.call("daemon.pnig"))["error"]
        assert misspelt["code"] == names.METHOD_NOT_FOUND
        assert misspelt["data"]["hint"] == "did you mean `daemon.ping`?"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", names.PARSE_ERROR),
        (b"\xff", names.PARSE_ERROR),
        (b'{"a":NaN}', names.PARSE_ERROR),
        (b'{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"daemon.ping"}', names.PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', names.PARSE_ERROR),
        (b"[" * 100_000, names.PARSE_ERROR),
        (b"[]", names.INVALID_REQUEST),
        (b"1", names.INVALID_REQUEST),
        (b"\0", names.PARSE_ERROR),
    ],
)
async def test_bad_input_gets_the_standards_error_and_the_connection_lives(
    tmp_path: Path, line: bytes, code: int
) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(line)
        answer = await client.read()
        assert (answer["id"], answer["error"]["code"]) == (None, code)
        await client.ping()


async def test_an_overlong_line_is_answered_once_and_the_connection_lives(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(b"x" * (3 * names.MAX_REQUEST))
        answer = await client.read()
        assert (answer["id"], answer["error"]["code"]) == (None, names.INVALID_REQUEST)
        await client.ping()
        params = {"client": "c" * (names.MAX_REQUEST - 200)}
        await client.send(request("initialize", 5, **params))
        assert (await client.read())["id"] == 5


async def test_blank_lines_and_carriage_returns_are_no_requests(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(b"", b"\r", b"  ", request("daemon.ping", 1) + b"\r")
        assert (await client.read())["id"] == 1


async def test_a_request_in_pieces_is_one_request(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        line = request("daemon.ping", "é") + b"\n" + request("daemon.ping", 2) + b"\n"
        for byte in line:
            await client.stream.send(bytes([byte]))
        assert [(await client.read())["id"], (await client.read())["id"]] == ["é", 2]


async def test_a_long_answer_arrives_whole_beside_others(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(*(request("initialize", n, client="ab" * 500) for n in range(1, 21)))
        answers = [await client.read() for _ in range(20)]
        assert sorted(answer["id"] for answer in answers) == list(range(1, 21))
        assert all(len(answer["result"]["client"]) == 1_000_000 for answer in answers)


async def test_a_quick_answer_does_not_wait_for_a_slow_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(request("job.wait", 1, ids=[1]), request("daemon.ping", 2))
        assert (await client.read())["id"] == 2
        daemon.release.set()
        assert (await client.read())["id"] == 1


async def test_the_33rd_request_in_flight_is_refused_and_may_be_tried_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(*(request("job.wait", n, ids=[1]) for n in range(1, 33)))
        await daemon.until_waiting(32)
        refused = await client.call("daemon.ping")
        assert refused["error"]["data"]["kind"] == "too_many_requests"
        assert refused["error"]["data"]["retryable"] is True
        async with await connect(daemon) as other:
            await other.ping()
        daemon.release.set()
        assert sorted([(await client.read())["id"] for _ in range(32)]) == list(range(1, 33))
        assert "result" in await client.call("daemon.ping")


async def test_a_batch_runs_as_far_as_there_is_room(tmp_path: Path) -> None:
    async with serving(tmp_path, RpcLimits(max_in_flight=3, stop_grace=0.1)) as daemon, await connect(daemon) as client:
        await client.send(request("job.wait", 1, ids=[1]))
        await daemon.until_waiting(1)
        await client.send(b"[" + b",".join(request("daemon.ping", n) for n in range(2, 6)) + b"]")
        answers = await client.read()
        assert [answer["id"] for answer in answers] == [2, 3, 4, 5]
        assert ["result" in answer for answer in answers] == [True, True, False, False]


async def test_a_client_that_goes_ends_its_waiting_requests(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        client = await connect(daemon)
        await client.send(request("job.wait", 1, ids=[1]), request("job.wait", 2, ids=[1]))
        await daemon.until_waiting(2)
        await client.stream.aclose()
        await daemon.until_waiting(0)
        assert daemon.cancelled == 2


async def test_a_client_that_only_stopped_sending_still_gets_its_answers(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client:
        await client.send(request("job.wait", 1, ids=[1]))
        await client.stream.send(request("daemon.ping", 2))  # a last line without a newline
        await client.stream.send_eof()
        assert (await client.read())["id"] == 2
        assert daemon.waiting == 1
        daemon.release.set()
        assert (await client.read())["id"] == 1
        assert await client.at_end()


async def test_a_client_that_stopped_sending_and_then_goes_ends_its_waiting_requests(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        client = await connect(daemon)
        await client.send(request("job.wait", 1, ids=[1]))
        await client.stream.send_eof()
        await daemon.until_waiting(1)
        await anyio.wait_all_tasks_blocked()
        assert daemon.cancelled == 0
        await client.stream.aclose()
        await daemon.until_waiting(0)
        assert daemon.cancelled == 1


async def test_a_batch_without_room_is_refused_element_by_element(tmp_path: Path) -> None:
    limits = RpcLimits(max_in_flight=1, stop_grace=0.1)
    async with serving(tmp_path, limits) as daemon, await connect(daemon) as client:
        await client.send(request("job.wait", 1, ids=[1]))
        await daemon.until_waiting(1)
        await client.send(b"[" + request("daemon.ping", 2) + b",7," + request("daemon.ping") + b"]")
        refused, invalid = await client.read()
        assert (refused["id"], refused["error"]["data"]["kind"]) == (2, "too_many_requests")
        assert (invalid["id"], invalid["error"]["code"]) == (None, names.INVALID_REQUEST)
        assert daemon.pings == 0


async def test_a_defect_that_ends_one_connection_is_logged_and_ends_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as daemon, await connect(daemon) as client, await connect(daemon) as other:
        await other.ping()
        with monkeypatch.context() as broken:
            broken.setattr(codec, "parse", lambda line: 1 / 0)
            await client.send(request("daemon.ping", 1))
            assert await client.at_end()
        assert "ZeroDivisionError" in caplog.text
        await other.ping()


def test_a_handler_for_no_method_is_a_mistake_that_shows_at_the_start() -> None:
    async def answer(_: object) -> None:
        return None

    with pytest.raises(ValueError, match=r"job\.sumbit"):
        Dispatcher({"job.sumbit": answer})
