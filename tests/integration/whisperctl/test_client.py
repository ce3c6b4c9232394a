"""The socket's other end, well-behaved and otherwise."""

import os
import socket
from pathlib import Path

import pytest

from tests.scripted_daemon import AnswerError, Conversation, HangUpError, Params, ScriptedDaemon, SilenceError, Then
from whisperctl import client as client_module
from whisperctl.client import Client
from whisperctl.errors import DisconnectedError, NoDaemonError, RequestFailedError, UnsafeSocketError, UsageError
from whisperd.wire import names


def test_a_result_comes_back_and_parameters_arrive(folder: Path) -> None:
    with ScriptedDaemon(folder / "run", {"job.show": lambda _, params: {"job": params["id"]}}) as daemon:
        client = Client(str(daemon.socket))
        assert client.call("job.show", {"id": 7}) == {"job": 7}
        assert client.call("daemon.ping") == {"pong": True}
        client.close()
        assert daemon.requests == [("job.show", {"id": 7}), ("daemon.ping", {})]


def test_notifications_between_request_and_answer_are_kept_in_order(folder: Path) -> None:
    def answer(conversation: Conversation, _: Params) -> Params:
        conversation.event("job.state", 1, {"state": "running"}, seq=1)
        return {"subscription": 1, "seq": 1}

    def after(conversation: Conversation, _: Params) -> Then:
        return Then({}, lambda: conversation.event("job.state", 1, {"state": "completed"}, seq=2))

    with ScriptedDaemon(folder / "run", {"events.subscribe": answer, "daemon.ping": after}) as daemon:
        client = Client(str(daemon.socket))
        client.call("events.subscribe")
        client.call("daemon.ping")
        events = [client.event(10), client.event(10)]
        assert [event[1].get("seq") for event in events if event] == [1, 2]
        assert client.event(0.01) is None
        client.close()


def test_an_answer_larger_than_any_buffer_arrives_whole(folder: Path) -> None:
    text = "word " * 1_000_000
    with ScriptedDaemon(folder / "run", {"job.text": {"text": text}}) as daemon:
        client = Client(str(daemon.socket))
        assert client.call("job.text")["text"] == text
        client.close()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (names.NOT_FOUND, names.EXIT_NOT_FOUND),
        (names.REFUSED, names.EXIT_REFUSED),
        (names.INVALID_PARAMS, names.EXIT_USAGE),
        (names.INTERNAL_ERROR, names.EXIT_FAILED),
    ],
)
def test_an_error_carries_kind_hint_and_exit_status(folder: Path, code: int, status: int) -> None:
    def fail(_: Conversation, params: Params) -> None:
        raise AnswerError(code, "some_kind", "it went wrong", "do this")

    with ScriptedDaemon(folder / "run", {"job.show": fail}) as daemon:
        client = Client(str(daemon.socket))
        with pytest.raises(RequestFailedError) as caught:
            client.call("job.show")
        client.close()
    error = caught.value
    assert (error.code, error.kind, error.message, error.hint) == (code, "some_kind", "it went wrong", "do this")
    assert error.status == status


def test_an_unknown_method_means_an_older_daemon(folder: Path) -> None:
    with ScriptedDaemon(folder / "run", {}) as daemon:
        client = Client(str(daemon.socket))
        with pytest.raises(RequestFailedError) as caught:
            client.call("batch.create")
        client.close()
    assert caught.value.hint is not None
    assert "older" in caught.value.hint


def test_an_error_without_an_id_answers_what_was_asked(folder: Path) -> None:
    def refuse(conversation: Conversation, _: Params) -> None:
        error = {"code": names.REFUSED, "message": "64 connections are open already"}
        conversation.send({"jsonrpc": "2.0", "id": None, "error": error})
        raise HangUpError

    with ScriptedDaemon(folder / "run", {"daemon.status": refuse}) as daemon:
        client = Client(str(daemon.socket))
        with pytest.raises(RequestFailedError, match="64 connections"):
            client.call("daemon.status")
        client.close()


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\n", b"[1, 2]\n", b'"text"\n', b"\xff\xfe\n", b"[" * 9_999 + b"\n"]
)
def test_garbage_ends_the_conversation_with_a_sentence(folder: Path, garbage: bytes) -> None:
    def answer(conversation: Conversation, _: Params) -> None:
        conversation.send(garbage)
        raise SilenceError

    with ScriptedDaemon(folder / "run", {"daemon.status": answer}) as daemon:
        client = Client(str(daemon.socket))
        with pytest.raises(DisconnectedError, match="does not speak"):
            client.call("daemon.status")
        client.close()


def test_a_line_without_an_end_is_not_read_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(conversation: Conversation, _: Params) -> None:
        conversation.send(b"x" * 100_000)
        raise SilenceError

    monkeypatch.setattr(client_module, "MAX_ANSWER", 50_000)
    with ScriptedDaemon(folder / "run", {"daemon.status": answer}) as daemon:
        client = Client(str(daemon.socket))
        with pytest.raises(DisconnectedError, match="over 50000 bytes"):
            client.call("daemon.status")
        client.close()


def test_a_daemon_that_does_not_answer_is_given_up(folder: Path) -> None:
    def silent(_: Conversation, params: Params) -> None:
        raise SilenceError

    with ScriptedDaemon(folder / "run", {"daemon.status": silent}) as daemon:
        client = Client(str(daemon.socket))
        with pytest.raises(DisconnectedError, match=r"did not answer daemon\.status within 0\.05 s"):
            client.call("daemon.status", timeout=0.05)
        client.close()


def test_a_daemon_that_dies_before_it_answers_is_noticed(folder: Path) -> None:
    def die(_: Conversation, params: Params) -> None:
        raise HangUpError

    with ScriptedDaemon(folder / "run", {"daemon.status": die}) as daemon:
        client = Client(str(daemon.socket))
        with pytest.raises(DisconnectedError, match="closed the connection"):
            client.call("daemon.status")
        with pytest.raises(DisconnectedError):
            client.call("daemon.status")
        client.close()


def test_text_that_is_not_utf8_is_refused_before_it_is_sent(folder: Path) -> None:
    with ScriptedDaemon(folder / "run", {}) as daemon:
        client = Client(str(daemon.socket))
        with pytest.raises(UsageError, match=r"not valid UTF-8, near .*caf"):
            client.call("job.submit", {"options": {"prompt": "caf\udce9"}})
        client.close()
        assert daemon.requests == []


# -- no daemon, and other people's sockets ----------------------------------------------------------------------------


def test_no_folder_and_no_socket_are_no_daemon(folder: Path) -> None:
    for path in (folder / "nowhere" / "s", folder / "s"):
        with pytest.raises(NoDaemonError, match="there is no socket at") as caught:
            Client(str(path))
        assert caught.value.status == names.EXIT_NO_DAEMON
        assert caught.value.hint is not None
        assert "whisperd run" in caught.value.hint


def test_a_socket_that_a_killed_daemon_left_is_told_from_none(folder: Path) -> None:
    daemon = ScriptedDaemon(folder / "run", {})
    daemon.start()
    daemon.stop()
    with pytest.raises(NoDaemonError, match="nobody listens at"):
        Client(str(daemon.socket))


def test_something_else_than_a_socket_is_no_daemon(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(NoDaemonError):
        Client(str(folder / "file"))


def test_a_path_too_long_for_a_socket_is_said_to_be(folder: Path) -> None:
    long = folder / ("x" * 120)
    long.mkdir(mode=0o700)
    with pytest.raises(NoDaemonError, match="AF_UNIX path too long"):
        Client(str(long / "whisperd.sock"))


def test_a_full_backlog_is_not_waited_for_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "CONNECT_TIMEOUT", 0.05)
    path = folder / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        first = Client(str(path))
        with pytest.raises(NoDaemonError, match="does not accept connections"):
            Client(str(path))
        first.close()


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_that_others_can_write_to_is_not_trusted(folder: Path, mode: int) -> None:
    with ScriptedDaemon(folder / "run", {}) as daemon:
        (folder / "run").chmod(mode)
        with pytest.raises(UnsafeSocketError, match="other users can write") as caught:
            Client(str(daemon.socket))
        assert caught.value.status == names.EXIT_NO_DAEMON
        assert daemon.conversations == []


def test_another_users_folder_is_not_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedDaemon(folder / "run", {}) as daemon:
        ours = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
        with pytest.raises(UnsafeSocketError, match=f"belongs to user {ours}, not to you"):
            Client(str(daemon.socket))


def test_another_users_daemon_is_told_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedDaemon(folder / "run", {}) as daemon:
        monkeypatch.setattr(client_module, "check_folder", lambda path: None)
        ours = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
        with pytest.raises(UnsafeSocketError, match=f"runs as user {ours}, not as you"):
            Client(str(daemon.socket))
        assert daemon.requests == []


def test_a_missing_runtime_folder_is_pointed_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = f"/run/user/{os.geteuid()}/whisperd/whisperd.sock"
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(os.path, "exists", lambda path: path == usual)
    with pytest.raises(NoDaemonError, match=f"but there is one at {usual}") as caught:
        Client(str(folder / "s"))
    assert caught.value.hint is not None
    assert "export XDG_RUNTIME_DIR" in caught.value.hint
