"""What models take on the disk, and removing one.

Owns: sizes and deletion below the state folder's `models/`. Leaves to others: finding them (`locate`), asking whether
one is in use (`whisperd.api.model`). It blocks on the file system, so the daemon calls it in a thread.
"""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Literal

from whisperd.errors import RefusedError
from whisperd.models.catalog import TEST_MODEL
from whisperd.models.locate import hub_cache
from whisperd.models.pull import part_folder
from whisperd.printable import printable

Origin = Literal["package", "pulled", "cache"]


def size_of(folder: Path) -> int:
    """Bytes of the model's files, links followed; what can't be read counts nothing."""
    total = 0
    with suppress(OSError):
        for entry in folder.iterdir():
            with suppress(OSError):
                total += entry.stat().st_size if entry.is_file() else 0
    return total


def origin_of(name: str, folder: Path, state_dir: Path) -> Origin:
    """Where an installed model lies."""
    if name == TEST_MODEL:
        return "package"
    return "pulled" if folder.is_relative_to(state_dir / "models") else "cache"


def remove(name: str, folder: Path, state_dir: Path) -> int:
    """Delete an installed model and what an earlier pull of it left; the bytes freed.

    Raises RefusedError for one that is not whisperd's to delete.
    """
    match origin_of(name, folder, state_dir):
        case "package":
            raise RefusedError(f"{name} belongs to the package", hint="it is removed with it")
        case "cache":
            raise RefusedError(
                f"{name} lies in the Hugging Face cache {printable(hub_cache())}, which other programs use too",
                hint="remove it there with Hugging Face's own tool: `hf cache rm`",
            )
        case "pulled":
            pass
    if folder.is_symlink():
        folder.unlink()  # what it leads to is the person's
        return 0
    freed = size_of(folder)
    # Out of sight first: a half-deleted folder must not pass for a model.
    doomed = folder.with_name(f".{folder.name}.removed")
    shutil.rmtree(doomed, ignore_errors=True)
    folder.rename(doomed)
    shutil.rmtree(doomed)
    return freed + remove_part(folder)


def remove_part(folder: Path) -> int:
    """Delete what pulls of the model into this folder have left unfinished; the bytes freed."""
    part = part_folder(folder)
    freed = size_of(part)
    shutil.rmtree(part, ignore_errors=True)
    return freed
