"""Models are found where people have them, by the file system alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from whisperd.errors import ModelNotFoundError
from whisperd.models.locate import hub_cache, installed, locate

CACHE_VARIABLES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in CACHE_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


def make_model(folder: Path, *, without: str = "") -> Path:
    folder.mkdir(parents=True)
    for name in {"model.bin", "tokenizer.json", "vocabulary.txt", "config.json"} - {without}:
        (folder / name).write_text("x")
    return folder


def cached_snapshot(hub: Path, repository: str, revision: str = "abc123", *, main: bool = True) -> Path:
    """The cache's real layout: files are links into `blobs`, and `refs/main` names the revision."""
    cached = hub / f"models--{repository.replace('/', '--')}"
    snapshot = cached / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (cached / "blobs").mkdir(exist_ok=True)
    for name in ("model.bin", "tokenizer.json", "vocabulary.txt", "config.json"):
        (cached / "blobs" / f"{revision}-{name}").write_text("x")
        (snapshot / name).symlink_to(f"../../blobs/{revision}-{name}")
    if main:
        (cached / "refs").mkdir(exist_ok=True)
        (cached / "refs" / "main").write_text(revision)
    return snapshot


def test_the_packaged_model_is_found_anywhere(state_dir: Path) -> None:
    folder = locate("test-en", state_dir)
    assert folder.is_absolute()
    assert (folder / "model.bin").stat().st_size > 1_000_000


def test_absolute_relative_and_home_paths_are_taken(
    tmp_path: Path, home: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model(home / "mine")
    monkeypatch.chdir(home)
    assert locate(str(folder), state_dir) == folder
    assert locate("~/mine", state_dir) == folder
    assert locate("./mine", state_dir) == folder


def test_a_name_is_looked_for_in_the_state_folder_before_the_cache(home: Path, state_dir: Path) -> None:
    snapshot = cached_snapshot(home / ".cache/huggingface/hub", "Systran/faster-whisper-base")
    assert locate("base", state_dir) == snapshot
    own = make_model(state_dir / "models" / "base")
    assert locate("base", state_dir) == own
    assert installed(state_dir)["base"] == own


def test_a_model_of_ones_own_is_found_by_its_folders_name(state_dir: Path) -> None:
    own = make_model(state_dir / "models" / "my-tuned")
    assert locate("my-tuned", state_dir) == own


@pytest.mark.parametrize(("alias", "name"), [("turbo", "large-v3-turbo"), ("large", "large-v3")])
@pytest.mark.parametrize("folder_is_named", ["by its name", "by the other name"])
def test_other_names_lead_to_the_same_model(state_dir: Path, alias: str, name: str, folder_is_named: str) -> None:
    folder = make_model(state_dir / "models" / (name if folder_is_named == "by its name" else alias))
    assert locate(alias, state_dir) == locate(name, state_dir) == installed(state_dir)[name] == folder


def test_a_repository_is_found_in_the_cache(home: Path, state_dir: Path) -> None:
    snapshot = cached_snapshot(home / ".cache/huggingface/hub", "someone/whisper-ct2")
    assert locate("someone/whisper-ct2", state_dir) == snapshot


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "{home}/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/c", "HF_HOME": "/h"}, "/h/hub"),
        ({"HF_HOME": "~/h"}, "{home}/h/hub"),
        ({"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old"}, "/old"),
        ({"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "/new"}, "/new"),
    ],
)
def test_the_cache_is_where_its_variables_say(
    home: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert hub_cache() == Path(expected.format(home=home))


def test_the_revision_that_main_names_is_taken_else_the_newest(home: Path, state_dir: Path) -> None:
    hub = home / ".cache/huggingface/hub"
    named = cached_snapshot(hub, "Systran/faster-whisper-base", "old")
    newer = cached_snapshot(hub, "Systran/faster-whisper-base", "new", main=False)
    os.utime(named, (1, 1))
    assert locate("base", state_dir) == named
    (hub / "models--Systran--faster-whisper-base" / "refs" / "main").unlink()
    assert locate("base", state_dir) == newer


def test_a_download_that_was_cut_off_is_not_a_model(home: Path, state_dir: Path) -> None:
    snapshot = cached_snapshot(home / ".cache/huggingface/hub", "Systran/faster-whisper-base")
    (snapshot / "model.bin").resolve().unlink()  # the link dangles until the download has ended
    assert "base" not in installed(state_dir)
    with pytest.raises(ModelNotFoundError, match='"base" is not installed'):
        locate("base", state_dir)


@pytest.mark.parametrize("missing", ["model.bin", "tokenizer.json", "vocabulary.txt"])
def test_an_incomplete_folder_is_named_with_what_it_lacks(state_dir: Path, missing: str) -> None:
    folder = make_model(state_dir / "models" / "base", without=missing)
    with pytest.raises(ModelNotFoundError, match="is incomplete") as caught:
        locate("base", state_dir)
    assert missing.partition(".")[0] in caught.value.message
    assert str(folder) in caught.value.message
    assert "base" not in installed(state_dir)


def test_an_empty_model_file_counts_as_missing(state_dir: Path) -> None:
    folder = make_model(state_dir / "models" / "base")
    (folder / "model.bin").write_bytes(b"")
    with pytest.raises(ModelNotFoundError, match=r"model\.bin is missing or empty"):
        locate("base", state_dir)


def test_what_is_not_there_is_said_with_the_places_looked_in_and_what_to_do(home: Path, state_dir: Path) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        locate("small", state_dir)
    assert str(state_dir / "models") in caught.value.message
    assert str(home / ".cache/huggingface/hub") in caught.value.message
    assert caught.value.hint is not None
    assert "`whisperctl model pull small`" in caught.value.hint
    assert "installed: test-en" in caught.value.hint


def test_a_misspelt_name_is_answered_with_the_one_meant(state_dir: Path) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        locate("smal.en", state_dir)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("did you mean small.en?")


@pytest.mark.parametrize(
    "name",
    ["/nowhere", "/etc/passwd", "../..\n/x", "a/b", "a/b/c", "x" * 5000, "/" + "x" * 5000, "nul\0", "", "..", "é"],
)
def test_no_name_is_answered_with_anything_but_model_not_found(state_dir: Path, name: str) -> None:
    (state_dir / "models").mkdir(parents=True)
    with pytest.raises(ModelNotFoundError) as caught:
        locate(name, state_dir)
    assert len(caught.value.message.splitlines()) == 1


def test_looking_up_imports_no_model_library() -> None:
    code = (
        "import sys; from pathlib import Path; from whisperd.models.locate import locate;"
        "locate('test-en', Path('/nowhere'));"
        "print(sorted({'huggingface_hub', 'faster_whisper', 'ctranslate2', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
