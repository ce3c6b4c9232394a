"""The engine fingerprint: one string that differs whenever a result could.

Owns: hashing a model folder quickly, the versions that count, and `PIPELINE_VERSION`. A job whose stored fingerprint is
another one is started anew, so the string is made to be read: it says what changed.
"""

from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Final

PIPELINE_VERSION: Final = 3
"""Counts changes of our own that give other results: reading, packing, decoding, splitting."""

MODEL_FILES: Final = (
    "model.bin",
    "model.safetensors",
    "model.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "vocabulary.json",
    "vocabulary.txt",
    "preprocessor_config.json",
)
"""Files of a model's folder that decide its output, in CTranslate2's form or Hugging Face's; others don't."""

LIBRARIES: Final = ("faster-whisper", "av", "onnxruntime", "numpy", "tokenizers")
"""What decides results besides the engine's own libraries: reading, finding speech, features, text."""

_WHOLE: Final = 8 << 20
"""Bytes up to which a file is hashed whole."""

_SAMPLES: Final = 64
_SAMPLE_BYTES: Final = 64 << 10
"""Of a larger file 64 evenly spaced blocks of 64 KiB and its size are hashed: weights that were trained or quantized
otherwise differ everywhere, and reading 3 GB would cost seconds at every load."""


def fingerprint(
    folder: Path, backend: str, device: str, compute_type: str, threads: int, libraries: tuple[str, ...]
) -> str:
    """For example `ctranslate2 cpu int8_float32 threads=2 model=0123456789abcdef … pipeline=2`.

    `libraries` are the installed packages whose versions count.
    """
    versions = " ".join(f"{library}={version(library)}" for library in libraries)
    engine = f"{backend} {device} {compute_type} threads={threads} model={model_digest(folder)}"
    return f"{engine} {versions} pipeline={PIPELINE_VERSION}"


def model_digest(folder: Path) -> str:
    """Sixteen hexadecimal digits of the content of the model's files. Raises OSError."""
    digest = blake2b(digest_size=8)
    for name in MODEL_FILES:
        path = folder / name
        if path.is_file():
            size = path.stat().st_size
            digest.update(f"{name}:{size}:".encode())
            with path.open("rb") as file:
                for offset in _offsets(size):
                    file.seek(offset)
                    digest.update(file.read(_WHOLE if size <= _WHOLE else _SAMPLE_BYTES))
    return digest.hexdigest()


def _offsets(size: int) -> list[int]:
    if size <= _WHOLE:
        return [0]
    return [index * (size - _SAMPLE_BYTES) // (_SAMPLES - 1) for index in range(_SAMPLES)]
