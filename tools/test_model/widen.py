"""Widening: the shipped model at a real model's cost, with the same output.

Owns the construction and its cache. Every hidden vector is tiled k times: matrices are tiled both ways and divided by
the number of copies they read, vectors are tiled, and the output projection is untied from the embedding; layer
normalisation and attention (heads stay 64 wide, their number grows) see what they saw before. Layers whose
output projections are zero are added up to the depth wanted. So benchmarks and contention tests run on real words at
`base`'s or `small`'s cost, without a download.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Literal

import ctranslate2
import numpy as np
import torch
from faster_whisper import WhisperModel
from torch import Tensor
from transformers import WhisperConfig, WhisperForConditionalGeneration

from tools.test_model.export import convert
from tools.test_model.network import load, load_tokens, silent_layers

Shape = Literal["base", "small"]
# Width and layers of encoder and decoder, from the Whisper paper's table of models.
SHAPES: dict[Shape, tuple[int, int]] = {"base": (512, 6), "small": (768, 12)}
SHIPPED = Path(__file__).parents[2] / "whisperd" / "data" / "test-en"
# Part of the cache's key: to be raised when this file makes other weights from the same model.
RECIPE = 3


def tiled(name: str, value: Tensor, k: int) -> Tensor:
    """One parameter of the wide network.

    A matrix reads as many of the k equal copies as the largest power of two in k, so that dividing by their number is
    exact and int8 rounds as in the narrow network; the rest is multiplied by zero, at the same cost.
    """
    read = 1 << (k.bit_length() - 1)
    if name.endswith("conv1.weight"):
        # The input is the spectrogram, which is not tiled.
        return value.repeat(k, 1, 1)
    if name.endswith("conv2.weight"):
        return torch.cat([value.repeat(k, read, 1) / read, torch.zeros_like(value).repeat(k, k - read, 1)], dim=1)
    if name == "proj_out.weight":
        return torch.cat([value.repeat(1, read) / read, torch.zeros_like(value).repeat(1, k - read)], dim=1)
    if "embed" in name:
        return value.repeat(1, k)
    if value.ndim == 1:
        return value.repeat(k)
    return torch.cat([value.repeat(k, read) / read, torch.zeros_like(value).repeat(k, k - read)], dim=1)


def widen(model: WhisperForConditionalGeneration, shape: Shape) -> WhisperForConditionalGeneration:
    """`model` at the cost of `shape`; its width has to divide the shape's, and it may not be deeper."""
    width, layers = SHAPES[shape]
    k, rest = divmod(width, model.config.d_model)
    if rest or max(model.config.encoder_layers, model.config.decoder_layers) > layers:
        raise ValueError(f"a model of width {model.config.d_model} and these layers cannot take the shape of {shape}")
    settings = {
        **model.config.to_dict(), "d_model": width, "encoder_layers": layers, "decoder_layers": layers,
        "encoder_attention_heads": width // 64, "decoder_attention_heads": width // 64, "encoder_ffn_dim": 4 * width,
        "decoder_ffn_dim": 4 * width, "tie_word_embeddings": False,
    }  # fmt: skip
    wide = WhisperForConditionalGeneration(WhisperConfig(**settings))
    values = {name: tiled(name, value, k) for name, value in model.state_dict().items()}
    missing, unexpected = wide.load_state_dict(values, strict=False)
    assert not unexpected
    assert all(".layers." in name for name in missing)
    silent_layers(wide, model.config.encoder_layers, model.config.decoder_layers)
    return wide


def cache_folder() -> Path:
    """Where widened models are kept: under the user's cache folder (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "whisperd-test-model" / "widened"


def widened(shape: Shape, source: Path = SHIPPED) -> Path:
    """A CTranslate2 int8 model folder with `source`'s output at the cost of `shape`, made once and cached.

    `source` is a folder laid out as the shipped one. Safe to call from several processes at once.
    """
    weights = source / "original" / "model.safetensors"
    digest = hashlib.sha256(
        weights.read_bytes() + (source / "tokenizer.json").read_bytes() + bytes([RECIPE])
    ).hexdigest()
    folder = cache_folder() / f"{shape}-{digest[:16]}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    model = load(source / "original")
    # The added layers add nothing: word times are read from the heads that the source has them in.
    heads = json.loads((source / "config.json").read_text(encoding="utf-8"))["alignment_heads"]
    with torch.no_grad():
        convert(widen(model, shape), load_tokens(source / "tokenizer.json"), made, heads)
    for extra in ("preprocessor_config.json",):
        if (source / extra).exists():
            shutil.copy(source / extra, made)
    try:
        made.rename(folder)
    except OSError:
        # Somebody else was faster; theirs is the same.
        shutil.rmtree(made)
    return folder


def seconds_to_encode(model: WhisperModel, frames: int, repeats: int = 3) -> float:
    """The best of some timings of the encoder, for a context of `frames` of 10 ms."""
    features = ctranslate2.StorageView.from_array(np.zeros((1, 80, frames), np.float32))
    times = list[float]()
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        model.model.encode(features, to_cpu=True)
        times.append(time.perf_counter() - begin)
    return min(times[1:])


def main() -> None:
    """Command line: makes a widened model; with ``--check`` compares texts and costs with the original."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("shape", choices=list(SHAPES))
    parser.add_argument("--source", type=Path, default=SHIPPED)
    parser.add_argument("--check", type=int, metavar="CLIPS", help="compare the texts of this many spoken sentences")
    parser.add_argument("--compute-type", default="int8", help="for the comparison (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    folder = widened(arguments.shape, arguments.source)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder} ({size / 1e6:.0f} MB)")
    if not arguments.check:
        return
    from tools.test_model.speech import TEST_SEED, plan
    from tools.test_model.voices import speak

    models = [
        WhisperModel(str(place), device="cpu", compute_type=arguments.compute_type, cpu_threads=arguments.threads)
        for place in (arguments.source, folder)
    ]
    clips = [speak(*task).samples for task in plan(TEST_SEED, arguments.check, test=True)]
    texts, seconds = list[list[str]](), list[float]()
    for model in models:
        begin = time.perf_counter()
        texts.append(
            ["".join(part.text for part in model.transcribe(clip, beam_size=5, temperature=0.0)[0]) for clip in clips]
        )
        seconds.append((time.perf_counter() - begin) / len(clips))
    same = sum(first == second for first, second in zip(*texts, strict=True))
    print(
        f"texts equal: {same} of {len(clips)}; a clip takes {seconds[0]:.2f} s with the original, "
        f"{seconds[1]:.2f} s widened"
    )
    for frames in (3000, 1500, 1000, 600):
        costs = [seconds_to_encode(model, frames) for model in models]
        print(f"encoder, {frames / 100:.0f} s context: {costs[0]:.3f} s with the original, {costs[1]:.3f} s widened")


if __name__ == "__main__":
    main()
