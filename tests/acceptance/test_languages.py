"""Languages and models that don't fit them, as a person meets them: accepted, or refused at once with what to do."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import DATA, ROOT, CallError, Daemon, running_daemon
from tests.integration.dictation.clips import SENTENCES, Speaker, speech

DEMO = DATA / "demo.flac"
ENGLISH_ONLY = 'the model "test-en" knows English only'
UNKNOWN = "there is no language"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """Paused, so that what is accepted need not be computed."""
    with running_daemon(model=None) as running:
        running.call("queue.pause")
        yield running


@pytest.mark.parametrize(
    ("given", "language"),
    [
        ("--language en-US", "en"),
        ("--language EN", "en"),
        ("--language English", "en"),
        ("--language eng", "en"),
        ("--languages en_GB.UTF-8", "en"),
    ],
)
def test_a_language_is_taken_as_other_programs_write_it(daemon: Daemon, given: str, language: str) -> None:
    done = daemon.ctl("--json", "submit", "--again", "--model", "test-en", *given.split(), str(DEMO))
    assert done.returncode == 0, done.stderr
    job = max(daemon.call("job.list")["jobs"], key=lambda job: job["id"])
    assert job["options"]["language"] == language


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ("--language xx", f'{UNKNOWN} "xx"', 'write a code such as "en" or "pt-BR", or a name such as "English"'),
        ("--language Englsh", f'{UNKNOWN} "Englsh"', "did you mean en (English)?"),
        ("--languages en,frnch", f'{UNKNOWN} "frnch"', "did you mean fr (French)?"),
        ("--language de --languages en,fr", "German, which `language` says, is not one of en, fr", "leave one of"),
        ("--language fr --model test-en", f"{ENGLISH_ONLY}, not French", "name a multilingual model such as small"),
        ("--languages en,de --model test-en", f"{ENGLISH_ONLY}, not German", "leave the choice to auto"),
        ("--multilingual --model test-en", f"{ENGLISH_ONLY}, and tells no other languages apart", "multilingual model"),
        ("--task translate --model test-en", f"{ENGLISH_ONLY}, and does not translate", "multilingual model"),
        ("--task translate --model turbo", 'the model "turbo" was not trained to translate', "medium or large-v3"),
        ("--language yue --model large-v2", 'the model "large-v2" does not know Cantonese', "name large-v3 or turbo"),
        ("--language fr", "none of the installed models can transcribe speech in French", "model pull small"),
        ("--beam-size -1", "beam_size: -1 is not a whole number from 1 to 20", "5 is usual"),
        ("--beam-size 9223372036854775808", "beam_size: 9223372036854775808 is not", "5 is usual"),
        ("--compute-type flaot16", 'compute_type: there is no "flaot16"', "did you mean float16?"),
    ],
)
def test_what_can_t_be_done_is_refused_at_submit_with_what_to_do(
    daemon: Daemon, given: str, message: str, hint: str
) -> None:
    before = daemon.call("daemon.status")["queue"]
    done = daemon.ctl("transcribe", *given.split(), str(DEMO))
    assert (done.returncode, done.stdout) == (2, "")
    told, advice = done.stderr.splitlines()
    assert message in told
    assert hint in advice
    assert daemon.call("daemon.status")["queue"] == before


@pytest.mark.parametrize("output_dir", ["out", "", "~", "~/out", "/out\0"])
def test_an_output_folder_that_is_not_the_daemon_s_to_find_is_refused(daemon: Daemon, output_dir: str) -> None:
    options = {"model": "test-en", "output_dir": output_dir}
    folder = daemon.folder / "watched"
    for method, params in [
        ("job.submit", {"files": [{"path": str(DEMO)}], "options": options}),
        ("batch.create", {"name": "b", "options": options}),
        ("watch.add", {"path": str(folder), "rules": {"options": options}}),
    ]:
        with pytest.raises(CallError, match=r"options\.output_dir: ") as caught:
            daemon.call(method, **params)
        assert caught.value.data["kind"] == "invalid_params"
        assert caught.value.data["hint"]
    assert daemon.call("watch.list")["folders"] == []


def test_the_same_is_refused_wherever_a_language_can_be_given(daemon: Daemon) -> None:
    folder = str(daemon.folder / "watched")
    everywhere = [
        ("submit", str(DEMO)),
        ("batch", "create", "b"),
        ("watch", "add", folder),
        ("dictate", "start"),
        ("dictate", "toggle"),
    ]
    for command in everywhere:
        for options, message in [
            (("--language", "xx"), f'{UNKNOWN} "xx"'),
            (("--model", "test-en", "--language", "fr"), f"{ENGLISH_ONLY}, not French"),
            (("--model", "test-en", "--languages", "en,de"), f"{ENGLISH_ONLY}, not German"),
        ]:
            done = daemon.ctl(*command, *options)
            assert (done.returncode, message in done.stderr) == (2, True), (command, options, done)
    daemon.ctl("watch", "add", folder, "--model", "test-en", "--language", "English")
    done = daemon.ctl("watch", "set", folder, "--language", "fr")
    assert (done.returncode, f"{ENGLISH_ONLY}, not French" in done.stderr) == (2, True)
    [watched] = daemon.call("watch.list")["folders"]
    assert watched["rules"]["options"]["language"] == "en"
    daemon.call("watch.remove", id=watched["id"])
    assert daemon.call("dictate.status")["state"] == "idle"


def test_a_job_of_a_time_when_languages_were_not_checked_is_listed_and_fails_with_a_sentence(tmp_path: Path) -> None:
    with running_daemon() as daemon:
        [job] = daemon.submit(DEMO)
        daemon.call("job.cancel", ids=[job["id"]])
        with sqlite3.connect(daemon.database) as connection:
            old = '{"language":"xx","task":"transcribe","beam_size":-1,"compute_type":"default"}'
            connection.execute("UPDATE jobs SET options = ?", (old,))
        [listed] = daemon.call("job.list")["jobs"]
        assert listed["options"]["language"] == "xx"
        daemon.call("job.retry", ids=[job["id"]])
        [failed] = daemon.wait(job["id"])
        assert (failed["state"], failed["attempts"], failed["error"]["kind"]) == ("failed", 1, "bad_input")
        assert 'knows no language "xx"' in failed["error"]["message"]
        assert failed["error"]["hint"]


def test_chinese_is_written_in_the_characters_that_are_asked_for(tmp_path: Path) -> None:
    with running_daemon() as daemon:
        daemon.stop()
        daemon.additions["PYTHONPATH"] = os.fspath(ROOT / "tests" / "acceptance" / "chinese")
        daemon.start()
        plain = daemon.transcribe(DEMO)
        assert plain["text"].startswith("头发在里面。")
        rewritten = daemon.transcribe(DEMO, options={"chinese": "traditional", "words": True})
        assert rewritten["text"] == plain["text"].replace("头发在里面", "頭髮在裡面")
        assert [word["word"] for word in rewritten["segments"][0]["words"]] == ["頭髮", "在", "裡面", "。"]
        speaker = Speaker(daemon, tmp_path)
        daemon.config.write_text('[transcription]\nchinese = "traditional"\n')
        daemon.call("config.reload")
        assert speaker.dictate(speech(SENTENCES[0]), language="auto")["text"].startswith("頭髮在裡面。")
        speaker.client.close()
