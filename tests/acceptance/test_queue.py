"""What people do to jobs and to the queue, through a real daemon."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.harness import CallError, Daemon, process_state, running_daemon, wait_for
from tests.speech import long_speech, synthesize, write_audio


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audio")
    for number in range(6):
        write_audio(folder / f"{number}.wav", synthesize(f"open the green window {'now ' * number}"))
    samples, _ = long_speech(70, seed=11)
    write_audio(folder / "long.wav", samples)
    return folder


def states(daemon: Daemon, *ids: int) -> list[str]:
    return [daemon.call("job.show", id=job)["job"]["state"] for job in ids]


def test_paused_queue_stays_paused_after_restart(daemon: Daemon, folder: Path) -> None:
    assert daemon.call("queue.pause")["paused"]
    [job] = daemon.submit(folder / "0.wav")
    assert job["hold"] == "the queue is paused"
    daemon.stop()
    daemon.start()
    status = daemon.call("daemon.status")
    assert (status["paused"], status["queue"]["queued"], status["queue"]["running"]) == (True, 1, 0)
    assert not daemon.call("queue.resume")["paused"]
    [job] = daemon.wait(job["id"])
    assert job["state"] == "completed"


def test_dictation_is_answered_while_the_queue_is_paused(daemon: Daemon, folder: Path) -> None:
    daemon.call("queue.pause")
    [file] = daemon.submit(folder / "0.wav")
    [dictation] = daemon.submit(folder / "1.wav", kind="dictation")
    [done] = daemon.wait(dictation["id"])
    assert done["state"] == "completed"
    assert done["priority"] == "interactive"
    assert states(daemon, file["id"]) == ["queued"]


def test_dictation_overtakes_a_running_file_whose_worker_is_stopped_meanwhile(gated: Daemon, folder: Path) -> None:
    client = gated.client()
    client.call("events.subscribe", topics=["job.progress"])
    [file] = gated.submit(folder / "long.wav")
    client.wait_event(lambda event: event["job"] == file["id"] and event["data"]["done"] > 0)
    [dictation] = gated.submit(folder / "long.wav", kind="dictation", again=True)
    client.wait_event(lambda event: event["job"] == dictation["id"] and event["data"]["done"] > 0)
    background = gated.worker_pid("background")
    wait_for(lambda: process_state(background) == "T")
    gated.gate.unlink()
    dictation, file = gated.wait(dictation["id"], file["id"])
    assert process_state(background) != "T"
    assert (dictation["state"], file["state"], file["attempts"]) == ("completed", "completed", 0)
    assert dictation["finished_at"] < file["finished_at"]


def test_classes_run_in_order_and_moved_jobs_first_within_theirs(daemon: Daemon, folder: Path) -> None:
    daemon.call("queue.pause")
    low = daemon.submit(folder / "0.wav", low=True)[0]["id"]
    first, second, third = (daemon.submit(folder / f"{n}.wav")[0]["id"] for n in (1, 2, 3))
    [moved] = daemon.call("job.move", ids=[third], place=1)["jobs"]
    assert moved["job"]["place"] == 1
    [refused] = daemon.call("job.move", ids=[99], place=1)["jobs"]
    assert refused["error"]["kind"] == "not_found"
    head = daemon.call("job.list", order="queue", limit=2)
    tail = daemon.call("job.list", order="queue", limit=2, cursor=head["next_cursor"])
    assert [job["id"] for job in head["jobs"] + tail["jobs"]] == [third, first, second, low]
    assert tail["next_cursor"] is None
    for wrong in ({"states": ["failed"]}, {"cursor": "7"}):
        with pytest.raises(CallError, match=r"params\.(order|cursor)"):
            daemon.call("job.list", order="queue", **wrong)
    daemon.call("queue.resume")
    jobs = daemon.wait(low, first, second, third)
    started = sorted(jobs, key=lambda job: job["started_at"])
    assert [job["id"] for job in started] == [third, first, second, low]


def test_a_file_sent_again_is_the_same_job_until_it_is_finished(daemon: Daemon, folder: Path) -> None:
    daemon.call("queue.pause")
    low = daemon.submit(folder / "0.wav", low=True)[0]
    again = daemon.submit(folder / "0.wav", low=True)[0]
    other_options = daemon.submit(folder / "0.wav", options={"words": True})[0]
    by_hand = daemon.submit(folder / "0.wav")[0]
    forced = daemon.submit(folder / "0.wav", again=True)[0]
    assert low["id"] == again["id"] == by_hand["id"]
    assert (low["priority"], by_hand["priority"]) == ("low", "normal")
    assert len({low["id"], other_options["id"], forced["id"]}) == 3
    daemon.call("queue.resume")
    daemon.wait(low["id"], other_options["id"], forced["id"])
    assert daemon.submit(folder / "0.wav")[0]["id"] not in {low["id"], forced["id"]}


def test_a_key_makes_submitting_idempotent_for_ever(daemon: Daemon, folder: Path) -> None:
    file = {"path": str(folder / "0.wav"), "key": "once"}
    [first] = daemon.call("job.submit", files=[file])["jobs"]
    daemon.wait(first["id"])
    [second] = daemon.call("job.submit", files=[file])["jobs"]
    assert second["id"] == first["id"]


def test_a_running_job_is_paused_after_its_batch_and_resumes_there(gated: Daemon, folder: Path) -> None:
    gated.gate.unlink()
    undisturbed = gated.transcribe(folder / "long.wav")
    gated.gate.write_text("1")
    client = gated.client()
    client.call("events.subscribe", topics=["job.progress"])
    [job] = gated.submit(folder / "long.wav")
    client.wait_event(lambda event: event["job"] == job["id"] and event["data"]["done"] > 0)
    [answer] = gated.call("job.pause", ids=[job["id"]])["jobs"]
    assert answer["job"]["state"] == "paused"
    gated.gate.unlink()
    wait_for(lambda: all(worker["job"] is None for worker in gated.call("daemon.status")["workers"]))
    shown = gated.call("job.show", id=job["id"])
    assert 0 < shown["job"]["progress"] < 1
    so_far = gated.call("job.text", id=job["id"], so_far=True)["transcript"]
    assert so_far["segments"]
    assert so_far["segments"] == undisturbed["segments"][: len(so_far["segments"])]
    assert so_far["duration"] == shown["job"]["done"] < undisturbed["duration"]
    gated.call("job.resume", ids=[job["id"]])
    [done] = gated.wait(job["id"])
    assert (done["state"], done["attempts"]) == ("completed", 0)
    text = gated.call("job.text", id=job["id"])["transcript"]
    del text["processing_time"], undisturbed["processing_time"]
    assert text == undisturbed
    story = [entry["data"]["state"] for entry in gated.call("job.show", id=job["id"])["story"]]
    assert story == ["queued", "running", "paused", "queued", "running", "completed"]


def test_a_running_job_is_cancelled_at_once_and_retried_from_its_checkpoint(gated: Daemon, folder: Path) -> None:
    client = gated.client()
    client.call("events.subscribe", topics=["job.progress"])
    [job] = gated.submit(folder / "long.wav")
    client.wait_event(lambda event: event["job"] == job["id"] and event["data"]["done"] > 0)
    [answer] = gated.call("job.cancel", ids=[job["id"]])["jobs"]
    assert answer["job"]["state"] == "cancelled"
    with pytest.raises(CallError, match="has no text"):
        gated.call("job.text", id=job["id"])
    [again] = gated.call("job.cancel", ids=[job["id"]])["jobs"]
    assert again["error"]["kind"] == "illegal_transition"
    gated.gate.unlink()
    gated.call("job.retry", ids=[job["id"]])
    [done] = gated.wait(job["id"])
    assert done["state"] == "completed"


def test_deleted_and_cleared_jobs_are_gone_and_unfinished_ones_are_not(daemon: Daemon, folder: Path) -> None:
    ids = [daemon.submit(folder / f"{n}.wav")[0]["id"] for n in (0, 1)]
    daemon.wait(*ids)
    daemon.call("queue.pause")
    waiting = daemon.submit(folder / "2.wav")[0]["id"]
    answers = daemon.call("job.delete", ids=[ids[0], waiting])["jobs"]
    assert [answer["ok"] for answer in answers] == [True, False]
    assert answers[1]["error"]["message"] == f"job {waiting} is queued; only finished jobs can be deleted"
    assert daemon.call("queue.clear")["removed"] == 1
    assert [job["id"] for job in daemon.call("job.list")["jobs"]] == [waiting]


def test_one_lane_serves_dictation_at_the_next_batch(folder: Path) -> None:
    with running_daemon(config="[workers]\nlanes = 1\n", gated=True) as daemon:
        status = daemon.call("daemon.status")
        assert status["lanes"] == {"count": 1, "reason": "workers.lanes in the configuration"}
        daemon.gate.unlink()
        undisturbed = daemon.transcribe(folder / "long.wav")
        daemon.gate.write_text("1")
        client = daemon.client()
        client.call("events.subscribe", topics=["job.progress"])
        [file] = daemon.submit(folder / "long.wav")
        client.wait_event(lambda event: event["job"] == file["id"] and event["data"]["done"] > 0)
        [dictation] = daemon.submit(folder / "1.wav", kind="dictation")
        daemon.gate.unlink()
        dictation, file = daemon.wait(dictation["id"], file["id"])
        assert dictation["finished_at"] < file["finished_at"]
        assert (file["state"], file["attempts"]) == ("completed", 0)
        text = daemon.call("job.text", id=file["id"])["transcript"]
        del text["processing_time"], undisturbed["processing_time"]
        assert text == undisturbed


def test_low_work_keeps_to_its_hours(folder: Path) -> None:
    now = datetime.now().astimezone()
    hours = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}"
    with running_daemon(config=f'[schedule]\nlow = "{hours}"\n') as daemon:
        [low] = daemon.submit(folder / "0.wav", low=True)
        assert low["hold"] == f"low work runs {hours}"
        [normal] = daemon.submit(folder / "1.wav")
        daemon.wait(normal["id"])
        assert states(daemon, low["id"]) == ["queued"]


def test_a_queue_that_is_full_refuses_the_request_whole(folder: Path) -> None:
    with running_daemon(config="[queue]\nmax_length = 2\n") as daemon:
        daemon.call("queue.pause")
        with pytest.raises(CallError, match="3 more do not fit, so none was queued") as refused:
            daemon.submit(*(folder / f"{n}.wav" for n in (0, 1, 2)))
        assert refused.value.data["kind"] == "queue_full"
        assert daemon.call("job.list")["jobs"] == []


def test_a_hook_is_told_of_the_transcript(folder: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f'echo "$0 $1" > {told}.new; mv {told}.new {told}'
    command = ["sh", "-c", script, "{transcript}", "{job}"]
    with running_daemon(config=f"[hooks]\non_completed = {json.dumps(command)}\n") as daemon:
        [job] = daemon.submit(folder / "0.wav", options={"formats": ["txt"], "output_dir": str(tmp_path / "out")})
        daemon.wait(job["id"])
        wait_for(told.exists)
        assert told.read_text().split() == [str(tmp_path / "out" / "0.txt"), str(job["id"])]


def test_an_output_that_cannot_be_written_is_tried_again(folder: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    with running_daemon(config="[retry]\nbase_delay = 0.2\n") as daemon:
        [job] = daemon.submit(folder / "0.wav", options={"formats": ["txt"], "output_dir": str(blocked)})
        [job] = daemon.wait(job["id"])
        assert job["state"] == "completed"
        assert job["outputs"][0]["error"]
        blocked.unlink()
        wait_for((blocked / "0.txt").exists)
        wait_for(lambda: "error" not in daemon.call("job.show", id=job["id"])["job"]["outputs"][0])
