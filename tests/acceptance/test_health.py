"""`health`, `stats`, `doctor` and `metrics` on a healthy daemon and on sick ones."""

import json
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.harness import DATA, Daemon, running_daemon

LOCAL = '[models]\ndefault = "test-en"\n'


def look(daemon: Daemon) -> tuple[int, str, list[str]]:
    """`whisperctl health`: its status, the state, and the kinds of what is wrong."""
    ran = daemon.ctl("health", "--json")
    result = json.loads(ran.stdout)
    return ran.returncode, result["state"], sorted(reason["kind"] for reason in result["reasons"])


def samples(daemon: Daemon) -> dict[tuple[str, ...], float]:
    """Every sample of `whisperctl metrics`, as the official parser reads them."""
    families = text_string_to_metric_families(daemon.ctl("metrics").stdout)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def doctor(daemon: Daemon) -> dict[str, str]:
    checks: list[dict[str, Any]] = json.loads(daemon.ctl("doctor", "--json").stdout)["checks"]
    return {check["name"]: check["status"] for check in checks}


def configure(daemon: Daemon, text: str) -> None:
    daemon.config.write_text(text)
    daemon.call("config.reload")


def test_a_healthy_daemon_and_what_makes_it_sick(tmp_path: Path) -> None:
    with running_daemon(config=LOCAL, model=None) as daemon:
        client = daemon.client()
        client.call("events.subscribe", topics=["health.state"])
        daemon.transcribe(DATA / "demo.flac")
        daemon.transcribe(DATA / "demo.flac", again=True, kind="dictation")

        assert look(daemon) == (0, "ok", [])
        assert daemon.ctl("health", "--strict").stdout == "ok\n"
        assert "failed" not in doctor(daemon).values()
        stats = json.loads(daemon.ctl("stats", "--json").stdout)
        assert stats["total"]["jobs"] == 2
        assert {row["name"] for row in stats["by_source"]} == {"dictation", "file"}
        assert [row["name"] for row in stats["by_model"]] == ["test-en"]
        assert [row["jobs"] for row in stats["by_day"]] == [2]
        assert 0 < stats["total"]["confidence"] <= 1
        assert stats["total"]["real_time_factor"] > 0
        assert stats["storage"]["database"] > 0
        table = daemon.ctl("stats").stdout
        assert "test-en" in table
        assert "state folder: database" in table
        found = samples(daemon)
        assert found["whisperd_health",] == 0
        assert found["whisperd_jobs", "completed"] == 2
        assert found["whisperd_transcripts", "file", "test-en"] == 1

        # Sick 1: the disk is nearly full, and then so full that work is refused.
        configure(daemon, LOCAL + f"[health]\ndisk = {10**18}\n")
        assert look(daemon) == (0, "degraded", ["disk"])
        assert daemon.ctl("health", "--strict").returncode == 1
        configure(daemon, LOCAL + f"[queue]\ndisk_floor = {10**18}\n")
        assert look(daemon) == (1, "failing", ["disk"])
        event = client.wait_event(lambda event: event["data"]["state"] == "failing")
        assert [reason["kind"] for reason in event["data"]["reasons"]] == ["disk"]

        # Sick 2: the model is gone.
        configure(daemon, '[models]\ndefault = "/no/such/model"\n')
        assert look(daemon) == (1, "failing", ["no_model"])
        assert samples(daemon)["whisperd_health_reason", "no_model"] == 1

        # Sick 3: a drop folder is lost, and the configuration's file is broken, on top of both.
        lost = f'[queue]\ndisk_floor = {10**18}\n[[watch]]\npath = "{tmp_path}/gone"\n'
        configure(daemon, '[models]\ndefault = "/no/such/model"\n' + lost)
        daemon.config.write_text("[models]\ndefalt = 1\n")
        assert daemon.ctl("config", "reload").returncode == 1
        assert look(daemon) == (1, "failing", ["config", "disk", "folder_lost", "no_model"])
        checks = doctor(daemon)
        assert {name for name, status in checks.items() if status == "failed"} == {
            "configuration", "disk", "model", "watch folders", "worker",
        }  # fmt: skip

        # Sick 4: more is queued than the person wants to be, behind a paused queue.
        configure(daemon, LOCAL + "[health]\nqueued = 1\n")
        daemon.call("queue.pause")
        daemon.submit(*[DATA / "demo.flac"] * 2, again=True)
        assert look(daemon) == (0, "degraded", ["queue"])
        daemon.call("queue.resume")

        # Sick 5: what is sent fails.
        broken = [tmp_path / f"{number}.wav" for number in range(5)]
        for path in broken:
            path.write_text("not audio")
        daemon.wait(*[job["id"] for job in daemon.submit(*broken)])
        assert look(daemon) == (0, "degraded", ["failures"])
        assert json.loads(daemon.ctl("stats", "--json").stdout)["total"]["failures"] == 5
        assert samples(daemon)["whisperd_health",] == 1


def test_a_database_that_was_damaged_is_told_of() -> None:
    with running_daemon() as daemon:
        daemon.stop()
        for log in daemon.state_dir.glob("whisperd.db-*"):  # it may hold every page once more
            log.unlink()
        daemon.database.write_bytes(b"not a database" * 1000)
        daemon.start()
        assert look(daemon) == (0, "degraded", ["database_damaged"])
        assert "was damaged" in daemon.ctl("health").stdout
