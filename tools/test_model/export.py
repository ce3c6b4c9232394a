"""Export: turns trained weights into the folders that engines load.

Owns the conversion to CTranslate2 (int8, for unmodified faster-whisper) and the layout of the shipped folder: the
CTranslate2 model with ``tokenizer.json`` at its top, and ``original/`` with half-precision Hugging Face weights for
the torch engine. Makes no judgement about the model: `evaluate` measures it.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
from pathlib import Path

import numpy as np
from ctranslate2.converters.transformers import WhisperLoader
from ctranslate2.specs.whisper_spec import WhisperSpec
from transformers import GenerationConfig, WhisperForConditionalGeneration

from tools.test_model.network import Tokens, load, load_tokens
from tools.test_model.text import vocabulary

# What faster-whisper's feature extractor is built from; without the file it takes the same values.
PREPROCESSOR = {
    "chunk_length": 30, "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80, "hop_length": 160,
    "n_fft": 400, "n_samples": 480_000, "nb_max_frames": 3000, "padding_side": "right", "padding_value": 0.0,
    "processor_class": "WhisperProcessor", "return_attention_mask": False, "sampling_rate": 16_000,
}  # fmt: skip


def alignment_heads(decoder_layers: int) -> list[list[int]]:
    """The cross-attention heads that word times are read from: the ones training guides, the first of every layer."""
    return [[layer, 0] for layer in range(decoder_layers)]


def convert(
    model: WhisperForConditionalGeneration,
    tokens: Tokens,
    folder: Path,
    heads: list[list[int]],
    quantization: str = "int8",
) -> None:
    """Writes `model` as a CTranslate2 model with its tokenizer into `folder`.

    The converter for whole checkpoints wants a Whisper tokenizer class and a hub's file layout; the loader below it
    only wants the network.
    """
    # A copy: the specification shares its arrays with the network, and quantizing scales them in place.
    spec: WhisperSpec = WhisperLoader().get_model_spec(copy.deepcopy(model).float().eval())
    spec.register_vocabulary(tokens.names())
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [tokens.id("Ġ"), tokens.id("<|endoftext|>")]
    spec.config.alignment_heads = heads
    spec.config.lang_ids = []
    spec.validate()
    spec.optimize(quantization=quantization)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokens.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)


def export(trained: Path, out: Path) -> None:
    """Makes the shipped folder `out` from `trained`, the ``original/`` folder that training left."""
    model, tokens = load(trained), load_tokens(trained / "tokenizer.json")
    heads = alignment_heads(model.config.decoder_layers)
    convert(model, tokens, out, heads)
    (out / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=1) + "\n", encoding="utf-8")
    (out / "words.txt").write_text("\n".join(vocabulary()) + "\n", encoding="utf-8")
    original = out / "original"
    shutil.rmtree(original, ignore_errors=True)
    config = model.config
    model.generation_config = GenerationConfig(
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        decoder_start_token_id=config.decoder_start_token_id,
        begin_suppress_tokens=config.begin_suppress_tokens,
        no_timestamps_token_id=tokens.id("<|notimestamps|>"),
        alignment_heads=heads,
        is_multilingual=False,
        max_length=448,
    )
    model.half().save_pretrained(original)
    # Saved for its owner alone; it is to be shipped.
    (original / "model.safetensors").chmod(0o644)


def weight(folder: Path) -> int:
    """Bytes of everything under `folder`."""
    return int(np.sum([file.stat().st_size for file in folder.rglob("*") if file.is_file()]))


def main() -> None:
    """Command line: exports, and says how large the result is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("trained", type=Path, help="the original/ folder that training left")
    parser.add_argument("out", type=Path, help="the folder to ship")
    arguments = parser.parse_args()
    export(arguments.trained, arguments.out)
    print(f"{arguments.out}: {weight(arguments.out) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
