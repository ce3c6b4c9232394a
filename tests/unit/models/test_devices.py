"""What is remembered of the accelerators, and when nobody needs to look."""

from pathlib import Path

import pytest

from whisperd.frames import Device, Surveyed
from whisperd.models import devices
from whisperd.models.devices import keep, known, machine_mb

CARD = Device("cuda", "card", ("ctranslate2",), 8_000, 7_000)


def test_without_a_driver_there_is_nothing_to_look_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "NODES", (str(tmp_path / "no such node"),))
    keep(tmp_path, Surveyed((CARD,)))  # from before the card was taken out
    assert known(tmp_path) == ()


def test_with_a_driver_the_last_survey_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "NODES", (str(tmp_path),))
    assert known(tmp_path) is None
    keep(tmp_path, Surveyed((CARD,)))
    assert known(tmp_path) == (CARD,)
    (tmp_path / "devices.json").write_text("{")
    assert known(tmp_path) is None


def test_a_model_may_take_most_of_the_machines_memory() -> None:
    assert (machine_mb() or 0) > 256
