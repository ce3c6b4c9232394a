"""The verbs for several jobs: which jobs they are given for, what they ask, and what is told of many."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.whisperctl.terminals import OnTerminal
from tests.scripted_daemon import Conversation, Params, ScriptedDaemon, job
from whisperctl import answers, cli
from whisperd.wire import names

VERBS = ["pause", "resume", "cancel", "retry", "delete", "move"]
UNFINISHED = ["queued", "running", "waiting", "paused"]


class Jobs:
    """Jobs `1` to `count`; a verb is refused for those in `refused`, by kind."""

    def __init__(self, count: int, refused: dict[int, str] | None = None) -> None:
        self.count = count
        self.refused = refused or {}

    def answers(self) -> dict[str, Any]:
        return {"job.list": self.page, **{f"job.{verb}": self.give for verb in VERBS}}

    def page(self, _: Conversation, params: Params) -> Params:
        top = int(params.get("cursor", self.count + 1))
        ids = list(range(top - 1, 0, -1))[: params["limit"]]
        return {"jobs": [job(number) for number in ids], "next_cursor": str(ids[-1]) if ids and ids[-1] > 1 else None}

    def give(self, _: Conversation, params: Params) -> Params:
        return {"jobs": [self.answer(number) for number in params["ids"]]}

    def answer(self, number: int) -> Params:
        if number in self.refused:
            error = {"kind": self.refused[number], "retryable": False, "message": "it is not so", "hint": "leave it"}
            return {"id": number, "ok": False, "job": None, "error": error}
        return {"id": number, "ok": True, "job": job(number, place=number), "error": None}


@pytest.mark.parametrize("verb", VERBS)
def test_numbers_and_ranges_are_given_to_the_daemon(verb: str, folder: Path) -> None:
    with ScriptedDaemon(folder / "run", Jobs(9).answers()) as daemon:
        words = ["job", verb, "3-5", "9", *(["--to", "first"] if verb == "move" else [])]
        assert cli.main(words) == names.EXIT_OK
        assert [params["ids"] for params in daemon.asked(f"job.{verb}")] == [[3, 4, 5, 9]]
        assert daemon.asked("job.list") == []


@pytest.mark.parametrize(
    ("words", "filters"),
    [
        ("pause --all", {"states": ["queued", "running", "waiting"]}),
        ("resume --all", {"states": ["paused"]}),
        ("cancel --all --yes", {"states": UNFINISHED}),
        ("cancel --state queued,paused -y", {"states": ["queued", "paused"]}),
        ("retry --failed", {"states": ["failed"]}),
        ("retry --all", {"states": ["failed", "cancelled"]}),
        ("retry --state completed", {"states": ["completed"]}),
        ("delete --all --yes", {"states": list(names.FINAL_STATES)}),
        ("delete --failed --kind watch,batch -y", {"states": ["failed"], "kinds": ["watch", "batch"]}),
        ("move --kind watch --to last", {"states": ["queued"], "kinds": ["watch"]}),
    ],
)
def test_the_daemon_finds_the_jobs_of_a_description(words: str, filters: Params, folder: Path) -> None:
    with ScriptedDaemon(folder / "run", Jobs(2).answers()) as daemon:
        assert cli.main(["job", *words.split()]) == names.EXIT_OK
        assert daemon.asked("job.list") == [{**filters, "limit": names.MAX_PAGE}]
        [given] = daemon.asked(f"job.{words.split()[0]}")
    assert sorted(given["ids"]) == [1, 2]


@pytest.mark.parametrize(
    "words",
    [
        "pause",
        "cancel 3 --all",
        "cancel --state completed",
        "delete --state queued --yes",
        "pause --state nonsense",
        "pause x",
        "delete --kind file,",
    ],
)
def test_what_is_no_selection_is_a_usage_error(words: str, folder: Path) -> None:
    assert cli.main(["job", *words.split()]) in (names.EXIT_USAGE, names.EXIT_NO_DAEMON)
    with ScriptedDaemon(folder / "run", Jobs(2).answers()) as daemon:
        assert cli.main(["job", *words.split()]) == names.EXIT_USAGE
        assert [method for method, _ in daemon.requests if method != "job.list"] == []


@pytest.mark.parametrize("to", ["0", "-1", "top", "3000000000"])
def test_what_is_no_place_is_a_usage_error(to: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["job", "move", "1", f"--to={to}"])
    assert ended.value.code == names.EXIT_USAGE


def test_moved_jobs_keep_their_order_over_pages(folder: Path) -> None:
    with ScriptedDaemon(folder / "run", Jobs(2_500).answers()) as daemon:
        assert cli.main(["job", "move", "--all", "--to", "7"]) == names.EXIT_OK
        asked = daemon.asked("job.move")
    assert [number for params in asked for number in params["ids"]] == list(range(1, 2_501))
    assert [params["place"] for params in asked] == [7, 1_007, 2_007]


def test_a_few_have_a_line_each_and_many_a_summary(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = {7: "refused", 9: "refused", 10: "refused"}
    with ScriptedDaemon(folder / "run", Jobs(1_205, refused).answers()):
        assert cli.main(["job", "move", "3", "--to", "3"]) == names.EXIT_OK
        assert capsys.readouterr().out == "   3  place 3    meeting.wav\n"
        assert cli.main(["job", "pause", "--all"]) == names.EXIT_REFUSED
    shown = capsys.readouterr()
    assert shown.out == "paused 1,202 jobs; 3 refused\n"
    assert shown.err == "whisperctl: jobs 10-9 7: it is not so\n  → leave it\n".replace("10-9 7", "7 9-10")


def test_a_job_that_changed_before_the_verb_came_is_no_failure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedDaemon(folder / "run", Jobs(30, {7: "illegal_transition", 8: "not_found"}).answers()):
        assert cli.main(["job", "cancel", "--all", "--yes"]) == names.EXIT_OK
        assert capsys.readouterr().out == "cancelled 28 jobs; 2 had changed meanwhile\n"
        assert cli.main(["job", "cancel", "7"]) == names.EXIT_REFUSED
    with ScriptedDaemon(folder / "run", Jobs(2, {1: "illegal_transition"}).answers()):
        assert cli.main(["job", "pause", "--all"]) == names.EXIT_OK
    shown = capsys.readouterr()
    assert shown.out == "   2  queued     meeting.wav\n"
    assert "1 job had changed meanwhile\n" in shown.err


def test_more_reasons_than_fit_are_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def give(_: Conversation, params: Params) -> Params:
        error = {"kind": "refused", "retryable": False, "hint": None}
        refused = [(number, {**error, "message": f"for reason {number}"}) for number in params["ids"]]
        return {"jobs": [{"id": number, "ok": False, "job": None, "error": why} for number, why in refused]}

    with ScriptedDaemon(folder / "run", {"job.pause": give}):
        assert cli.main(["job", "pause", "1-30"]) == names.EXIT_REFUSED
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == answers.FEW + 1
    assert lines[-1] == "  … and 10 more reasons: --json shows every answer"


def test_nothing_to_do_is_said_and_is_no_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedDaemon(folder / "run", Jobs(0).answers()) as daemon:
        assert cli.main(["job", "retry", "--failed"]) == names.EXIT_OK
        assert cli.main(["job", "delete", "--all"]) == names.EXIT_OK
        assert cli.main(["job", "wait", "--all"]) == names.EXIT_OK
        assert cli.main(["job", "retry", "--all", "--json"]) == names.EXIT_OK
        assert daemon.asked("job.retry") == []
    shown = capsys.readouterr()
    assert "there is no job to retry\n" in shown.err
    assert json.loads(shown.out) == {"jobs": []}


# -- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["job delete --all", "job cancel --all", "job delete --kind file", "queue clear"])
def test_where_nobody_can_be_asked_nothing_is_destroyed(
    words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {"queue": {"completed": 2, "failed": 1, "cancelled": 0}}
    with ScriptedDaemon(folder / "run", {**Jobs(3).answers(), "daemon.status": counts}) as daemon:
        assert cli.main(words.split()) == names.EXIT_USAGE
        assert {method for method, _ in daemon.requests} <= {"job.list", "daemon.status"}
    shown = capsys.readouterr().err
    assert "3 " in shown
    assert "give --yes" in shown


@pytest.mark.parametrize("words", ["job delete 1-2", "job cancel 1-2"])
def test_scripts_may_name_what_they_destroy(words: str, folder: Path) -> None:
    with ScriptedDaemon(folder / "run", Jobs(3).answers()):
        assert cli.main(words.split()) == names.EXIT_OK


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ("job delete 1", "delete 1 job and its transcript? [y/N]"),
        ("job delete --all", "delete 3 jobs and their transcripts? [y/N]"),
        ("job cancel --all", "cancel 3 jobs? [y/N]"),
        ("queue clear", "remove 3 finished jobs from the list? [y/N]"),
    ],
)
@pytest.mark.parametrize("answer", ["y", "no"])
def test_on_a_terminal_what_destroys_asks(words: str, question: str, answer: str, folder: Path) -> None:
    counts = {"queue": {"completed": 2, "failed": 1, "cancelled": 0}}
    method = ".".join(words.split()[:2])
    script = {**Jobs(3).answers(), "daemon.status": counts, "queue.clear": {"removed": 3}}
    with ScriptedDaemon(folder / "run", script) as daemon:
        terminal = OnTerminal(*words.split())
        terminal.read_until(lambda: question in terminal.output)
        terminal.press(answer.encode() + b"\n")
        status = terminal.finish()
        assert len(daemon.asked(method)) == (1 if answer == "y" else 0)
    assert status == (names.EXIT_OK if answer == "y" else names.EXIT_FAILED)
    assert ("nothing was done" in terminal.output) is (answer == "no")


# -- the queue and submitting -----------------------------------------------------------------------------------------


def test_the_queues_verbs_say_what_holds_now(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"queued": 14, "waiting": 1}
    script = {
        "queue.pause": {"paused": True, "queue": counts},
        "queue.resume": {"paused": False, "queue": counts},
        "queue.clear": {"removed": 1_200},
    }
    with ScriptedDaemon(folder / "run", script):
        for words in ("queue pause", "queue resume", "queue clear --yes"):
            assert cli.main(words.split()) == names.EXIT_OK
    assert capsys.readouterr().out.splitlines() == [
        "the queue is paused: 15 jobs held, dictation goes on; `whisperctl queue resume`",
        "the queue goes on with 14 queued jobs",
        "removed 1,200 finished jobs; transcripts are kept",
    ]


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("submit a.wav", {}),
        ("submit --low a.wav", {"low": True}),
        ("submit --again a.wav", {"again": True}),
        ("submit --dictation a.wav", {"kind": "dictation"}),
        ("transcribe --low --again a.wav", {"low": True, "again": True}),
    ],
)
def test_submitting_says_how_urgent_it_is(words: str, sent: Params, folder: Path) -> None:
    script = {
        "job.submit": {"jobs": [job(1)]},
        "job.wait": {"jobs": [job(1, "cancelled")]},
        "events.subscribe": {"subscription": 1, "seq": 0},
    }
    with ScriptedDaemon(folder / "run", script) as daemon:
        cli.main(words.split())
        [asked] = daemon.asked("job.submit")
    assert {name: asked[name] for name in asked if name not in ("files", "options")} == sent


def test_a_dictation_is_not_lowered() -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["submit", "--low", "--dictation", "a.wav"])
    assert ended.value.code == names.EXIT_USAGE


def test_a_file_that_is_on_the_way_already_is_told_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = [job(3, key="another"), job(4, key="mine"), job(3, key="another")]
    with ScriptedDaemon(folder / "run", {"job.submit": {"jobs": known}}):
        assert cli.main(["submit", "a.wav", "b.wav", "a.wav"]) == names.EXIT_OK
    assert capsys.readouterr().err == "already on the way: jobs 3-4; --again queues a file once more\n"
