"""The files of a model's folder that every engine reads.

Owns: what is missing in a folder, its tokenizer, and saying so. Leaves to others: the weights (the engines).
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import tokenizers

from whisperd.frames import FailureKind
from whisperd.worker.failures import WorkError

DAMAGED: Final = "it is damaged; copy or download it again"


def require_files(folder: Path, names: Sequence[str]) -> None:
    """Raises WorkError MODEL_LOAD where the folder or one of these files is missing."""
    if not folder.is_dir():
        raise WorkError(
            FailureKind.MODEL_LOAD,
            f"there is no model folder {folder}",
            "check its path, or copy or download the model again",
        )
    for name in names:
        if not (folder / name).is_file():
            raise WorkError(
                FailureKind.MODEL_LOAD, f"the model in {folder} is not complete: {name} is missing", DAMAGED
            )


def load_tokenizer(folder: Path) -> tokenizers.Tokenizer:
    """Raises WorkError MODEL_LOAD for a file that is no tokenizer."""
    try:
        return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises nothing more precise
        raise WorkError(
            FailureKind.MODEL_LOAD, f"the tokenizer in {folder} can't be loaded: {error}", DAMAGED
        ) from error
