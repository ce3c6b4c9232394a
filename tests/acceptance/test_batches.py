"""Batches, as a person gives them: items that fail, restarts in the middle, and every command."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ROOT, CallError, Client, Daemon, running_daemon, wait_for
from tests.speech import VOICES, sentence, synthesize, write_audio

CONFIG = "[retry]\nbase_delay = 0.0\n"


def clips(folder: Path, count: int, *, seed: int = 1) -> list[Path]:
    """Short recordings of one or two sentences each."""
    draw = random.Random(seed)
    folder.mkdir(exist_ok=True)
    return [
        write_audio(folder / f"clip-{number:02}.wav", synthesize(sentence(draw), draw.choice(VOICES)))
        for number in range(count)
    ]


def params(paths: list[Path]) -> list[dict[str, str]]:
    return [{"path": str(path)} for path in paths]


def batch_of(daemon: Daemon, name: str) -> dict[str, Any]:
    return daemon.call("batch.show", id=name)["batch"]


def ended(client: Client, batch: int) -> dict[str, Any]:
    """The event by which the batch ends."""
    final = ("completed", "completed_with_errors", "cancelled")
    return client.wait_event(
        lambda event: (
            event["topic"] == "batch.state" and event.get("batch") == batch and event["data"]["state"] in final
        )
    )


def test_a_batch_with_damaged_missing_and_deleted_files_completes_the_others_and_says_why(tmp_path: Path) -> None:
    """Of 12 files 9 complete and 3 fail, each with its reason; the damaged one, replaced, completes when retried."""
    paths = clips(tmp_path / "audio", 12)
    whole = paths[2].read_bytes()
    paths[2].write_bytes(bytes(random.Random(3).randbytes(len(whole))))
    paths[5].unlink()
    with running_daemon(config=CONFIG) as daemon:
        client = daemon.client()
        client.call("events.subscribe", topics=["batch.state", "batch.progress"])
        made = daemon.call("batch.create", name="twelve", files=params(paths), options={"language": "en"})["batch"]
        assert (made["state"], made["total"], made["items"]["queued"], made["items"]["failed"]) == ("draft", 12, 11, 1)
        items = daemon.call("batch.show", id="twelve")["items"]
        assert {item["hold"] for item in items if item["state"] == "queued"} == {"the batch is a draft"}
        daemon.call("job.pause", ids=[items[11]["id"]])  # or it may be completed before its file is deleted
        [answer] = daemon.call("batch.start", ids=["twelve"])["batches"]
        assert answer["batch"]["state"] == "running"
        wait_for(lambda: batch_of(daemon, "twelve")["items"]["completed"] > 0)
        paths[11].unlink()
        daemon.call("job.resume", ids=[items[11]["id"]])
        assert ended(client, made["id"])["data"]["state"] == "completed_with_errors"
        shown = daemon.call("batch.show", id=made["id"])
        assert (shown["batch"]["items"]["completed"], shown["batch"]["items"]["failed"]) == (9, 3)
        assert shown["batch"]["progress"] == 1.0
        assert shown["batch"]["speed"] > 0
        reasons = {Path(failure["path"]).name: failure["kind"] for failure in shown["failures"]}
        assert reasons == {
            "clip-02.wav": "bad_input",
            "clip-05.wav": "input_missing",
            "clip-11.wav": "input_missing",
        }
        assert all(item["batch"] == made["id"] and item["kind"] == "batch" for item in shown["items"])

        paths[2].write_bytes(whole)
        damaged = next(failure["job"] for failure in shown["failures"] if failure["kind"] == "bad_input")
        [retried] = daemon.call("batch.retry", id="twelve", jobs=[damaged])["jobs"]
        assert (retried["ok"], retried["job"]["priority"]) == (True, "normal")
        assert daemon.wait(damaged)[0]["state"] == "completed"
        assert ended(client, made["id"])["data"]["items"] == {"completed": 10, "failed": 2}


def test_a_paused_and_a_running_batch_are_as_they_were_after_a_restart(tmp_path: Path) -> None:
    """In the middle of both, with an item that was paused by hand."""
    paths = clips(tmp_path / "audio", 8, seed=5)
    with running_daemon(config=CONFIG) as daemon:
        options = {"language": "en"}
        daemon.call("batch.create", name="held", files=params(paths[:4]), options=options, start=True)
        daemon.call("batch.pause", ids=["held"])
        wait_for(lambda: batch_of(daemon, "held")["items"]["running"] == 0)
        daemon.call("queue.pause")
        daemon.call("batch.create", name="going", files=params(paths[4:]), options=options, start=True)
        alone = daemon.call("batch.show", id="going")["items"][1]["id"]
        daemon.call("job.pause", ids=[alone])
        before = {name: daemon.call("batch.show", id=name) for name in ("held", "going")}
        daemon.kill()
        daemon.start()
        after = {name: daemon.call("batch.show", id=name) for name in ("held", "going")}
        for name in before:
            assert after[name]["batch"] == before[name]["batch"]
            assert [item["state"] for item in after[name]["items"]] == [item["state"] for item in before[name]["items"]]
        assert (after["held"]["batch"]["state"], after["going"]["batch"]["state"]) == ("paused", "running")
        assert daemon.call("job.show", id=alone)["job"]["state"] == "paused"

        daemon.call("queue.resume")
        others = [item["id"] for item in after["going"]["items"] if item["id"] != alone]
        assert {job["state"] for job in daemon.wait(*others)} == {"completed"}
        assert batch_of(daemon, "going")["state"] == "running", "an item paused by hand is still to be done"
        assert batch_of(daemon, "held")["state"] == "paused"
        daemon.call("job.resume", ids=[alone])
        daemon.call("batch.resume", ids=["held"])
        everything = [item["id"] for name in before for item in before[name]["items"]]
        assert {job["state"] for job in daemon.wait(*everything)} == {"completed"}
        assert {batch_of(daemon, name)["state"] for name in before} == {"completed"}


def test_items_are_added_removed_and_cancelled_and_a_batch_is_renamed_and_deleted(tmp_path: Path) -> None:
    paths = clips(tmp_path / "audio", 5, seed=9)
    with running_daemon(config=CONFIG) as daemon:
        daemon.call("queue.pause")
        made = daemon.call("batch.create", name="one", files=params(paths[:3]), concurrency=2, start=True)["batch"]
        with pytest.raises(CallError, match="is not finished"):
            daemon.call("batch.create", name="one")
        with pytest.raises(CallError, match="no number"):
            daemon.call("batch.create", name="17")
        again = daemon.call("batch.add", id="one", files=params(paths[2:5]))["jobs"]
        items = daemon.call("batch.show", id="one")["items"]
        assert [item["id"] for item in items][2:] == [item["id"] for item in again], "a known file is no second item"
        first, second = (item["id"] for item in items[:2])
        [removed] = daemon.call("batch.remove", id="one", jobs=[first])["jobs"]
        assert (removed["job"]["state"], removed["job"]["batch"]) == ("cancelled", None)
        assert not daemon.call("batch.remove", id="one", jobs=[first])["jobs"][0]["ok"]
        renamed = daemon.call("batch.set", id="one", name="uno", concurrency=4)["batch"]
        assert (renamed["id"], renamed["name"], renamed["concurrency"]) == (made["id"], "uno", 4)
        with pytest.raises(CallError, match="there is no batch 'one'"):
            daemon.call("batch.show", id="one")
        page = daemon.call("job.list", batch="uno", limit=3)
        assert [len(page["jobs"]), page["next_cursor"] is not None] == [3, True]

        [refused] = daemon.call("batch.delete", ids=["uno"])["batches"]
        assert refused["error"]["kind"] == "refused"
        daemon.call("job.pause", ids=[items[-1]["id"]])  # or the others may all be done before the batch is cancelled
        daemon.call("queue.resume")
        daemon.wait(second)
        [cancelled] = daemon.call("batch.cancel", ids=["uno"])["batches"]
        counts = batch_of(daemon, "uno")["items"]
        assert (cancelled["batch"]["state"], counts["completed"] >= 1) == ("cancelled", True), "what is done is kept"
        assert counts["completed"] + counts["cancelled"] == 4
        wait_for(lambda: daemon.call("batch.delete", ids=["uno"])["batches"][0]["ok"])
        assert daemon.call("batch.list")["batches"] == []


def test_files_of_a_batch_are_in_progress_together_and_each_text_is_the_one_decoded_alone(tmp_path: Path) -> None:
    paths = clips(tmp_path / "audio", 10, seed=7)
    with running_daemon(config=CONFIG) as daemon:
        options = {"language": "en", "words": True}
        singly = [job["id"] for job in daemon.submit(*paths, options=options)]
        daemon.wait(*singly)
        client = daemon.client()
        client.call("events.subscribe", topics=["batch.state", "job.state"])
        made = daemon.call(
            "batch.create", name="together", files=params(paths), options=options, concurrency=4, start=True
        )["batch"]
        most, running = 0, set[int]()
        while True:
            event = client.wait_event(lambda event: event.get("batch") == made["id"])
            if event["topic"] == "batch.state" and event["data"]["state"] == "completed":
                break
            if event["topic"] == "job.state":
                (running.add if event["data"]["state"] == "running" else running.discard)(event["job"])
                most = max(most, len(running))
        assert most == 4
        items = [item["id"] for item in daemon.call("batch.show", id="together")["items"]]
        for alone, beside in zip(singly, items, strict=True):
            texts = [daemon.call("job.text", id=job)["transcript"] for job in (alone, beside)]
            for text in texts:
                del text["processing_time"]
            assert texts[0] == texts[1]


def test_the_commands_make_fill_show_and_end_a_batch(tmp_path: Path) -> None:
    clips(tmp_path / "audio", 3)
    (tmp_path / "audio" / "empty.wav").write_bytes(b"")
    with running_daemon(config=CONFIG) as daemon:

        def ctl(*words: str, status: int = 0) -> str:
            command = [sys.executable, "-m", "whisperctl", *words]
            done = subprocess.run(command, env=daemon.environment, capture_output=True, text=True, cwd=ROOT)
            assert done.returncode == status, done.stderr
            return done.stdout + done.stderr

        daemon.call("queue.pause")
        folder = str(tmp_path / "audio")
        made = ctl("batch", "create", "monday", folder, "--pattern", "clip-*")
        assert "0 of 3 files done" in made
        assert "whisperctl batch start 1" in made
        refused = ctl("batch", "resume", "monday", status=5)
        assert "batch 1 is draft; only paused batches can be resumed" in refused
        assert "start it instead" in refused
        assert "is empty" in ctl("batch", "add", "monday", f"{folder}/empty.wav")
        assert "already on the way" in ctl("submit", f"{folder}/clip-00.wav", "--batch", "monday")
        refused = ctl("batch", "start", "monday", "tuesday", status=4)
        assert "running  monday: 0 of 4 files done, 1 failed" in refused
        assert "there is no batch 'tuesday'" in refused
        shown = ctl("batch", "show", "monday")
        assert "clip-02.wav" in shown
        assert f"{folder}/empty.wav is empty" in shown
        assert "mon" in ctl("batch", "set", "monday", "--name", "mon", "--concurrency", "5")
        paused = json.loads(ctl("batch", "pause", "mon", "--json"))
        assert (paused["batches"][0]["id"], paused["batches"][0]["batch"]["concurrency"]) == ("mon", 5)
        assert len(json.loads(ctl("job", "list", "--batch", "mon", "--json"))["jobs"]) == 4
        assert ctl("job", "pause", "--batch", "mon").count("paused") == 3
        assert "mon: 0 of 4 files done, 1 failed, 3 cancelled" in ctl("batch", "cancel", "mon")
        assert "deleted batch mon" in ctl("batch", "delete", "mon", "--yes")
        assert "no batches" in ctl("batch", "list")
