"""From a repository of the Hugging Face hub to a complete model folder.

Owns: which files of a repository make a model, where a download goes on, checksums, and that a folder with the model's
name is a whole model. Leaves to others: HTTP, redirects, retries and access tokens (huggingface_hub).

The library keeps no part of a file whose download ended with its process. So the files are written here, through its
`http_get`: into `.NAME.part` beside the folder, each under a name with its digest, so that what was begun goes on only
as the same content. When all are there and right, the folder gets its name.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from whisperd.puller.messages import Failed, Message, Planned, Progress, Pulled, PullFailure

Tell = Callable[[Message], None]

CTRANSLATE2_FILES: Final = ("model.bin", "config.json", "tokenizer.json", "preprocessor_config.json")
VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")
TRANSFORMERS_FILES: Final = ("config.json", "generation_config.json", "tokenizer.json", "preprocessor_config.json")

constants.DOWNLOAD_CHUNK_SIZE = 256 * 1024
"""Bytes that arrive before they are written: the library's 10 MB would be lost at every interruption."""

REPORT_EVERY: Final = 0.2
"""Seconds between two reports of progress."""

ANSWER_DEADLINE: Final = 30.0
"""Seconds for the hub to say what a repository holds."""


class PullError(Exception):
    """The pull ends with this failure."""

    def __init__(self, kind: PullFailure, message: str, hint: str) -> None:
        super().__init__(message)
        self.failed = Failed(kind, message, hint)


@dataclass(frozen=True)
class File:
    """One file of the repository: its size in bytes and its digest, `sha256` or (small files) git's `sha1`."""

    name: str
    size: int
    algorithm: str
    digest: str

    @property
    def stored(self) -> str:
        """Its name while the folder is not complete."""
        return f"{self.name}.{self.digest[:16]}"

    def hasher(self) -> Any:
        if self.algorithm == "sha256":
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)


def pull(repository: str, folder: Path, reserve: int, tell: Tell) -> bool:
    """Make `folder` a complete model from `repository`, leaving `reserve` bytes free on the disk; whether it is."""
    try:
        revision, files = _files_of(repository)
        size = _download(repository, revision, files, folder, reserve, tell)
    except PullError as error:
        tell(error.failed)
    except Exception as error:
        tell(_failure_of(error, repository, folder))
    else:
        tell(Pulled(str(folder), revision, size))
        return True
    return False


def _files_of(repository: str) -> tuple[str, list[File]]:
    info = HfApi().model_info(repository, files_metadata=True, timeout=ANSWER_DEADLINE)
    there = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    names = model_files(list(there))
    if not names or info.sha is None:
        raise PullError(
            PullFailure.NO_MODEL,
            f"{repository} holds no Whisper model that whisperd can use: model.bin with tokenizer.json (CTranslate2), "
            "or model.safetensors with tokenizer.json (Transformers)",
            "choose a repository with a converted model; `whisperctl model list` names some",
        )
    return info.sha, [_file(there[name]) for name in names]


def model_files(there: Sequence[str]) -> list[str]:
    """The files, of those in a repository, that make the model: CTranslate2's form where there is one. Pure."""
    if "tokenizer.json" not in there:
        return []
    if "model.bin" in there:
        return [name for name in (*CTRANSLATE2_FILES, *VOCABULARIES) if name in there]
    weights = [name for name in there if name == "model.safetensors" or _is_shard(name)]
    return [*(name for name in TRANSFORMERS_FILES if name in there), *weights] if weights else []


def _is_shard(name: str) -> bool:
    return (name.startswith("model-") and name.endswith(".safetensors")) or name == "model.safetensors.index.json"


def _file(sibling: Any) -> File:
    if sibling.lfs is not None:
        return File(sibling.rfilename, sibling.lfs.size, "sha256", sibling.lfs.sha256)
    return File(sibling.rfilename, sibling.size, "sha1", sibling.blob_id)


# -- downloading ------------------------------------------------------------------------------------------------------


def _download(repository: str, revision: str, files: list[File], folder: Path, reserve: int, tell: Tell) -> int:
    part = folder.with_name(f".{folder.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    _drop_others(part, files)
    total = sum(file.size for file in files)
    done = sum(_present(part, file) for file in files)
    _require_room(part, total - done, reserve)
    tell(Planned(revision, len(files), total, done))
    report = _Report(tell, done)
    for file in sorted(files, key=lambda each: each.size):
        if not (part / file.stored).exists():
            _fetch(hf_hub_url(repository, file.name, revision=revision), file, part, report)
    _give_names(part, files, folder)
    return total


def _drop_others(part: Path, files: list[File]) -> None:
    """What an earlier attempt has of another revision."""
    wanted = {name for file in files for name in (file.stored, f"{file.stored}.partial")}
    for entry in part.iterdir():
        if entry.name not in wanted:
            entry.unlink()


def _present(part: Path, file: File) -> int:
    for name in (file.stored, f"{file.stored}.partial"):
        if (part / name).exists():
            return min((part / name).stat().st_size, file.size)
    return 0


def _require_room(part: Path, needed: int, reserve: int) -> None:
    free = shutil.disk_usage(part).free
    if free < needed + reserve:
        raise PullError(
            PullFailure.DISK_FULL,
            f"{_megabytes(needed)} are to be downloaded and {_megabytes(reserve)} to stay free, "
            f"but only {_megabytes(free)} are free in {part.parent}",
            "free some space, or pull a smaller model",
        )


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def _fetch(url: str, file: File, part: Path, report: "_Report") -> None:
    partial = part / f"{file.stored}.partial"
    with partial.open("a+b") as opened:
        writer = _Verified(opened, file, report)
        if file.algorithm == "sha1":
            writer.truncate(0)  # small, and perhaps compressed on its way: no byte of that has a place in the file
        headers = build_hf_headers()
        http_get(url, writer, resume_size=writer.tell(), headers=headers, expected_size=file.size)  # pyright: ignore[reportArgumentType]
        opened.flush()
        os.fsync(opened.fileno())
    if writer.digest != file.digest:
        partial.unlink()
        raise PullError(
            PullFailure.CHECKSUM,
            f"{file.name} arrived damaged: its {file.algorithm} is {writer.digest[:16]}…, not {file.digest[:16]}…",
            "pull it again; if it happens again, something on the way changes the file (a proxy, a mirror, memory)",
        )
    partial.rename(part / file.stored)


class _Verified:
    """The file being written, as far as `http_get` needs one: hashes what is in it and what comes, and reports it."""

    def __init__(self, file: BinaryIO, expected: File, report: "_Report") -> None:
        self._file = file
        self._expected = expected
        self._report = report
        self._start_hashing()

    @property
    def digest(self) -> str:
        return self._hasher.hexdigest()

    def _start_hashing(self) -> None:
        self._hasher = self._expected.hasher()
        self._file.seek(0)
        while block := self._file.read(1 << 20):
            self._hasher.update(block)

    def write(self, data: bytes) -> int:
        self._hasher.update(data)
        self._report.add(len(data))
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, position: int) -> int:
        return self._file.seek(position)

    def truncate(self, size: int | None = None) -> int:
        """The server began at the beginning though asked to go on."""
        before = self._file.seek(0, os.SEEK_END) if size is not None else os.fstat(self._file.fileno()).st_size
        cut = self._file.truncate(size)
        self._report.add(cut - before)
        self._start_hashing()
        return cut


class _Report:
    """Tells how far the pull is, now and then."""

    def __init__(self, tell: Tell, done: int) -> None:
        self._tell = tell
        self._done = done
        self._next = 0.0

    def add(self, count: int) -> None:
        self._done += count
        if (now := time.monotonic()) >= self._next:
            self._next = now + REPORT_EVERY
            self._tell(Progress(self._done))


def _give_names(part: Path, files: list[File], folder: Path) -> None:
    for file in files:
        (part / file.stored).rename(part / file.name)
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)  # an incomplete model, or there would have been nothing to pull
    part.rename(folder)
    descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- what can go wrong ------------------------------------------------------------------------------------------------


def _failure_of(error: Exception, repository: str, folder: Path) -> Failed:
    said = " ".join(str(error).split())[:300] or type(error).__name__
    if isinstance(error, OfflineModeIsEnabled):
        return Failed(
            PullFailure.OFFLINE, "HF_HUB_OFFLINE forbids downloads", "unset it, and start whisperd without it"
        )
    if isinstance(error, GatedRepoError):
        return Failed(
            PullFailure.REFUSED,
            f"{repository} is open only to those who accepted its terms",
            "accept them on its page, and give HF_TOKEN to whisperd's environment",
        )
    if isinstance(error, (RepositoryNotFoundError, HFValidationError)):
        return Failed(
            PullFailure.NOT_FOUND,
            f"there is no repository {repository} on the hub, or it is private",
            "check its name; for a private one give HF_TOKEN to whisperd's environment",
        )
    if isinstance(error, HfHubHTTPError) and 400 <= error.response.status_code < 500:
        return Failed(PullFailure.REFUSED, f"the hub refused: {said}", "see what it says; HF_TOKEN may be needed")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Failed(
            PullFailure.DISK_FULL,
            f"the disk of {folder.parent} takes no more ({error.strerror}); what was downloaded is kept",
            "free some space and pull again: it goes on where it ended",
        )
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        return Failed(PullFailure.INTERNAL, f"{error.filename}: {error.strerror}", "check the models folder")
    if isinstance(error, OSError) or type(error).__module__.startswith("httpx"):
        return Failed(
            PullFailure.NETWORK,
            f"the connection to the hub failed: {said}",
            "check the network and pull again: it goes on where it ended",
        )
    return Failed(PullFailure.INTERNAL, f"{type(error).__name__}: {said}", "this is a defect of whisperd; report it")
