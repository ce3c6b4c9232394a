"""Averaging: the mean of two trainings' weights, which hears better than either where one went on from the other.

Owns that mean. Both folders are ``original/`` folders that `train` left, the second one trained with the first as its
``--init``: networks that began apart have nothing in common to average.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

WEIGHTS = "model.safetensors"


def average(first: Path, second: Path, out: Path) -> None:
    """Writes the mean of the weights in `first` and `second` to `out`, with the other files of `second`."""
    ours, theirs = load_file(first / WEIGHTS), load_file(second / WEIGHTS)
    shutil.copytree(second, out, dirs_exist_ok=True)
    mean = {name: ((ours[name].float() + theirs[name].float()) / 2).to(ours[name].dtype) for name in ours}
    save_file(mean, out / WEIGHTS, metadata={"format": "pt"})


def main() -> None:
    """Command line: averages two trained folders into a third."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("first", type=Path, help="the original/ folder of a training")
    parser.add_argument("second", type=Path, help="that of the training that went on from it")
    parser.add_argument("out", type=Path, help="the folder to write, for `export`")
    arguments = parser.parse_args()
    average(arguments.first, arguments.second, arguments.out)


if __name__ == "__main__":
    main()
