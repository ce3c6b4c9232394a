"""Dictation on a real daemon with the real model; the microphone is a WAV file that is heard in real time."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.harness import DATA, PATIENCE, CallError, Client, Daemon, running_daemon, wait_for
from tests.integration.dictation.clips import SENTENCES, Speaker, cough, speech, words
from tests.speech import noise, silence, word_errors


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon() as running:
        yield running


@pytest.fixture
def speaker(daemon: Daemon, tmp_path: Path) -> Iterator[Speaker]:
    made = Speaker(daemon, tmp_path)
    yield made
    made.client.close()


def rows(daemon: Daemon, query: str, *values: object) -> list[Any]:
    with sqlite3.connect(daemon.database) as connection:
        return connection.execute(query, values).fetchall()


def recordings(daemon: Daemon) -> list[Path]:
    return sorted((daemon.state_dir / "recordings").glob("*/*.wav"))


def recorder_pid(daemon: Daemon) -> int:
    children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
    [found] = [int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text().strip() == "whisperd-record"]
    return found


def test_a_dictation_is_in_the_history_and_told_as_it_goes(daemon: Daemon, speaker: Speaker) -> None:
    speaker.client.call("events.subscribe", topics=["dictate.state", "dictate.level", "dictate.partial"])
    samples = np.concatenate([speech(SENTENCES[0]), silence(1.2), speech(SENTENCES[1])])
    result = speaker.dictate(samples)
    assert (result["state"], result["error"]) == ("done", None)
    assert word_errors(words(result["text"]), f"{SENTENCES[0]} {SENTENCES[1]}") <= 1
    assert result["text"][0].isupper() and result["text"].endswith(" ")
    job = daemon.call("job.show", id=result["job"])["job"]
    assert (job["kind"], job["state"], job["language"]) == ("dictation", "completed", "en")
    assert re.search(r"/recordings/\d{4}-\d\d-\d\d/\d{6}-voice-note\.wav$", job["path"])
    assert result["job"] in [entry["id"] for entry in daemon.call("history.list")["transcripts"]]
    assert rows(daemon, "SELECT latency > 0 FROM transcripts WHERE job = ?", result["job"]) == [(1,)]
    assert daemon.call("dictate.again")["text"] == result["text"]
    speaker.client.wait_event(lambda event: event["data"].get("state") == "listening")
    speaker.client.wait_event(lambda event: event["topic"] == "dictate.level" and event["data"]["level"] > 0.01)
    partial = speaker.client.wait_event(lambda event: event["topic"] == "dictate.partial")["data"]
    assert result["text"].startswith(partial["committed"])
    speaker.client.wait_event(lambda event: event["data"].get("state") == "done")


def test_what_is_being_said_is_told_before_a_pause_ends_it_where_that_is_wanted(daemon: Daemon, tmp_path: Path) -> None:
    samples = np.concatenate([speech(SENTENCES[0]), silence(1.2), *map(speech, SENTENCES[1:])])
    with running_daemon(config="[dictation]\npartial_text = true\n") as guessing:
        speaker = Speaker(guessing, tmp_path)
        speaker.client.call("events.subscribe", topics=["dictate.partial"])
        session = speaker.start(samples)
        both = speaker.client.wait_event(lambda event: event["data"]["committed"] and event["data"]["text"])["data"]
        speaker.heard(session, len(samples) / 16_000)
        result = speaker.client.call("dictate.stop", session=session)
        assert result["text"].startswith(both["committed"])
        assert both["text"].startswith(" ")
    asked = Speaker(daemon, tmp_path)
    asked.client.call("events.subscribe", topics=["dictate.partial"])
    assert words(asked.dictate(samples)["text"]) == words(result["text"])
    told = asked.client.wait_event(lambda event: event["data"]["committed"] != "")
    assert told["data"]["text"] == ""


@pytest.mark.parametrize(
    "samples",
    [silence(1.0), noise(1.0, level=0.02), cough()],
    ids=["silence", "noise", "cough"],
)
def test_what_is_no_speech_gives_no_text(speaker: Speaker, samples: Any) -> None:
    result = speaker.dictate(samples)
    assert (result["state"], result["text"], result["job"]) == ("nothing_heard", "", None)


def test_a_touch_of_the_key_gives_no_text(speaker: Speaker) -> None:
    touched = speech(SENTENCES[0])[:3_000]
    for _ in range(20):  # until it is released in time, on a machine that does something else
        result = speaker.client.call("dictate.stop", session=speaker.start(touched))
        if result["duration"] < 0.3:
            break
    assert (result["state"], result["text"], result["job"]) == ("nothing_heard", "", None)


def test_a_cancelled_dictation_leaves_nothing(daemon: Daemon, speaker: Speaker) -> None:
    before = recordings(daemon)
    session = speaker.start(speech(SENTENCES[0]))
    speaker.heard(session, 0.3)
    assert daemon.call("dictate.cancel")["state"] == "cancelled"
    assert recordings(daemon) == before
    assert daemon.call("dictate.status") == {"state": "idle", "sessions": [], "device": None, "error": None}
    with pytest.raises(CallError, match="nothing is being dictated"):
        daemon.call("dictate.stop")


def test_a_private_dictation_is_kept_nowhere(daemon: Daemon, speaker: Speaker) -> None:
    before, jobs = recordings(daemon), rows(daemon, "SELECT count(*) FROM jobs")
    result = speaker.dictate(speech(SENTENCES[2]), private=True)
    assert word_errors(words(result["text"]), SENTENCES[2]) <= 1
    assert result["job"] is None
    assert (recordings(daemon), rows(daemon, "SELECT count(*) FROM jobs")) == (before, jobs)
    assert not list(daemon.socket.parent.glob("private/*"))
    assert words(result["text"]) not in daemon.database.read_bytes().decode(errors="replace").lower()


def test_only_one_dictation_listens_at_a_time_and_files_go_on_meanwhile(daemon: Daemon, speaker: Speaker) -> None:
    session = speaker.start(silence(0.5))
    with pytest.raises(CallError, match=f"dictation {session} is listening already"):
        daemon.call("dictate.start")
    assert daemon.transcribe(DATA / "demo.flac")["text"]
    assert daemon.call("dictate.status")["state"] == "listening"
    assert daemon.call("dictate.toggle")["result"]["session"] == session


def test_a_microphone_that_is_not_there_is_told(daemon: Daemon) -> None:
    with pytest.raises(CallError, match="can't be played as a microphone") as error:
        daemon.call("dictate.start", device="wav:/nowhere.wav")
    assert error.value.data["kind"] == "microphone"
    assert daemon.call("dictate.status")["error"]["kind"] == "microphone"


def test_a_client_that_goes_away_ends_its_dictation_and_its_words_are_kept(daemon: Daemon, speaker: Speaker) -> None:
    session = speaker.start(speech(SENTENCES[3]), while_connected=True)
    speaker.heard(session, 1.5)
    watcher = daemon.client()
    seq = watcher.call("events.subscribe", topics=["dictate.state"], since=0)["seq"]
    speaker.client.close()
    told = watcher.wait_event(lambda event: event["data"]["session"] == session and event["data"]["state"] == "done")
    assert (told["data"]["reason"], told["seq"] > seq) == ("disconnected", True)
    assert daemon.call("job.text", id=told["data"]["job"])["transcript"]["text"]


def test_a_killed_recorder_and_a_killed_worker_lose_no_word(daemon: Daemon, speaker: Speaker) -> None:
    for kill in (lambda: recorder_pid(daemon), lambda: daemon.worker_pid("interactive")):
        samples = np.concatenate([speech(SENTENCES[1]), silence(1.5)])
        session = speaker.start(samples)
        speaker.heard(session, len(samples) / 16_000 - 0.4)
        os.kill(kill() or 0, signal.SIGKILL)
        result = speaker.client.call("dictate.stop", session=session)
        assert result["state"] == "done", result
        assert word_errors(words(result["text"]), SENTENCES[1]) <= 1
    assert result["error"] is None
    assert result["text"][0].islower()  # it goes on from the text before


def limit_files(pid: int, most: str) -> None:
    """A limit on the size of files stands in for a full disk: whoever writes meets it in the same way."""
    subprocess.run(["prlimit", "--pid", str(pid), f"--fsize={most}:unlimited"], check=True)


def test_a_text_whose_recording_the_full_disk_ended_is_given_to_whoever_ends_it(
    daemon: Daemon, speaker: Speaker
) -> None:
    speaker.dictate(speech(SENTENCES[1]))  # a recorder is there
    limit_files(recorder_pid(daemon), "60000")
    try:
        session = speaker.start(np.concatenate([speech(SENTENCES[0]), silence(3.0)]))
        wait_for(lambda: daemon.call("dictate.status")["state"] == "idle")
        result = daemon.call("dictate.stop")
    finally:
        limit_files(recorder_pid(daemon), "unlimited")
    assert (result["session"], result["state"], result["error"]["kind"]) == (session, "done", "microphone")
    assert set(words(result["text"]).split()) & set(SENTENCES[0].split())
    assert daemon.call("dictate.again")["text"] == result["text"]
    with pytest.raises(CallError, match="nothing is being dictated"):
        daemon.call("dictate.stop")


def test_a_text_that_could_not_be_stored_is_the_last_one_all_the_same(daemon: Daemon, speaker: Speaker) -> None:
    speaker.dictate(speech(SENTENCES[1]))
    samples = speech(SENTENCES[3])
    session = speaker.start(samples)
    speaker.heard(session, len(samples) / 16_000)
    limit_files(daemon.pid, "1024")
    try:
        result = speaker.client.call("dictate.stop", session=session)
        assert (result["job"], result["error"]["kind"]) == (None, "disk_full")
        assert daemon.call("dictate.again")["text"] == result["text"]
    finally:
        limit_files(daemon.pid, "unlimited")
    assert word_errors(words(result["text"]), SENTENCES[3]) <= 1
    stored = speaker.dictate(speech(SENTENCES[2]))
    assert daemon.call("dictate.again")["job"] == stored["job"]


def test_dictations_that_wait_for_the_model_come_out_in_order(daemon: Daemon, speaker: Speaker) -> None:
    speaker.dictate(speech(SENTENCES[0]))  # the model is loaded
    worker = daemon.worker_pid("interactive")
    assert worker is not None
    texts: list[tuple[int, str]] = []

    def stop(client: Client, session: int) -> None:
        texts.append((session, client.call("dictate.stop", session=session)["text"]))

    threads: list[threading.Thread] = []
    os.kill(worker, signal.SIGSTOP)
    try:
        for text in SENTENCES:
            session = speaker.start(speech(text))
            speaker.heard(session, len(speech(text)) / 16_000)
            threads.append(threading.Thread(target=stop, args=(daemon.client(), session)))
            threads[-1].start()
            wait_for(lambda: daemon.call("dictate.status")["state"] == "thinking")
        assert len(daemon.call("dictate.status")["sessions"]) == len(SENTENCES)
        with pytest.raises(CallError, match="a dictation is being transcribed with its model"):
            daemon.call("model.unload")
    finally:
        os.kill(worker, signal.SIGCONT)
    for thread in threads:
        thread.join(PATIENCE)
    stored = rows(daemon, "SELECT text FROM transcript_texts ORDER BY job DESC LIMIT ?", len(SENTENCES))
    assert [text for (text,) in reversed(stored)] == [text.strip() for _, text in sorted(texts)]
    assert sum(word_errors(words(t), s) for (_, t), s in zip(sorted(texts), SENTENCES, strict=True)) <= 3


def test_the_command_prints_the_text_and_says_when_there_is_none(daemon: Daemon, speaker: Speaker) -> None:
    samples = speech(SENTENCES[0])
    started = daemon.ctl("dictate", "start", "--language", "en", "--device", speaker.device(samples))
    assert started.stdout.startswith("listening to wav:"), started.stderr
    session = daemon.call("dictate.status")["sessions"][0]["session"]
    speaker.heard(session, len(samples) / 16_000)
    stopped = daemon.ctl("dictate", "toggle", "--output", "stdout")
    assert (stopped.returncode, word_errors(words(stopped.stdout), SENTENCES[0]) <= 1) == (0, True)
    again = daemon.ctl("dictate", "again", "--json")
    assert json.loads(again.stdout)["text"].strip() == stopped.stdout.strip()
    assert daemon.ctl("dictate", "stop").returncode == 5


def test_words_spoken_while_the_daemon_is_killed_are_found_at_the_next_start(tmp_path: Path) -> None:
    hook = f'[hooks]\non_completed = ["touch", "{tmp_path}/{{kind}}-{{job}}"]\n'
    config = f'[dictation]\nmax_length = 5\n\n[rules]\nspoken_punctuation = true\nfilter = ["false"]\n\n{hook}'
    with running_daemon(config=config) as daemon:
        speaker = Speaker(daemon, tmp_path)
        samples = np.concatenate([speech(SENTENCES[3]), silence(6)])
        session = speaker.start(samples)
        speaker.heard(session, 1.4)
        daemon.kill()
        daemon.start()
        wait_for(lambda: rows(daemon, "SELECT 1 FROM transcripts WHERE source = 'dictation'") != [])
        [(text,)] = rows(daemon, "SELECT text FROM transcript_texts")
        assert set(words(text).split()) & set(SENTENCES[3].split())
        assert text[0].isupper()
        [(job, priority)] = rows(daemon, "SELECT id, priority FROM jobs")
        assert priority == 2
        assert daemon.call("job.show", id=job)["job"]["notes"] == [
            "the filter false ended with status 1; the text is as it was"
        ]
        # A toggle that nobody closes ends at the maximum length, and its text is there.
        speaker = Speaker(daemon, tmp_path)
        speaker.client.call("events.subscribe", topics=["dictate.state"])
        assert speaker.client.call("dictate.toggle", device=speaker.device(samples), language="en")["started"]
        told = speaker.client.wait_event(lambda event: event["data"]["state"] in ("done", "failed"))["data"]
        assert told["reason"] == "max_length"
        assert daemon.call("job.text", id=told["job"])["transcript"]["text"]
        wait_for((tmp_path / f"dictation-{told['job']}").exists)
