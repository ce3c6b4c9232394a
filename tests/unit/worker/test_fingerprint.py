"""The engine fingerprint differs whenever a result could."""

from pathlib import Path

import pytest

from whisperd.worker.fingerprint import fingerprint, model_digest


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.bin").write_bytes(bytes(10 << 20))
    return tmp_path


def test_the_same_model_has_the_same_digest(model: Path) -> None:
    assert model_digest(model) == model_digest(model)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_any_change_in_a_small_file_changes_it(model: Path, name: str) -> None:
    before = model_digest(model)
    (model / name).write_text('{"a": 1}')
    assert model_digest(model) != before


def test_other_weights_or_another_size_change_it(model: Path) -> None:
    before = model_digest(model)
    (model / "model.bin").write_bytes(bytes(10 << 20) + b"\0")
    longer = model_digest(model)
    (model / "model.bin").write_bytes(b"\1" * (10 << 20))
    assert len({before, longer, model_digest(model)}) == 3


def test_a_file_that_decides_nothing_does_not(model: Path) -> None:
    before = model_digest(model)
    (model / "README.md").write_text("hello")
    assert model_digest(model) == before


def test_it_names_engine_threads_and_versions(model: Path) -> None:
    text = fingerprint(model, "ctranslate2", "cpu", "int8_float32", 2, ("numpy",))
    assert text.startswith(f"ctranslate2 cpu int8_float32 threads=2 model={model_digest(model)} ")
    assert "numpy=" in text and "pipeline=" in text
    assert text != fingerprint(model, "ctranslate2", "cpu", "int8_float32", 4, ("numpy",))
