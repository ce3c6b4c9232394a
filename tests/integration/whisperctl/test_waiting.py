"""Commands that wait: what they send, show and print, and how they outlive the daemon and Ctrl-C."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.integration.whisperctl.scripted_queue import Queue
from tests.scripted_daemon import AnswerError, Conversation, HangUpError, Params, ScriptedDaemon, Then, job, transcript
from whisperctl import cli, follow
from whisperd.wire import names


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(follow, "LONGEST_PAUSE", 0.02)


# -- submit -----------------------------------------------------------------------------------------------------------


def test_submit_sends_files_and_options(folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--language en --model base --task translate --format txt,srt --output-dir out --prompt P --hotwords H"
    more = "--words --beam-size 3 --audio-context fit --compute-type int8 --languages en,German --multilingual"
    given = [*options.split(), *more.split(), "--chinese", "simplified"]
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        assert cli.main(["submit", "a.wav", *given, os.fsdecode(b"caf\xe9.wav")]) == names.EXIT_OK
        [sent] = daemon.asked("job.submit")
    first, second = sent["files"]
    assert first["path"] == f"{folder}/a.wav"
    assert set(second) == {"path_b64", "key"}
    assert first["key"] != second["key"]
    assert sent["options"] == {
        "language": "en",
        "model": "base",
        "task": "translate",
        "formats": ["txt", "srt"],
        "output_dir": f"{folder}/out",
        "prompt": "P",
        "hotwords": "H",
        "words": True,
        "beam_size": 3,
        "audio_context": "fit",
        "compute_type": "int8",
        "languages": ["en", "German"],
        "multilingual": True,
        "chinese": "simplified",
    }
    assert capsys.readouterr().out == "   1  queued     a.wav\n   2  queued     utf-8\n"


def test_options_that_are_not_given_are_not_sent(folder: Path, queue: Queue) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        assert cli.main(["submit", "a.wav"]) == names.EXIT_OK
        assert daemon.asked("job.submit")[0]["options"] == {}


def test_a_key_of_the_persons_own_names_one_file(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        assert cli.main(["submit", "--key", "mine", "a.wav"]) == names.EXIT_OK
        assert daemon.asked("job.submit")[0]["files"] == [{"path": f"{folder}/a.wav", "key": "mine"}]
        assert cli.main(["submit", "--key", "mine", "a.wav", "b.wav"]) == names.EXIT_USAGE
    assert "there are 2 files" in capsys.readouterr().err


def test_many_files_go_in_requests_under_the_limits(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = folder / ("d" * 200) / ("e" * 200)
    deep.mkdir(parents=True)
    for number in range(1_200):
        (deep / f"{number:04}{'x' * 200}.wav").touch()
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        assert cli.main(["submit", "d" * 200, "--json"]) == names.EXIT_OK
        requests = daemon.asked("job.submit")
    assert all(len(json.dumps(request)) < names.MAX_REQUEST for request in requests)
    assert [file["path"] for request in requests for file in request["files"]] == sorted(map(str, deep.iterdir()))
    shown = capsys.readouterr()
    assert [found["id"] for found in json.loads(shown.out)["jobs"]] == list(range(1, 1_201))
    assert "1,200 audio files" in shown.err


def test_submit_says_at_once_what_can_not_be_done(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_: Conversation, params: Params) -> Params:
        return {"jobs": [job(1, "failed", error={"kind": "input_missing", "message": "no such file", "hint": None})]}

    with ScriptedDaemon(folder / "run", {"job.submit": refused}):
        assert cli.main(["submit", "a.wav"]) == names.EXIT_FAILED
    assert "meeting.wav: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["submit", ""], ["transcribe", "a.wav", ""], ["submit", "a.wav", "--model", ""]])
def test_an_empty_name_is_a_usage_error_and_not_the_current_folder(
    words: list[str], folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "here.wav").touch()
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        assert cli.main(words) == names.EXIT_USAGE
        assert daemon.asked("job.submit") == []
    shown = capsys.readouterr().err
    assert "is empty" in shown
    assert "shell variable" in shown


def test_an_empty_output_folder_is_a_usage_error(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        assert cli.main(["submit", "a.wav", "--output-dir", ""]) == names.EXIT_USAGE
        assert daemon.asked("job.submit") == []
    assert "is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("./mine", "{folder}/mine"),
        ("inner/own", "{folder}/inner/own"),
        ("~/mine", "{folder}/mine"),
        ("../missing", "{folder}/../missing"),
        ("mine", "mine"),
        ("owner/name", "owner/name"),
        ("/models/x", "/models/x"),
    ],
)
def test_a_model_that_is_a_path_goes_as_an_absolute_one(given: str, sent: str, folder: Path, queue: Queue) -> None:
    (folder / "mine").mkdir()
    (folder / "inner" / "own").mkdir(parents=True)
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        assert cli.main(["submit", "a.wav", f"--model={given}", "--output-dir=~/texts"]) == names.EXIT_OK
        options = daemon.asked("job.submit")[0]["options"]
    assert options == {"model": sent.format(folder=folder), "output_dir": f"{folder}/texts"}


def test_a_failure_that_names_the_file_is_not_labelled_with_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = {"kind": "input_missing", "message": "/audio/meeting.wav does not exist", "hint": None}
    with ScriptedDaemon(folder / "run", {"job.submit": {"jobs": [job(1, "failed", error=missing)]}}):
        assert cli.main(["submit", "a.wav"]) == names.EXIT_FAILED
    assert "whisperctl: /audio/meeting.wav does not exist\n" in capsys.readouterr().err


def test_submit_does_not_take_standard_input(folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        assert cli.main(["submit", "-"]) == names.EXIT_USAGE
        assert daemon.asked("job.submit") == []
    assert "whisperctl transcribe -" in capsys.readouterr().err


# -- transcribe -------------------------------------------------------------------------------------------------------


def test_texts_come_out_in_the_order_given(folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()):
        assert cli.main(["transcribe", "c.wav", "a.wav", "b.wav"]) == names.EXIT_OK
    shown = capsys.readouterr()
    assert shown.out == "text of 1\ntext of 2\ntext of 3\n"
    assert shown.err.splitlines() == [
        "job 1 c.wav: queued, place 1",
        "job 2 a.wav: queued, place 2",
        "job 3 b.wav: queued, place 3",
        "job 3 b.wav: transcribing, 0%",
        "job 3 b.wav: completed, 0:10 of audio in 2.0 s (5.0×)",
        "job 2 a.wav: transcribing, 0%",
        "job 2 a.wav: completed, 0:10 of audio in 2.0 s (5.0×)",
        "job 1 c.wav: transcribing, 0%",
        "job 1 c.wav: completed, 0:10 of audio in 2.0 s (5.0×)",
    ]


def test_a_failed_file_is_reported_and_the_others_are_printed(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()):
        assert cli.main(["transcribe", "a.wav", "bad.wav", "c.wav"]) == names.EXIT_FAILED
    shown = capsys.readouterr()
    assert shown.out == "text of 1\ntext of 3\n"
    assert "whisperctl: bad.wav: not audio\n" in shown.err
    assert shown.err.count("not audio") == 1
    assert "look at it" in shown.err


def test_json_of_several_files_is_a_line_each(folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()):
        assert cli.main(["--json", "transcribe", "a.wav", "bad.wav"]) == names.EXIT_FAILED
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == transcript(1, "text of 1")
    assert (second["id"], second["state"], second["error"]["kind"]) == (2, "failed", "bad_input")


def test_what_is_missing_and_what_was_written_are_said(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = job(
        1, "completed", partial=True, missing=12.0,
        outputs=[{"format": "srt", "path": "/o/a.srt"}, {"format": "txt", "path": "/o/a.txt", "error": "disk full"}],
    )  # fmt: skip
    queue.jobs[1] = ended
    answers = queue.answers() | {"job.submit": {"jobs": [ended]}}
    with ScriptedDaemon(folder / "run", answers):
        assert cli.main(["transcribe", "a.wav"]) == names.EXIT_FAILED
    shown = capsys.readouterr().err
    assert "meeting.wav: 12 s of the audio could not be read" in shown
    assert "meeting.wav: wrote /o/a.srt\n" in shown
    assert "meeting.wav: txt: disk full\n" in shown


def test_a_jobs_notes_are_said(folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    queue.jobs[1] = job(1, "completed", notes=["3 damaged packets were skipped", "memory\x1b ran out"])
    answers = queue.answers() | {"job.submit": {"jobs": [queue.jobs[1]]}}
    with ScriptedDaemon(folder / "run", answers):
        assert cli.main(["transcribe", "a.wav"]) == names.EXIT_OK
    shown = capsys.readouterr()
    assert shown.out == "text of 1\n"
    assert shown.err.endswith("meeting.wav: 3 damaged packets were skipped\nmeeting.wav: memory\\x1b ran out\n")


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["transcribe", "a.wav"], ""),
        (["submit", "--wait", "a.wav"], "   1  completed  meeting.wav\n"),
        (["transcribe", "--json", "a.wav"], json.dumps(transcript(1, "")) + "\n"),
    ],
)
def test_a_file_without_speech_has_no_text_and_says_so(
    words: list[str], out: str, folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.jobs[1] = job(1, "completed", confidence=0.0, language=None)
    answers = queue.answers() | {"job.submit": {"jobs": [queue.jobs[1]]}, "job.text": transcript(1, "")}
    with ScriptedDaemon(folder / "run", answers):
        assert cli.main(words) == names.EXIT_OK
    shown = capsys.readouterr()
    assert shown.out == out
    assert shown.err.endswith("no speech was found in meeting.wav\n")


def test_a_cancelled_job_is_not_a_success(folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    queue.jobs[1] = job(1, "cancelled")
    answers = queue.answers() | {"job.submit": {"jobs": [queue.jobs[1]]}}
    with ScriptedDaemon(folder / "run", answers):
        assert cli.main(["transcribe", "a.wav"]) == names.EXIT_FAILED
    assert "job 1 was cancelled" in capsys.readouterr().err


# -- standard input ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sound_on_stdin() -> Any:
    kept = os.dup(0)
    reading, writing = os.pipe()
    os.write(writing, b"sound")
    os.close(writing)
    os.dup2(reading, 0)
    os.close(reading)
    yield
    os.dup2(kept, 0)
    os.close(kept)


def spooled(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in (folder / "state" / "whisperd" / "spool").iterdir()]


@pytest.mark.usefixtures("sound_on_stdin")
def test_standard_input_is_spooled_and_removed_once_transcribed(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()) as daemon:
        assert cli.main(["transcribe", "a.wav", "-"]) == names.EXIT_OK
        first, second = daemon.asked("job.submit")[0]["files"]
    assert first["path"] == f"{folder}/a.wav"
    assert second["path"].startswith(f"{folder}/state/whisperd/spool/stdin-")
    assert spooled(folder) == []
    assert "job 2 standard input: completed" in capsys.readouterr().err


@pytest.mark.usefixtures("sound_on_stdin")
def test_standard_input_of_a_failed_job_is_kept(folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    def submit(conversation: Conversation, params: Params) -> Params:
        [found] = queue.submit(conversation, params)["jobs"]
        queue.jobs[1] = found | {"state": "failed", "error": {"kind": "io", "message": "can't read", "hint": None}}
        return {"jobs": [queue.jobs[1]]}

    with ScriptedDaemon(folder / "run", queue.answers() | {"job.submit": submit}):
        assert cli.main(["transcribe", "-"]) == names.EXIT_FAILED
    assert spooled(folder) == [b"sound"]
    shown = capsys.readouterr().err
    assert "standard input: can't read" in shown
    assert "is kept in" in shown


@pytest.mark.usefixtures("sound_on_stdin")
def test_standard_input_is_not_left_behind_when_the_daemon_refuses(folder: Path, queue: Queue) -> None:
    def refuse(_: Conversation, params: Params) -> None:
        raise AnswerError(names.REFUSED, "queue_full", "the queue is full")

    with ScriptedDaemon(folder / "run", queue.answers() | {"job.submit": refuse}):
        assert cli.main(["transcribe", "-"]) == names.EXIT_REFUSED
    assert spooled(folder) == []


def test_standard_input_can_be_named_only_once(folder: Path, queue: Queue) -> None:
    with ScriptedDaemon(folder / "run", queue.answers()):
        assert cli.main(["transcribe", "-", "-"]) == names.EXIT_USAGE


# -- outliving the daemon ---------------------------------------------------------------------------------------------


def test_a_resubmission_after_a_lost_answer_makes_no_second_job(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    lost: list[Params] = []

    def submit(conversation: Conversation, params: Params) -> Params:
        answer = queue.submit(conversation, params)
        if not lost:
            lost.append(answer)
            raise HangUpError
        return answer

    with ScriptedDaemon(folder / "run", queue.answers() | {"job.submit": submit}) as daemon:
        assert cli.main(["transcribe", "a.wav"]) == names.EXIT_OK
        first, second = daemon.asked("job.submit")
    assert first == second
    assert list(queue.jobs) == [1]
    shown = capsys.readouterr()
    assert shown.out == "text of 1\n"
    assert "whisperd is gone; waiting for it to come back…\nwhisperd is back\n" in shown.err


def restart(daemon: ScriptedDaemon) -> None:
    """Kill the daemon, from one of its own threads, and start it after a while."""
    daemon.stop()
    threading.Timer(0.05, daemon.start).start()


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["transcribe", "a.wav", "b.wav"], "text of 1\ntext of 2\n"),
        (["submit", "--wait", "a.wav", "b.wav"], "   1  completed  a.wav\n   2  completed  b.wav\n"),
        (["job", "wait", "1-2"], "   1  completed  a.wav\n   2  completed  b.wav\n"),
    ],
)
def test_waiting_outlives_a_restart(
    words: list[str], out: str, folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = ScriptedDaemon(folder / "run", queue.answers())
    waits: list[Params] = []

    def wait(conversation: Conversation, params: Params) -> Then:
        waits.append(params)
        answer = queue.wait(conversation, params)
        return Then(answer.result, lambda: restart(daemon)) if len(waits) == 3 else answer

    if words[0] == "job":
        for number, path in ((1, "a.wav"), (2, "b.wav")):
            queue.jobs[number] = job(number, path=f"{folder}/{path}")
    daemon.answers["job.wait"] = wait
    with daemon:
        assert cli.main(words) == names.EXIT_OK
        assert [params["jobs"] for params in daemon.asked("events.subscribe")] == [[1, 2], [1, 2]]
    shown = capsys.readouterr()
    assert shown.out == out
    assert shown.err.count("whisperd is gone") == 1


def test_a_daemon_that_is_shutting_down_is_waited_for(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[bool] = []

    def submit(conversation: Conversation, params: Params) -> Params:
        if told:
            return queue.submit(conversation, params)
        told.append(True)
        threading.Timer(0.02, conversation.close).start()
        raise AnswerError(names.REFUSED, "shutting_down", "whisperd is shutting down")

    with ScriptedDaemon(folder / "run", queue.answers() | {"job.submit": submit}):
        assert cli.main(["transcribe", "a.wav"]) == names.EXIT_OK
    assert capsys.readouterr().out == "text of 1\n"


def test_lost_events_lose_no_state(folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    def wait(conversation: Conversation, params: Params) -> Then:
        def lose() -> None:
            queue.jobs[1] = queue.jobs[1] | {"state": "completed"}
            conversation.send({"jsonrpc": "2.0", "method": "events.lost", "params": {"subscription": 1, "since": 0}})

        return Then(queue.wait(conversation, params).result, lose)

    with ScriptedDaemon(folder / "run", queue.answers() | {"job.wait": wait}) as daemon:
        assert cli.main(["transcribe", "a.wav"]) == names.EXIT_OK
        assert len(daemon.asked("events.subscribe")) == 2
    assert capsys.readouterr().out == "text of 1\n"


def test_silence_is_broken_by_asking(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "RECHECK", 0.02)
    monkeypatch.setattr("whisperctl.monitor.RECHECK", 0.02)
    asked: list[int] = []

    def wait(conversation: Conversation, params: Params) -> Params:
        asked.append(1)
        if len(asked) == 3:
            queue.jobs[1] = queue.jobs[1] | {"state": "completed"}
        return queue.wait(conversation, params).result

    with ScriptedDaemon(folder / "run", queue.answers() | {"job.wait": wait}):
        assert cli.main(["transcribe", "a.wav"]) == names.EXIT_OK
    assert capsys.readouterr().out == "text of 1\n"


def test_a_job_that_is_not_there_is_not_waited_for(folder: Path, queue: Queue) -> None:
    def missing(_: Conversation, params: Params) -> None:
        raise AnswerError(names.NOT_FOUND, "not_found", "there is no job 9")

    with ScriptedDaemon(folder / "run", queue.answers() | {"job.wait": missing}):
        assert cli.main(["job", "wait", "9"]) == names.EXIT_NOT_FOUND


# -- events -----------------------------------------------------------------------------------------------------------


def stored(conversation: Conversation, params: Params, newest: int) -> Then:
    def replay() -> None:
        conversation.event("job.progress", 1, {"progress": 0.1})
        for seq in range(params.get("since", newest) + 1, newest + 1):
            topic = "queue.state" if seq % 2 else "job.state"
            conversation.event(topic, seq, {}, seq=seq)

    return Then({"subscription": 1, "seq": newest}, replay)


@pytest.mark.parametrize(
    ("options", "seqs"),
    [([], [1, 2, 3, 4, 5]), (["--since", "3"], [4, 5]), (["--topic", "job.state"], [2, 4]), (["--since", "5"], [])],
)
def test_events_end_with_the_newest_stored_one(
    options: list[str], seqs: list[int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"events.subscribe": lambda conversation, params: stored(conversation, params, 5)}
    with ScriptedDaemon(folder / "run", answers):
        assert cli.main(["events", *options]) == names.EXIT_OK
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == seqs


def test_an_unknown_topic_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["events", "--topic", "job.stat"]) == names.EXIT_USAGE
    assert "job.state" in capsys.readouterr().err


def test_followed_events_go_on_after_a_restart_where_they_were(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subscriptions: list[Params] = []

    def subscribe(conversation: Conversation, params: Params) -> Then:
        subscriptions.append(params)
        if len(subscriptions) == 1:
            return Then(
                {"subscription": 1, "seq": 7}, lambda: conversation.event("job.state", 1, {}, seq=8), conversation.close
            )
        if len(subscriptions) == 2:
            lost = {"jsonrpc": "2.0", "method": "events.lost", "params": {"subscription": 1, "since": 8}}
            return Then({"subscription": 1, "seq": 9}, lambda: conversation.send(lost))
        raise AnswerError(names.INTERNAL_ERROR, "internal", "that is enough for a test")

    with ScriptedDaemon(folder / "run", {"events.subscribe": subscribe}):
        assert cli.main(["events", "--follow", "--topic", "job.state,queue.state"]) == names.EXIT_FAILED
    topics = ["job.state", "queue.state"]
    assert subscriptions == [{"topics": topics}, {"topics": topics, "since": 8}, {"topics": topics, "since": 8}]
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [8]


def test_a_daemon_that_is_ending_is_not_taken_for_one_that_is_back(
    folder: Path, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    pings: list[str] = []

    def ping(_: Conversation, params: Params) -> Params:
        pings.append("ping")
        if len(pings) == 2:
            raise HangUpError
        if len(pings) == 3:
            raise AnswerError(names.REFUSED, "shutting_down", "whisperd is shutting down")
        return {"pong": True}

    def text(_: Conversation, params: Params) -> Params:
        if len(pings) == 1:
            raise HangUpError
        return transcript(1, "hello")

    with ScriptedDaemon(folder / "run", queue.answers() | {"daemon.ping": ping, "job.text": text}):
        assert cli.main(["transcribe", "a.wav"]) == names.EXIT_OK
    shown = capsys.readouterr()
    assert len(pings) == 4
    assert shown.out == "hello\n"
    assert shown.err.count("whisperd is gone") == shown.err.count("whisperd is back") == 1
