"""Clips: a small fixed set of spoken sentences, kept with the tests.

Owns the set's two files: all sentences end to end in one FLAC, and a line of JSON for each that says where it is. With
it the shipped model's figures can be checked where no synthesizer is installed, and always on the same samples.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tools.test_model.speech import test_sets
from tools.test_model.voices import RATE


@dataclass(frozen=True)
class Entry:
    """One sentence of the set: `start` and `length` in samples."""

    kind: str
    start: int
    length: int
    text: str
    voice: str


def write(folder: Path, corpus: Path, count: int) -> None:
    """Writes the first `count` sentences of each test set of `corpus`."""
    folder.mkdir(parents=True, exist_ok=True)
    entries, pieces, position = list[Entry](), list[NDArray[np.int16]](), 0
    for kind, made in test_sets(corpus).items():
        for one in made.utterances[:count]:
            entries.append(Entry(kind, position, one.length, one.text, one.voice))
            pieces.append(made.samples[one.start : one.start + one.length])
            position += one.length
    with av.open(str(folder / "sentences.flac"), "w") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.concatenate(pieces)[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    lines = [json.dumps(asdict(entry)) for entry in entries]
    (folder / "sentences.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(folder: Path) -> list[tuple[Entry, NDArray[np.float32]]]:
    """The set: each sentence with its samples, float32, mono, 16 kHz, shape (samples,)."""
    with av.open(str(folder / "sentences.flac")) as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    samples = np.concatenate(frames).astype(np.float32) / 32768
    lines = (folder / "sentences.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [Entry(**json.loads(line)) for line in lines]
    return [(entry, samples[entry.start : entry.start + entry.length]) for entry in entries]


def main() -> None:
    """Command line: writes the set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("corpus", type=Path, help="folder that `speech` made")
    parser.add_argument("--count", type=int, default=20, help="sentences of each test set (default: %(default)s)")
    arguments = parser.parse_args()
    write(arguments.folder, arguments.corpus, arguments.count)


if __name__ == "__main__":
    main()
