"""What every command asks, prints and exits with."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_daemon import AnswerError, Conversation, Params, ScriptedDaemon, Then, job, transcript
from whisperctl import cli
from whisperd.wire import names

STATUS: Params = {
    "version": "1.2.3", "pid": 42, "started_at": "2026-01-01T00:00:00.000Z", "uptime": 11_520.0, "state_dir": "/s",
    "socket": "/s.sock", "config": None, "memory": 41_000_000,
    "queue": {"queued": 14, "running": 1, "waiting": 0, "paused": 0, "completed": 120, "failed": 3, "cancelled": 0},
    "paused": False,
    "trouble": None,
    "config_error": None,
    "restart_needed": [],
    "holds": [{"reason": "low work runs 22:00-07:00", "jobs": 3}],
    "lanes": {"count": 2, "reason": "both fit"},
    "workers": [
        {"lane": "background", "state": "busy", "pid": 431, "model": "base", "device": "cpu", "compute_type": "int8",
         "job": 12, "memory": 310_000_000, "error": None, "fallback": None},
        {"lane": "interactive", "state": "absent", "pid": None, "model": None, "device": None, "compute_type": None,
         "job": None, "memory": None, "error": "no such\x1b model", "fallback": None},
    ],
    "running": [job(12, "running", stage="transcribing", progress=0.5, duration=60.0, done=30.0, speed=9.0, eta=3.0)],
}  # fmt: skip


def refuse(code: int, kind: str, message: str, hint: str | None = None) -> Any:
    def answer(_: Conversation, params: Params) -> None:
        raise AnswerError(code, kind, message, hint)

    return answer


def test_status_fits_on_a_screen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedDaemon(folder / "run", {"daemon.status": STATUS}):
        assert cli.main(["status"]) == names.EXIT_OK
    assert capsys.readouterr().out.splitlines() == [
        "whisperd 1.2.3  pid 42  up 3 h 12 m  41 MB",
        "queue     14 queued  1 running  120 completed  3 failed",
        "          3 jobs held: low work runs 22:00-07:00",
        "lanes     2: both fit",
        "worker    background: busy, base (cpu int8), job 12, 310 MB, pid 431",
        "worker    interactive: not needed now",
        "          no such\\x1b model",
        "",
        "12  meeting.wav transcribing   50%  9.0×    0:03 left",
    ]


def test_status_says_what_a_person_must_know_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stopped = {**STATUS["workers"][0], "state": "stopped"}
    held = [{"reason": "the queue is paused", "jobs": 14}]
    paused = STATUS | {"paused": True, "holds": held, "trouble": "the disk is full", "workers": [stopped]}
    with ScriptedDaemon(folder / "run", {"daemon.status": paused}):
        assert cli.main(["status"]) == names.EXIT_OK
    assert capsys.readouterr().out.splitlines()[1:6] == [
        "queue     14 queued  1 running  120 completed  3 failed",
        "          the disk is full",
        "          PAUSED: files wait, dictation goes on; `whisperctl queue resume`",
        "lanes     2: both fit",
        "worker    background: stopped while dictation computes, base (cpu int8), job 12, 310 MB, pid 431",
    ]


def test_status_says_once_why_a_worker_that_can_not_start_holds_jobs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "a worker process could not be started"
    broken = {**STATUS["workers"][1], "state": "broken", "error": reason}
    answer = STATUS | {"holds": [{"reason": reason, "jobs": 1}], "workers": [broken]}
    with ScriptedDaemon(folder / "run", {"daemon.status": answer}):
        assert cli.main(["status"]) == names.EXIT_OK
    shown = capsys.readouterr().out
    assert shown.count(reason) == 1
    assert f"1 job held: {reason}\n" in shown
    assert "worker    interactive: can't be started; `whisperctl doctor` looks for the reason\n" in shown


@pytest.mark.parametrize(
    ("words", "method", "result"),
    [
        (["status"], "daemon.status", STATUS),
        (["shutdown"], "daemon.shutdown", {"stopping": True}),
        (["job", "list"], "job.list", {"jobs": [job(1)], "next_cursor": "x"}),
        (["job", "show", "1"], "job.show", {"job": job(1), "story": []}),
        (["job", "text", "1"], "job.text", transcript(1, "héllo")),
        (["job", "wait", "1"], "job.wait", {"jobs": [job(1, "completed")]}),
        (["job", "cancel", "1"], "job.cancel", {"jobs": [{"id": 1, "ok": True, "job": job(1), "error": None}]}),
        (["job", "move", "1", "--to", "first"], "job.move", {"jobs": [{"id": 1, "ok": True, "job": job(1)}]}),
        (["job", "delete", "--all", "--yes"], "job.delete", {"jobs": [{"id": 1, "ok": True, "job": None}]}),
        (["queue", "pause"], "queue.pause", {"paused": True, "queue": {"queued": 1, "waiting": 0}}),
        (["queue", "resume"], "queue.resume", {"paused": False, "queue": {"queued": 1, "waiting": 0}}),
        (["queue", "clear", "--yes"], "queue.clear", {"removed": 3}),
        (["submit", "a.wav"], "job.submit", {"jobs": [job(1)]}),
        (["submit", "--dictation", "--wait", "a.wav"], "job.text", transcript(1, "said")),
        (["transcribe", "a.wav"], "job.text", transcript(1, "one\ntwo")),
    ],
)
def test_json_is_the_result_as_it_came_and_nothing_else(
    words: list[str], method: str, result: Params, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {
        "events.subscribe": {"subscription": 1, "seq": 0},
        "job.submit": {"jobs": [job(1)]},
        "job.list": {"jobs": [job(1, "completed")], "next_cursor": None},
        "job.wait": {"jobs": [job(1, "completed")]},
        method: result,
    }
    if words == ["shutdown"]:
        answers[method] = lambda conversation, _: Then(result, conversation.close)
    with ScriptedDaemon(folder / "run", answers):
        assert cli.main([*words, "--json"]) == names.EXIT_OK
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0]) == result


@pytest.mark.parametrize(
    ("code", "status"), [(names.NOT_FOUND, 4), (names.REFUSED, 5), (names.INVALID_PARAMS, 2), (names.INTERNAL_ERROR, 1)]
)
def test_errors_become_exit_statuses_and_sentences(
    code: int, status: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedDaemon(folder / "run", {"job.show": refuse(code, "k", "there is no\x07 job 9", "look\naround")}):
        assert cli.main(["job", "show", "9"]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "whisperctl: there is no\\x07 job 9\n" in shown.err
    assert "look\\naround" in shown.err


@pytest.mark.parametrize(
    "words", [["status"], ["job", "list"], ["submit", "a"], ["transcribe", "-"], ["events"], ["shutdown"]]
)
def test_without_a_daemon_one_line_says_how_to_start_it(
    words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == names.EXIT_NO_DAEMON
    shown = capsys.readouterr().err
    assert "whisperd is not running: there is no socket at" in shown
    assert "systemctl --user start whisperd" in shown


# -- job --------------------------------------------------------------------------------------------------------------


def test_job_list_asks_for_what_the_options_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedDaemon(folder / "run", {"job.list": {"jobs": [], "next_cursor": None}}) as daemon:
        words = ["job", "list", "--state", "queued,failed", "--kind", "file", "--limit", "5", "--cursor", "abc"]
        assert cli.main(words) == names.EXIT_OK
        assert daemon.asked("job.list") == [
            {"states": ["queued", "failed"], "kinds": ["file"], "limit": 5, "cursor": "abc"}
        ]
    assert capsys.readouterr().err == "no jobs\n"


def in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_job_list_is_a_table(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [
        job(
            12,
            "running",
            path="/a/evil\x1b[2J\nname.wav",
            progress=0.25,
            duration=3_900.0,
            eta=160.0,
            kind="batch",
            priority="low",
        ),
        job(5, "queued", hold="low work runs 22:00-07:00", priority="low"),
        job(4, "waiting", attempts=1, retry_at="2026-01-01T01:00:25.000Z"),
        job(3, "queued", place=2, starts_in=160.0, path="/a/会議.wav"),
        job(1, "failed", attempts=3),
    ]
    in_utc(monkeypatch)
    with ScriptedDaemon(folder / "run", {"job.list": {"jobs": jobs, "next_cursor": "next"}}):
        assert cli.main(["job", "list"]) == names.EXIT_OK
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "id  state    progress                   kind        length  left  name",
        "12  running  25%                        batch      1:05:00  2:40  evil\\x1b[2J\\n…",
        " 5  queued   low work runs 22:00-07:00  file, low                 meeting.wav",
        " 4  waiting  try 2 at 01:00:25          file                      meeting.wav",
        " 3  queued   place 2, in 2:40           file                      会議.wav",
        " 1  failed   3 tries                    file                      meeting.wav",
    ]
    assert "--cursor next" in shown.err


def test_job_show_is_a_card_with_the_story(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown_job = job(
        12, "failed", path="/a/b.wav", progress=0.5, done=30.0, duration=60.0, attempts=3, model="base", device="cpu",
        language="en", confidence=0.9, partial=True, missing=12.0, unheard=3.5, started_at="2026-01-01T00:00:01.000Z",
        retry_at="2026-01-01T01:00:00.000Z", options={"task": "translate", "words": False, "formats": ["srt", "txt"]},
        error={"kind": "io", "message": "can't read it", "hint": "check the disk"}, notes=["started again"],
        outputs=[{"format": "srt", "path": "/a/b.srt"}, {"format": "txt", "path": "/a/b.txt", "error": "no room"}],
        outputs_retry_at="2026-01-01T02:00:00.000Z", priority="low",
    )  # fmt: skip
    story = [
        {"seq": 1, "at": "2026-01-01T00:00:00.000Z", "event": "job.state", "data": {"state": "queued", "kind": "file"}},
        {"seq": 5, "at": "2026-01-01T00:00:09.000Z", "event": "job.state",
         "data": {"state": "failed", "previous": "running", "command": "fail", "attempts": 3,
          "reason": "can't read it"}},
        {"seq": 6, "at": "2026-01-01T00:00:10.000Z", "event": "job.note", "data": {"ratio": 0.25, "final": True}},
    ]  # fmt: skip
    in_utc(monkeypatch)
    with ScriptedDaemon(folder / "run", {"job.show": {"job": shown_job, "story": story}}) as daemon:
        assert cli.main(["job", "show", "12"]) == names.EXIT_OK
        assert daemon.asked("job.show") == [{"id": 12}]
    assert capsys.readouterr().out.splitlines() == [
        "Job 12  b.wav",
        "  state       failed: can't read it",
        "  progress    50%, 0:30 of 1:00",
        "  what to do  check the disk",
        "  file        /a/b.wav",
        "  kind        file, in the class low",
        "  audio       1:00",
        "  model       base on cpu",
        "  language    en",
        "  confidence  90%",
        "  missing     12 s could not be read",
        "  unheard     3.5 s of speech gave no words",
        "  created     2026-01-01 00:00:00",
        "  started     2026-01-01 00:00:01",
        "  next try    2026-01-01 01:00:00",
        "  attempts    3",
        "  options     task translate, formats srt txt",
        "  srt         /a/b.srt",
        "  txt         /a/b.txt: no room",
        "              what could not be written is tried again at 2026-01-01 02:00:00",
        "  note        started again",
        "",
        "Story",
        "  2026-01-01 00:00:00  queued",
        "  2026-01-01 00:00:09  failed     after 3 tries",
        "  2026-01-01 00:00:10  job.note   ratio 0.25, final yes",
    ]


def test_job_show_of_a_file_without_speech_has_no_confidence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silent = {"job": job(1, "completed", confidence=0.0), "story": []}
    with ScriptedDaemon(folder / "run", {"job.show": silent}):
        assert cli.main(["job", "show", "1"]) == names.EXIT_OK
    shown = capsys.readouterr().out
    assert "  state       completed, no speech was found\n" in shown
    assert "confidence" not in shown


def test_a_failure_is_told_once_on_a_jobs_card(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = {"kind": "io", "message": "can't read it", "hint": None}
    other = {"kind": "timeout", "message": "it took too long", "hint": None}
    steps = [("waiting", other, 1), ("waiting", error, 2), ("failed", error, 3)]
    story = [
        {"seq": number, "at": "2026-01-01T00:00:00.000Z", "event": "job.state",
         "data": {"state": state, "attempts": attempts, "reason": failure["message"], "error": failure}}
        for number, (state, failure, attempts) in enumerate(steps)
    ]  # fmt: skip
    with ScriptedDaemon(folder / "run", {"job.show": {"job": job(1, "failed", error=error), "story": story}}):
        assert cli.main(["job", "show", "1"]) == names.EXIT_OK
    shown = capsys.readouterr().out
    assert (shown.count("can't read it"), shown.count("it took too long")) == (1, 1)
    assert shown.endswith("  failed     after 3 tries\n")


def test_job_text_of_a_file_without_speech_is_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedDaemon(folder / "run", {"job.text": transcript(1, "")}):
        assert cli.main(["job", "text", "1"]) == names.EXIT_OK
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "no speech was found in the audio of job 1\n")


def test_job_text_prints_the_transcript_or_a_file_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(_: Conversation, params: Params) -> Params:
        return transcript(1, "hello") | {"rendered": "1\n00:00\nhello\n" if "format" in params else None}

    with ScriptedDaemon(folder / "run", {"job.text": answer}) as daemon:
        assert cli.main(["job", "text", "1"]) == names.EXIT_OK
        assert capsys.readouterr().out == "hello\n"
        assert cli.main(["job", "text", "1", "--format", "srt"]) == names.EXIT_OK
        assert capsys.readouterr().out == "1\n00:00\nhello\n"
        assert daemon.asked("job.text") == [{"id": 1}, {"id": 1, "format": "srt"}]


def test_job_cancel_answers_for_each_and_exits_with_the_first_failure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = {"kind": "not_found", "retryable": False, "message": "there is no job 9", "hint": None}
    done = {"kind": "illegal_transition", "retryable": False, "message": "it is completed", "hint": "leave it"}
    answers = [
        {"id": 1, "ok": True, "job": job(1, "cancelled"), "error": None},
        {"id": 9, "ok": False, "job": None, "error": gone},
        {"id": 2, "ok": False, "job": job(2, "completed"), "error": done},
    ]
    with ScriptedDaemon(folder / "run", {"job.cancel": {"jobs": answers}}) as daemon:
        assert cli.main(["job", "cancel", "1-2", "9"]) == names.EXIT_NOT_FOUND
        assert daemon.asked("job.cancel") == [{"ids": [1, 2, 9]}]
    shown = capsys.readouterr()
    assert shown.out == "   1  cancelled  meeting.wav\n"
    assert "job 9: there is no job 9" in shown.err
    assert "job 2: it is completed" in shown.err


@pytest.mark.parametrize("word", ["x", "3-", "5-3", "1-999999999"])
def test_what_is_no_job_number_is_a_usage_error(word: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["job", "cancel", "--", word]) == names.EXIT_USAGE


# -- doctor and shutdown ----------------------------------------------------------------------------------------------


def test_doctor_shows_each_check_and_fails_with_the_daemons(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checks = [
        {"name": "database", "status": "ok", "message": "sound", "hint": None},
        {"name": "model", "status": "failed", "message": "none\x1b", "hint": "pull one"},
    ]
    about = {"name": "whisperd", "version": "0.0.1", "protocol": 1}
    answers = {"initialize": about, "daemon.doctor": {"ok": False, "checks": checks}}
    with ScriptedDaemon(folder / "run", answers):
        assert cli.main(["doctor"]) == names.EXIT_FAILED
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("✓ connection: whisperd 0.0.1 answers at ")
    assert lines[1].startswith("! version: whisperd is 0.0.1, whisperctl is ")
    after = lines.index("✓ database: sound")
    assert lines[after + 1 : after + 3] == ["✗ model: none\\x1b", "  → pull one"]


def test_doctor_without_a_daemon_checks_what_it_can(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    assert cli.main(["doctor"]) == names.EXIT_NO_DAEMON
    shown = capsys.readouterr().out
    assert "✗ connection: whisperd is not running" in shown
    assert f"✓ runtime folder: {folder}" in shown
    assert f"✓ state folder: {folder}" in shown
    assert "✓ packages: all there" in shown
    assert cli.main(["doctor", "--json"]) == names.EXIT_NO_DAEMON
    result = json.loads(capsys.readouterr().out)
    assert result["ok"] is False
    found = [check["name"] for check in result["checks"]]
    assert found[:4] == ["connection", "runtime folder", "state folder", "packages"]
    assert "typing: xdotool" in found


@pytest.mark.parametrize(("runtime", "mark"), [("", "!"), ("/nonexistent", "✗"), ("/proc/1", "✗")])
def test_doctor_says_what_is_wrong_with_the_runtime_folder(
    runtime: str, mark: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    assert cli.main(["doctor"]) == names.EXIT_NO_DAEMON
    assert f"{mark} runtime folder: " in capsys.readouterr().out


def test_shutdown_waits_for_the_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedDaemon(folder / "run", {"daemon.shutdown": lambda talk, _: Then({"stopping": True}, talk.close)}):
        assert cli.main(["shutdown"]) == names.EXIT_OK
    assert capsys.readouterr().out == "whisperd has stopped; queued work stays queued\n"


def test_a_shutdown_that_hangs_is_reported(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whisperctl.commands.daemon.STOP_TIMEOUT", 0.05)
    with ScriptedDaemon(folder / "run", {"daemon.shutdown": {"stopping": True}}):
        assert cli.main(["shutdown"]) == names.EXIT_FAILED
    assert "still runs after 0.05 s" in capsys.readouterr().err
