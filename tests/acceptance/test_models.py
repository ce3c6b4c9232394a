"""Models as a person meets them: listed, pulled, used, loaded, measured, removed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import whisperd
from tests.harness import DATA, CallError, Daemon, running_daemon, wait_for
from tests.hub import Hub, running_hub
from tests.speech import synthesize, word_errors, write_audio
from whisperd.models import devices

MODEL = Path(whisperd.__file__).parent / "data" / "test-en"
REPOSITORY = "somebody/whisper-test-en"


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add(REPOSITORY, MODEL)
        hub.add("Systran/faster-whisper-tiny", MODEL)
        yield hub


@pytest.fixture(scope="module")
def daemon(hub: Hub) -> Iterator[Daemon]:
    """One whose models come from the stand-in hub."""
    before = os.environ.get("HF_ENDPOINT")
    os.environ["HF_ENDPOINT"] = hub.url
    try:
        with running_daemon(config="[models]\ndownload = true\n[retry]\nbase_delay = 0.0\n") as running:
            yield running
    finally:
        del os.environ["HF_ENDPOINT"]
        if before is not None:
            os.environ["HF_ENDPOINT"] = before


def listed(daemon: Daemon, name: str) -> dict[str, object]:
    [model] = [model for model in daemon.call("model.list")["models"] if model["name"] == name]
    return model


def test_a_model_is_pulled_used_unloaded_and_removed(daemon: Daemon, hub: Hub) -> None:
    client = daemon.client()
    client.call("events.subscribe", topics=["model.state", "model.progress"])
    pulled = daemon.ctl("model", "pull", REPOSITORY)
    assert pulled.returncode == 0, pulled.stderr
    assert pulled.stdout == f"{REPOSITORY} is installed\n"
    seen = [client.wait_event(lambda event: event["data"]["model"] == REPOSITORY)["data"] for _ in range(2)]
    assert seen[0]["state"] == "pulling"
    assert client.wait_event(lambda event: event["data"].get("state") == "installed")
    model = listed(daemon, REPOSITORY)
    assert (model["state"], model["origin"]) == ("installed", "pulled")
    assert model["path"] == str(daemon.state_dir / "models" / "somebody--whisper-test-en")
    assert isinstance(model["size"], int) and model["size"] > 3_000_000
    assert daemon.call("model.pull", model=REPOSITORY)["state"] == "installed"

    text = daemon.transcribe(DATA / "demo.flac", options={"model": REPOSITORY})
    assert text["model"] == REPOSITORY
    assert listed(daemon, REPOSITORY)["loaded"] == ["background"]
    assert listed(daemon, REPOSITORY)["resident"]
    unloaded = daemon.ctl("model", "unload", REPOSITORY)
    assert unloaded.stdout == "unloaded: background\n"
    assert listed(daemon, REPOSITORY)["loaded"] == []
    assert daemon.ctl("model", "unload", REPOSITORY).returncode == 4

    assert daemon.ctl("model", "remove", REPOSITORY).returncode == 2  # it asks, and nobody is there to answer
    removed = daemon.ctl("model", "remove", "--yes", REPOSITORY)
    assert removed.returncode == 0, removed.stderr
    assert not list((daemon.state_dir / "models").iterdir())
    assert daemon.ctl("model", "remove", "--yes", REPOSITORY).returncode == 4
    assert daemon.ctl("model", "remove", "--yes", "test-en").returncode == 5


def test_a_job_downloads_its_model_first_where_that_is_allowed(daemon: Daemon) -> None:
    [job] = daemon.submit(DATA / "demo.flac", options={"model": "tiny"}, again=True)
    [job] = daemon.wait(job["id"])
    assert job["state"] == "completed", job["error"]
    assert job["model"] == "tiny"
    wait_for(lambda: all(worker["job"] is None for worker in daemon.call("daemon.status")["workers"]))
    daemon.call("model.remove", model="tiny")


def test_a_hub_that_does_not_answer_is_tried_again_and_then_named(daemon: Daemon, hub: Hub) -> None:
    hub.trouble.status = 503
    try:
        [job] = daemon.submit(DATA / "demo.flac", options={"model": "tiny"}, again=True)
        [job] = daemon.wait(job["id"])
    finally:
        hub.trouble.status = None
    assert (job["state"], job["error"]["kind"], job["attempts"]) == ("failed", "network", 4)
    assert "pull again" in job["error"]["hint"]


def test_removing_ends_a_download_and_what_is_of_it(daemon: Daemon, hub: Hub) -> None:
    hub.trouble.hold_after = 200_000
    hub.trouble.go_on.clear()
    hub.trouble.held.clear()
    try:
        waiting = daemon.ctl("model", "pull", "--no-wait", REPOSITORY)
        assert "is being downloaded" in waiting.stdout
        assert hub.trouble.held.wait(60)
        assert listed(daemon, REPOSITORY)["state"] == "pulling"
        assert daemon.call("model.remove", model=REPOSITORY)["freed"] > 0
        assert REPOSITORY not in {model["name"] for model in daemon.call("model.list")["models"]}
        wait_for(lambda: not list((daemon.state_dir / "models").iterdir()))
    finally:
        hub.trouble.hold_after = None
        hub.trouble.go_on.set()


def test_a_failed_pull_says_why_and_what_to_do(daemon: Daemon) -> None:
    failed = daemon.ctl("model", "pull", "nobody/nothing")
    assert failed.returncode == 1
    assert "there is no repository nobody/nothing" in failed.stderr
    assert "HF_TOKEN" in failed.stderr
    unknown = daemon.ctl("model", "pull", "smal")
    assert unknown.returncode == 4
    assert "no model that can be downloaded" in unknown.stderr


def test_a_model_is_loaded_before_it_is_needed(daemon: Daemon) -> None:
    loaded = daemon.ctl("model", "load", "test-en")
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.startswith("test-en is loaded in ")
    assert daemon.ctl("model", "load").stdout.startswith("test-en is loaded already")
    assert "interactive" in listed(daemon, "test-en")["loaded"]  # pyright: ignore[reportOperatorIssue]
    assert daemon.call("model.unload")["lanes"]
    with pytest.raises(CallError, match="not installed"):
        daemon.call("model.load", model="base")


def test_the_list_shows_what_is_used_and_what_there_is(daemon: Daemon) -> None:
    shown = daemon.ctl("model", "list").stdout
    assert "large-v3-turbo" in shown and "available" in shown
    [used] = [line for line in shown.splitlines() if line.startswith("test-en ")]
    assert "dictation, file" in used
    assert "dictation  test-en: " in shown
    assert "large-v3-turbo" not in daemon.ctl("model", "list", "--installed").stdout
    assert json.loads(daemon.ctl("model", "list", "--json").stdout) == daemon.call("model.list")


def test_the_machine_is_measured_and_a_model_recommended(daemon: Daemon) -> None:
    measured = daemon.ctl("model", "bench", "--anyway", "test-en", "base")
    assert measured.returncode == 1  # one of them is not here
    lines = measured.stdout.splitlines()
    assert any(line.startswith("test-en") and "×" in line for line in lines)
    assert 'base could not be measured: the model "base" is not installed' in measured.stderr
    assert any(line.startswith("file       test-en: ") for line in lines)


def test_without_its_accelerator_a_job_runs_on_the_cpu_and_says_so() -> None:
    """Where there is none: a machine with CUDA would just use it."""
    if devices.has_driver():
        pytest.skip("this machine may have an accelerator, which would do the work")
    with running_daemon(config='[workers]\ndevice = "cuda"\ncpu_fallback = true\n') as daemon:
        text = daemon.transcribe(DATA / "demo.flac")
        assert text["device"] == "cpu"
        [note] = text["notes"]
        assert note.startswith("the model runs on the CPU instead of the accelerator: ")
        assert note in daemon.ctl("status").stdout


def test_the_other_engine_transcribes_too_and_says_which_it_is(tmp_path: Path) -> None:
    spoken = "set a timer for fifteen minutes"
    path = write_audio(tmp_path / "timer.wav", synthesize(spoken, "en-us+f4", 145))
    with running_daemon(config='[workers]\nbackend = "torch"\ncompute_type = "float32"\n') as daemon:
        [job] = daemon.submit(path, options={"words": True})
        daemon.wait(job["id"])
        text = daemon.call("job.text", id=job["id"])["transcript"]
        assert word_errors(text["text"], spoken) <= 1
        assert text["segments"][0]["words"]
        assert daemon.ctl("model", "load").stdout.rstrip().endswith("cpu, float32, torch)")


def test_a_missing_model_is_a_line_with_what_to_do() -> None:
    with running_daemon(model="small", config="[models]\noffline = true\n") as daemon:
        told = daemon.ctl("submit", "--dictation", str(DATA / "demo.flac"))
        assert told.returncode == 4
        assert 'the model "small" is not installed' in told.stderr
        assert "download it: `whisperctl model pull small`" in told.stderr
        assert [choice["model"] for choice in daemon.call("model.list")["choices"]] == [None, None]
        refused = daemon.ctl("model", "pull", "small")
        assert refused.returncode == 5
        assert "models.offline" in refused.stderr
