"""Where a model is on this machine.

Owns: looking up names and paths in the package, the state folder and the Hugging Face cache, by the file system alone.
Leaves to others: what models there are in the world (`catalog`), which one is taken (`choose`), loading it
(`whisperd.worker`). Nothing here touches a network. It blocks on the file system, so the daemon calls it in a thread.
"""

import os
import re
from contextlib import suppress
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from whisperd.errors import ModelNotFoundError
from whisperd.models.catalog import ALIASES, MODELS, TEST_MODEL, canonical, similar
from whisperd.printable import printable

REQUIRED_FILES: Final = ("model.bin", "tokenizer.json")
"""Of a CTranslate2 model. Without `tokenizer.json` faster-whisper would ask a hub for one."""
TRANSFORMERS_WEIGHTS: Final = ("model.safetensors", "model.safetensors.index.json")
"""One of them is in a folder that only the torch engine reads."""
VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def locate(name: str, state_dir: Path) -> Path:
    """The absolute folder of a model: `test-en`, a path, a name or a repository's `owner/name`.

    A name is looked for in `<state_dir>/models` first, then in the Hugging Face cache. Raises ModelNotFoundError, which
    says where it was looked for, what name may have been meant and what is installed; also for an incomplete folder.
    """
    name = canonical(name)
    if name == TEST_MODEL:
        return _complete(name, _packaged())
    if _is_path(name):
        return _at_path(name)
    place = _by_repository(name, state_dir) if _REPOSITORY.fullmatch(name) else _by_name(name, state_dir)
    if place is None:
        raise _not_found(name, state_dir)
    return _complete(name, place)


def installed(state_dir: Path) -> dict[str, Path]:
    """Every complete model by name: the package's, those in the state folder, and known ones in the Hugging Face cache.

    Where a name is in two places, the folder is the one that `locate` finds. A folder `owner--name` holds what was
    pulled as `owner/name`.
    """
    found: dict[str, Path] = {}
    for name, model in MODELS.items():
        if (place := _snapshot(model.repository)) is not None:
            found[name] = place
    with suppress(OSError):  # no such folder, or not readable: then nothing is installed there
        folders = sorted((state_dir / "models").iterdir(), key=lambda folder: folder.name in ALIASES, reverse=True)
        own = {canonical(folder.name.replace("--", "/")): folder for folder in folders}
        found |= {name: folder for name, folder in own.items() if not name.startswith(".")}
    found[TEST_MODEL] = _packaged()
    return {name: place for name, place in found.items() if not _missing_files(place)}


def vocabulary_of(folder: Path) -> int | None:
    """How many tokens the model in a folder has; None where the folder does not tell."""
    for name in VOCABULARIES:
        with suppress(OSError):
            found = (folder / name).stat()
            return _count_tokens(folder / name, found.st_mtime_ns, found.st_size)
    with suppress(OSError, ValueError):
        return msgspec.json.decode((folder / "config.json").read_bytes(), type=_Config).vocab_size
    return None


class _Config(msgspec.Struct):
    """What is needed of a transformers model's `config.json`."""

    vocab_size: int | None = None


@lru_cache(maxsize=32)
def _count_tokens(file: Path, _mtime_ns: int, _size: int) -> int | None:
    """A megabyte is read once for each state of the file."""
    try:
        data = file.read_bytes()
        if file.suffix == ".txt":  # a token a line
            return len(data.splitlines())
        return len(msgspec.json.decode(data, type=list[msgspec.Raw]))
    except (OSError, ValueError):
        return None


def hub_cache() -> Path:
    """The Hugging Face cache: `$HF_HUB_CACHE`, `$HF_HOME/hub`, `$XDG_CACHE_HOME/huggingface/hub`, or its default."""
    if explicit := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(explicit).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "huggingface" / "hub"


# -- places -----------------------------------------------------------------------------------------------------------


def _packaged() -> Path:
    return Path(str(resources.files("whisperd") / "data" / TEST_MODEL))


def _is_path(name: str) -> bool:
    """`/…`, `~/…`, `./…`, `../…` and anything else with a slash that is not a repository's `owner/name`."""
    return name.startswith(("/", "~/", "./", "../")) or ("/" in name and not _REPOSITORY.fullmatch(name))


def _by_name(name: str, state_dir: Path) -> Path | None:
    for same in (name, *(alias for alias, meant in ALIASES.items() if meant == name)):
        if _is_folder(own := state_dir / "models" / same):
            return own
    known = MODELS.get(name)
    return _snapshot(known.repository) if known else None


def _by_repository(name: str, state_dir: Path) -> Path | None:
    own = state_dir / "models" / name.replace("/", "--")
    return own if _is_folder(own) else _snapshot(name)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, a folder that is closed to us
        return False


def _at_path(name: str) -> Path:
    with suppress(RuntimeError):  # a user who does not exist
        name = str(Path(name).expanduser())
    folder = Path(name).absolute()
    if _is_folder(folder):
        return _complete(name, folder)
    raise ModelNotFoundError(
        f"the model folder {printable(folder)} does not exist, or is not a folder",
        hint=f"give the folder that holds {REQUIRED_FILES[0]}, or the name of an installed model",
    )


def _snapshot(repository: str) -> Path | None:
    """The folder of a repository's downloaded revision: the one `refs/main` names, else the newest with a model."""
    cached = hub_cache() / f"models--{repository.replace('/', '--')}"
    snapshots = cached / "snapshots"
    with suppress(OSError, UnicodeDecodeError):  # no reference: whatever revision there is will do
        revision = (cached / "refs" / "main").read_text().strip()
        if revision and "/" not in revision and (snapshots / revision / "model.bin").is_file():
            return snapshots / revision
    with suppress(OSError):
        models = [folder for folder in snapshots.iterdir() if (folder / "model.bin").is_file()]
        return max(models, key=lambda folder: folder.stat().st_mtime, default=None)
    return None


# -- what is wrong ----------------------------------------------------------------------------------------------------


def _missing_files(folder: Path) -> list[str]:
    if any(_has_content(folder / name) for name in TRANSFORMERS_WEIGHTS) and not _has_content(folder / "model.bin"):
        return [name for name in ("config.json", "tokenizer.json") if not _has_content(folder / name)]
    missing = [name for name in REQUIRED_FILES if not _has_content(folder / name)]
    if not any(_has_content(folder / name) for name in VOCABULARIES):
        missing.append(VOCABULARIES[0])
    return missing


def _has_content(file: Path) -> bool:
    try:
        return file.is_file() and file.stat().st_size > 0
    except OSError:
        return False


def _complete(name: str, folder: Path) -> Path:
    if missing := _missing_files(folder):
        verb = "is" if len(missing) == 1 else "are"
        raise ModelNotFoundError(
            f'the model "{printable(name)}" in {printable(folder)} is incomplete: '
            f"{' and '.join(missing)} {verb} missing or empty",
            hint=f"download it again: `whisperctl model pull {printable(name)}`"
            if name in MODELS or _REPOSITORY.fullmatch(name)
            else "a CTranslate2 model of Whisper is needed, with its tokenizer.json; copy it again",
        )
    return folder


def _not_found(name: str, state_dir: Path) -> ModelNotFoundError:
    own = state_dir / "models"
    hints: list[str] = []
    if known := MODELS.get(name):
        hints.append(f"download it: `whisperctl model pull {name}` (about {known.disk_mb:,} MB)")
    elif _REPOSITORY.fullmatch(name):
        hints.append(f"download it: `whisperctl model pull {name}`")
    elif near := similar(name):
        hints.append(f"did you mean {near}?")
    hints.append(f"installed: {', '.join(installed(state_dir))}")
    return ModelNotFoundError(
        f'the model "{printable(name)}" is not installed: looked in {printable(own)} '
        f"and in the Hugging Face cache {printable(hub_cache())}",
        hint="; ".join(hints),
        model=name,
    )
