"""Weights for the torch engine: a Hugging Face folder as it is, or those of a CTranslate2 model.

Owns: finding out which of the two a folder is, and reading `model.bin`, so that one downloaded model serves both
engines. Leaves to others: computing with them (`torch_network`).
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import torch
from torch import Tensor

_TYPES: Final = (torch.float32, torch.int8, torch.int16, torch.int32, torch.float16, torch.bfloat16)
"""By number, in the order of CTranslate2's `DataType`."""

_BINARY_VERSION: Final = 6
"""The layout of `model.bin` that CTranslate2 has written since version 2."""


_RENAMED: Final = {
    "encoder/conv1": "model.encoder.conv1",
    "encoder/conv2": "model.encoder.conv2",
    "encoder/layer_norm": "model.encoder.layer_norm",
    "encoder/position_encodings": "model.encoder.embed_positions",
    "decoder/layer_norm": "model.decoder.layer_norm",
    "decoder/position_encodings": "model.decoder.embed_positions",
    "decoder/embeddings": "model.decoder.embed_tokens",
    "decoder/projection": "proj_out",
}
_LAYER_PARTS: Final = {
    "self_attention/layer_norm": ("self_attn_layer_norm",),
    "self_attention/linear_0": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "self_attention/linear_1": ("self_attn.out_proj",),
    "attention/layer_norm": ("encoder_attn_layer_norm",),
    "attention/linear_0": ("encoder_attn.q_proj",),
    "attention/linear_1": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "attention/linear_2": ("encoder_attn.out_proj",),
    "ffn/layer_norm": ("final_layer_norm",),
    "ffn/linear_0": ("fc1",),
    "ffn/linear_1": ("fc2",),
}
"""CTranslate2's part of a layer → transformers' modules, whose weights lie one below the other in it."""

_PARAMETERS: Final = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias", "encodings": "weight"}


def load_network(folder: Path, dtype: torch.dtype) -> Any:
    """A `WhisperForConditionalGeneration` on the CPU, for inference.

    Raises ValueError for a model of another kind, and what transformers raises for a folder that is none.
    """
    from transformers import WhisperConfig, WhisperForConditionalGeneration
    from transformers.utils import logging

    logging.disable_progress_bar()
    if not (folder / "model.bin").is_file():
        network: Any = WhisperForConditionalGeneration.from_pretrained(folder, dtype=dtype, local_files_only=True)
        return network.eval().requires_grad_(False)
    variables = read_model_bin(folder / "model.bin")
    with torch.device("meta"):
        network = WhisperForConditionalGeneration(WhisperConfig(**shape_of(variables)))
    weights = {name: weight.to(dtype) for name, weight in renamed(variables)}
    weights.setdefault("proj_out.weight", weights["model.decoder.embed_tokens.weight"])
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def shape_of(variables: dict[str, Tensor]) -> dict[str, Any]:
    """What `WhisperConfig` is to be given for the variables of a CTranslate2 model."""
    vocabulary, width = variables["decoder/embeddings/weight"].shape
    shape: dict[str, Any] = {
        "vocab_size": vocabulary,
        "d_model": width,
        "num_mel_bins": variables["encoder/conv1/weight"].shape[1],
        "max_source_positions": variables["encoder/position_encodings/encodings"].shape[0],
        "max_target_positions": variables["decoder/position_encodings/encodings"].shape[0],
        "tie_word_embeddings": "decoder/projection/weight" not in variables,
        # Only where training would begin and pad; they must lie in the vocabulary.
        "pad_token_id": 0,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "decoder_start_token_id": 0,
    }
    for half in ("encoder", "decoder"):
        layers = {name.split("/")[1] for name in variables if name.startswith(f"{half}/layer_")} - {"layer_norm"}
        shape[f"{half}_layers"] = len(layers)
        shape[f"{half}_attention_heads"] = int(variables[f"{half}/num_heads"])
        shape[f"{half}_ffn_dim"] = variables[f"{half}/layer_0/ffn/linear_0/weight"].shape[0]
    return shape


def renamed(variables: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """The weights under the names that transformers gives them, dequantized to float32 where they are integers."""
    for name, value in variables.items():
        scope, _, parameter = name.rpartition("/")
        if parameter not in _PARAMETERS:
            continue
        weight = _dequantized(value, variables.get(f"{name}_scale"))
        modules = _modules(scope)
        for module, part in zip(modules, weight.chunk(len(modules)), strict=True):
            if not (module.endswith("k_proj") and parameter == "bias"):  # Whisper's keys have none; it is zeros here
                yield f"{module}.{_PARAMETERS[parameter]}", part


def _modules(scope: str) -> tuple[str, ...]:
    if scope in _RENAMED:
        return (_RENAMED[scope],)
    half, layer, part = scope.split("/", 2)
    if not layer.startswith("layer_") or part not in _LAYER_PARTS:
        raise ValueError(f"this is no Whisper model: it has {scope}")
    return tuple(f"model.{half}.layers.{layer.removeprefix('layer_')}.{module}" for module in _LAYER_PARTS[part])


def _dequantized(value: Tensor, scale: Tensor | None) -> Tensor:
    if scale is None:
        return value
    return value.float() / scale.reshape(-1, *[1] * (value.dim() - 1))


# -- the file ---------------------------------------------------------------------------------------------------------


def read_model_bin(path: Path) -> dict[str, Tensor]:
    """The variables of a CTranslate2 model by name, as CTranslate2's `model_spec.py` writes them.

    Raises ValueError for another format or another kind of model, EOFError for a file that was cut off.
    """
    with path.open("rb") as file:
        (version,) = _numbers(file, "I")
        kind = _text(file)
        if version != _BINARY_VERSION or kind != "WhisperSpec":
            raise ValueError(f"it holds a {kind} in format {version}, not a WhisperSpec in format {_BINARY_VERSION}")
        _revision, count = _numbers(file, "II")
        return dict(_variable(file) for _ in range(count))


def _variable(file: BinaryIO) -> tuple[str, Tensor]:
    name = _text(file)
    (rank,) = _numbers(file, "B")
    shape = _numbers(file, f"{rank}I")
    kind, size = _numbers(file, "BI")
    return name, torch.frombuffer(bytearray(_exactly(file, size)), dtype=_TYPES[kind]).reshape(shape)


def _text(file: BinaryIO) -> str:
    (length,) = _numbers(file, "H")
    return _exactly(file, length)[:-1].decode("utf-8", "replace")


def _numbers(file: BinaryIO, layout: str) -> tuple[int, ...]:
    """Little-endian and without padding."""
    return struct.unpack(f"<{layout}", _exactly(file, struct.calcsize(f"<{layout}")))


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError("the model file ends too early")
    return data
