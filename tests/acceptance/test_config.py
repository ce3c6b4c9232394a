"""The configuration of a running daemon: reloaded on save, by command and by SIGHUP, without losing a job."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import CallError, Daemon, alive, running_daemon
from tests.speech import long_speech, write_audio
from tests.unit.config.test_load import EVERY_SETTING
from whisperd.config.default import toml
from whisperd.config.effects import Effect, effect_of, every_key
from whisperd.config.load import parse
from whisperd.reload import places


def config_state(**wanted: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["topic"] == "config.state" and wanted.items() <= event["data"].items()


def save(daemon: Daemon, text: str) -> None:
    """As editors do it: a new file in the old one's place."""
    new = daemon.folder / "config.toml~"
    new.write_text(text)
    new.replace(daemon.config)


def every_live_setting() -> str:
    """The file with every live setting changed, but for those that would forbid the test what it does."""
    settings, mistakes = parse(EVERY_SETTING.encode())
    assert not mistakes
    lines: list[str] = []
    for key in every_key():
        section, _, name = key.partition(".")
        if effect_of(key) is Effect.LIVE and name and key != "schedule.low":
            value = getattr(getattr(settings, section), name)
            if value is not None:
                lines.append(f"{key} = {toml(value)}")
    return "\n".join(lines) + "\n"


def test_live_settings_change_under_a_running_job_which_is_not_lost(tmp_path: Path) -> None:
    samples, _ = long_speech(60, seed=7)
    audio = write_audio(tmp_path / "long.wav", samples)
    with running_daemon() as daemon:
        client = daemon.client()
        client.call("events.subscribe", topics=["config.state", "job.state", "job.progress"])
        [job] = daemon.submit(audio)
        client.wait_event(lambda event: event["job"] == job["id"] and event["topic"] == "job.progress")
        worker = daemon.worker_pid()
        save(daemon, every_live_setting())
        changed = client.wait_event(config_state(error=None))["data"]
        live = {key for key in every_key() if effect_of(key) is Effect.LIVE and "." in key} - {"schedule.low"}
        models = {"models.default", "models.dictation", "models.file"}  # --model wins over these
        assert set(changed["changed"]) >= live - models
        assert set(changed["changed"].values()) == {"live"}
        assert changed["restart_needed"] == []

        [done] = daemon.wait(job["id"])
        assert (done["state"], done["attempts"], daemon.worker_pid()) == ("completed", 0, worker)

        # What was set holds for what comes next.
        shown = daemon.call("config.show")["settings"]
        assert (shown["queue"]["max_length"], shown["transcription"]["beam_size"]) == (10, 1)
        with pytest.raises(CallError, match="at most 10"):
            daemon.submit(*[audio] * 11, again=True, options={"language": "en", "task": "transcribe"})


def test_a_worker_setting_replaces_the_worker_between_jobs_and_a_daemon_setting_says_so(tmp_path: Path) -> None:
    samples, _ = long_speech(40, seed=7)
    audio = write_audio(tmp_path / "long.wav", samples)
    with running_daemon() as daemon:
        client = daemon.client()
        client.call("events.subscribe", topics=["config.state", "job.progress"])
        [first, second] = daemon.submit(audio, audio, again=True)
        client.wait_event(lambda event: event["job"] == first["id"] and event["topic"] == "job.progress")
        worker = daemon.worker_pid()
        assert worker is not None
        daemon.config.write_text("[workers]\nthreads = 1\nlanes = 1\n[log]\nlevel = 'debug'\n")
        os.kill(daemon.pid, signal.SIGHUP)
        assert client.wait_event(config_state())["data"] == {
            "error": None,
            "changed": {"workers.lanes": "daemon", "workers.threads": "worker", "log.level": "live"},
            "restart_needed": ["workers.lanes"],
        }
        said = daemon.ctl("status").stdout
        assert "restart needed for workers.lanes" in said
        client.wait_event(lambda event: event["job"] == second["id"] and event["topic"] == "job.progress")
        assert not alive(worker)
        done = daemon.wait(first["id"], second["id"])
        assert [(job["state"], job["attempts"]) for job in done] == [("completed", 0)] * 2


def test_a_bad_file_keeps_the_old_settings_and_status_shows_what_is_wrong() -> None:
    with running_daemon(config="[queue]\nmax_length = 7\n") as daemon:
        client = daemon.client()
        client.call("events.subscribe", topics=["config.state"])
        save(daemon, "[queue]\nmax_lenght = 8\n")
        mistake = f"{daemon.config}:2: queue.max_lenght: there is no such setting; did you mean max_length?"
        assert client.wait_event(config_state())["data"]["error"] == mistake
        assert daemon.call("config.show")["settings"]["queue"]["max_length"] == 7
        assert daemon.call("daemon.status")["config_error"] == mistake
        assert mistake in daemon.ctl("status").stdout

        refused = daemon.ctl("config", "reload")
        assert (refused.returncode, mistake in refused.stderr) == (1, True)
        checked = daemon.ctl("config", "check")
        assert (checked.returncode, checked.stdout.strip()) == (1, mistake)

        save(daemon, "[queue]\nmax_length = 8\n")
        assert client.wait_event(config_state())["data"]["error"] is None
        shown = daemon.ctl("config", "show").stdout
        assert "\nmax_length = 8\n" in shown
        assert "\n#disk_floor = 536870912\n" in shown
        assert daemon.ctl("config", "reload").stdout == "nothing has changed\n"
        assert daemon.ctl("config", "path").stdout.strip() == str(daemon.config)
        assert daemon.ctl("config", "check").stdout.strip() == f"{daemon.config}: ok"
        for path, kind in (("/dev/zero", "refused"), (f"{daemon.folder}/missing.toml", "not_found")):
            with pytest.raises(CallError, match=r"configuration file /") as told:
                daemon.call("config.check", path=path)
            assert told.value.data["kind"] == kind


def test_without_a_daemon_the_file_can_be_checked_and_the_default_one_printed(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, config="[queue]\nmax_lenght = 8\n")
    checked = daemon.ctl("config", "check", str(daemon.config))
    assert (checked.returncode, "did you mean max_length?" in checked.stdout) == (1, True)
    default = daemon.ctl("config", "show", "--default")
    assert default.returncode == 0
    assert parse(default.stdout.encode())[1] == []
    assert daemon.ctl("config", "path").stdout.strip() == str(tmp_path / ".config" / "whisperd" / "config.toml")


def test_the_folders_that_matter_are_those_of_the_file_and_of_what_a_link_leads_to(tmp_path: Path) -> None:
    home, dotfiles = tmp_path / "home", tmp_path / "dotfiles"
    home.mkdir()
    dotfiles.mkdir()
    file = home / ".config" / "whisperd" / "config.toml"
    assert places(file) == {home: {b".config"}}
    file.parent.mkdir(parents=True)
    assert places(file) == {file.parent: {b"config.toml"}}
    file.symlink_to(dotfiles / "whisperd.toml")
    assert places(file) == {file.parent: {b"config.toml"}, dotfiles: {b"whisperd.toml"}}
