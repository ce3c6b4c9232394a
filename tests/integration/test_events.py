"""Events of a real daemon: segments as they appear, the daemon's own state, filters of `whisperctl events`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import DATA, Daemon, running_daemon


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon() as running:
        yield running


def printed(daemon: Daemon, *words: str) -> list[dict[str, Any]]:
    told = daemon.ctl("events", *words)
    assert (told.returncode, told.stderr) == (0, "")
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_segments_are_told_while_a_file_runs_and_are_those_of_its_transcript(daemon: Daemon) -> None:
    client = daemon.client()
    client.call("events.subscribe", topics=["job.segment", "job.state"])
    [job] = daemon.submit(DATA / "demo.flac")
    daemon.wait(job["id"])
    told: list[dict[str, Any]] = []
    wanted = daemon.call("job.text", id=job["id"])["transcript"]["segments"]
    while len(told) < len(wanted):
        event = client.wait_event(lambda event: event["topic"] == "job.segment")
        assert (event["job"], event["data"]["first"]) == (job["id"], len(told))
        assert "seq" not in event
        told += event["data"]["segments"]
    assert told == [{key: one[key] for key in ("start", "end", "text", "confidence")} for one in wanted]


def test_stored_events_are_chosen_by_topic_and_job(daemon: Daemon) -> None:
    jobs = daemon.submit(daemon.folder / "absent.wav") + daemon.submit(daemon.folder / "missing.wav")
    ready, *rest = printed(daemon)
    assert (ready["topic"], ready["data"]["state"], ready["data"]["pid"]) == ("daemon.state", "ready", daemon.pid)
    assert [event["seq"] for event in rest] == sorted(event["seq"] for event in rest)
    second = str(jobs[1]["id"])
    assert [event["data"]["state"] for event in printed(daemon, "--job", second)] == ["failed"]
    assert printed(daemon, "--topic", "daemon.state,queue.state") == [ready]
    assert printed(daemon, "--batch", "7") == []
    assert printed(daemon, "--since", str(rest[-1]["seq"])) == []


def test_after_the_newest_job_was_deleted_the_end_is_still_found(daemon: Daemon) -> None:
    [job] = daemon.submit(daemon.folder / "nowhere.wav")
    daemon.call("job.delete", ids=[job["id"]])
    assert printed(daemon)[-1]["job"] == job["id"]


def test_a_daemon_that_stops_says_so_and_the_next_one_that_it_is_there(daemon: Daemon) -> None:
    newest = printed(daemon)[-1]["seq"]
    daemon.stop()
    daemon.start()
    states = [event["data"]["state"] for event in printed(daemon, "--since", str(newest), "--topic", "daemon.state")]
    assert states == ["stopping", "ready"]
