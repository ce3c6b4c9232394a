"""Real audio in, real text out, through a real daemon."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.harness import PATIENCE, Daemon, running_daemon, wait_for
from tests.speech import ENCODINGS, long_speech, word_errors, write_audio

MODULES_OF_CHILDREN = {"numpy", "av", "ctranslate2", "faster_whisper", "onnxruntime", "torch", "sounddevice"}


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Two minutes of speech: several chunks, so several decoding batches."""
    samples, text = long_speech(120, seed=7)
    return write_audio(tmp_path_factory.mktemp("talk") / "talk.wav", samples), text


def test_speech_is_transcribed_to_text_segments_and_files(daemon: Daemon, talk: tuple[Path, str]) -> None:
    path, spoken = talk
    output = daemon.folder / "out"
    [job] = daemon.submit(path, options={"formats": ["txt", "srt", "json"], "output_dir": str(output)})
    [job] = daemon.wait(job["id"])
    assert job["state"] == "completed"
    assert job["duration"] == pytest.approx(120, abs=15)
    transcript = daemon.call("job.text", id=job["id"])["transcript"]
    assert word_errors(transcript["text"], spoken) <= 0.25 * len(spoken.split())
    assert transcript["language"] == "en"
    assert not transcript["partial"]
    starts = [segment["start"] for segment in transcript["segments"]]
    assert starts == sorted(starts)
    assert json.loads((output / "talk.json").read_text())["text"] == transcript["text"]
    assert (output / "talk.srt").read_text().startswith("1\n00:00:0")
    assert [Path(made["path"]).name for made in job["outputs"]] == ["talk.txt", "talk.srt", "talk.json"]


def test_jobs_run_in_order_and_survive_a_restart(talk: tuple[Path, str]) -> None:
    with running_daemon() as daemon:
        ids = [job["id"] for job in daemon.submit(*[talk[0]] * 3, again=True)]
        assert ids == sorted(ids)
        assert daemon.stop() == 0
        daemon.start()
        jobs = daemon.wait(*ids)
        assert [job["state"] for job in jobs] == ["completed"] * 3
        assert [job["attempts"] for job in jobs] == [0] * 3
        texts = {daemon.call("job.text", id=job)["transcript"]["text"] for job in ids}
        assert len(texts) == 1


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("container", ["wav", "m4a"])
def test_a_killed_worker_changes_nothing_in_the_transcript(
    daemon: Daemon, talk: tuple[Path, str], tmp_path: Path, container: str, words: bool
) -> None:
    samples, _ = long_speech(70, seed=7)
    path = write_audio(tmp_path / f"talk.{container}", samples)
    undisturbed = daemon.transcribe(path, options={"words": words})
    with running_daemon(config="[retry]\nbase_delay = 0.0\n", gated=True) as disturbed:
        client = disturbed.client()
        client.call("events.subscribe", topics=["job.progress"])
        [job] = disturbed.submit(path, options={"words": words})
        client.wait_event(lambda event: event["data"]["done"] > 0)
        pid = disturbed.worker_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        disturbed.gate.unlink()
        [job] = disturbed.wait(job["id"])
        assert job["state"] == "completed"
        assert job["attempts"] == 1
        again = disturbed.call("job.text", id=job["id"])["transcript"]
    for transcript in (undisturbed, again):
        del transcript["processing_time"]
    assert again == undisturbed


def test_the_daemon_imports_nothing_that_can_crash(daemon: Daemon) -> None:
    mapped = Path(f"/proc/{daemon.pid}/maps").read_text()
    assert not [name for name in MODULES_OF_CHILDREN if f"/{name}/" in mapped]


def test_a_second_daemon_is_refused_and_the_first_keeps_its_socket(daemon: Daemon) -> None:
    second = Daemon(daemon.folder)
    second.log = daemon.folder / "second-log"
    second.spawn()
    assert second.process is not None
    assert second.process.wait(timeout=PATIENCE) == 5
    assert f"already running for {daemon.state_dir} (pid {daemon.pid})" in second.log.read_text()
    assert daemon.call("daemon.ping")["pong"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_daemon_and_worker_and_the_job_stays_queued(
    daemon: Daemon, talk: tuple[Path, str], number: signal.Signals
) -> None:
    [job] = daemon.submit(talk[0])
    wait_for(lambda: daemon.worker_pid() is not None)
    worker = daemon.worker_pid()
    assert daemon.process is not None
    assert worker is not None
    daemon.process.send_signal(number)
    assert daemon.process.wait(timeout=PATIENCE) == 0
    wait_for(lambda: not Path(f"/proc/{worker}").exists())
    assert not daemon.socket.exists()
    daemon.start()
    [job] = daemon.wait(job["id"])
    assert (job["state"], job["attempts"]) == ("completed", 0)


@pytest.mark.parametrize("container", sorted(ENCODINGS))
def test_every_container_gives_the_same_words(daemon: Daemon, tmp_path: Path, container: str) -> None:
    # A lossy codec can cost the small model a word; these sentences are clear enough for it in each.
    samples, _ = long_speech(12, seed=45)
    plain = daemon.transcribe(write_audio(tmp_path / "plain.wav", samples))
    packed = daemon.transcribe(write_audio(tmp_path / f"packed.{container}", samples))
    assert packed["text"] == plain["text"]
