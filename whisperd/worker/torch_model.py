"""The speech model on PyTorch through transformers: for accelerators that CTranslate2 can't drive, and on demand.

Owns: choosing device and precision, loading, and translating between our values and the network's. It is given the same
folders as the other engine, and the same prompts, and writes the same text in float32. torch is imported with this
module, and this module only when it is used.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingTypeArgument=false

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import tokenizers
import torch
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer  # pyright: ignore[reportPrivateUsage]
from numpy.typing import NDArray

from whisperd.frames import FailureKind, Load, Loaded, Task
from whisperd.worker.alignment import token_starts
from whisperd.worker.beam_search import Rules
from whisperd.worker.beam_search import search as beam_search
from whisperd.worker.failures import WorkError, failure_of
from whisperd.worker.features import LogMel
from whisperd.worker.fingerprint import LIBRARIES, fingerprint
from whisperd.worker.model import (
    MAX_LENGTH,
    Alignment,
    Alternative,
    Encoded,
    Features,
    Hypothesis,
    Search,
    longest_text,
)
from whisperd.worker.model_folder import DAMAGED, load_tokenizer, require_files
from whisperd.worker.torch_network import Network
from whisperd.worker.torch_weights import load_network

MULTILINGUAL_VOCABULARY: Final = 51_865
"""Tokens of the smallest vocabulary with languages; English-only models have fewer (the reference's rule)."""

_PRECISIONS: Final = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

_WIDE: Final = 384
"""Width (that of `tiny`) below which a decoder's step is over before a second thread has woken up for it."""


@dataclass(frozen=True)
class _Encoded:
    """Encoder output on the device, shape `(chunks, positions, width)`."""

    states: torch.Tensor

    def one(self, index: int) -> Encoded:
        return _Encoded(self.states[index : index + 1])


class TorchModel:
    """See `model.SpeechModel`."""

    def __init__(self, call: Load, threads: int) -> None:
        """Raises WorkError MODEL_LOAD for a folder that is no model or a precision that there is not, DEPENDENCY for a
        device that torch does not see, and what the libraries raise (`failures`)."""
        began = time.monotonic()
        folder = Path(call.model_path)
        require_files(folder, ("config.json", "tokenizer.json"))
        self._device = find_device(call.device)
        precision = _precision(call.compute_type, self._device)
        self._hf_tokenizer = load_tokenizer(folder)
        self._network = Network(_load_weights(folder, precision).to(self._device.torch))
        self._settings = _settings(folder, self._network.config, self._hf_tokenizer)
        self._log_mel = LogMel(self._network.config.num_mel_bins)
        self._threads = threads
        self._decoding_threads = threads if self._network.config.d_model >= _WIDE else 1
        self._loaded = Loaded(
            fingerprint=fingerprint(
                folder, "torch", self._device.name, precision, threads, ("torch", "transformers", *LIBRARIES)
            ),
            backend="torch",
            device=self._device.name,
            compute_type=precision,
            threads=threads,
            multilingual=self._settings.multilingual,
            seconds=round(time.monotonic() - began, 3),
        )

    @property
    def loaded(self) -> Loaded:
        return self._loaded

    @property
    def streams(self) -> int:
        return 1

    def tokenizer(self, language: str, task: Task) -> Tokenizer:
        return Tokenizer(self._hf_tokenizer, self._settings.multilingual, task=task.value, language=language)

    def features(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        return self._log_mel(samples, frames)

    @torch.inference_mode()
    def encode(self, features: Features) -> Encoded:
        torch.set_num_threads(self._threads)
        given = torch.from_numpy(np.ascontiguousarray(features))
        return _Encoded(self._network.encode(given.to(self._network.device, self._network.dtype)))

    @torch.inference_mode()
    def generate(self, encoded: Encoded, prompts: Sequence[Sequence[int]], search: Search) -> list[Hypothesis]:
        torch.set_num_threads(self._decoding_threads)
        cache = self._network.start(_states(encoded))
        begin = self._settings.begin
        # What stands before the last token of the prompt is heard at once; the search begins with that one.
        given = torch.tensor([list(prompt) for prompt in prompts], device=self._network.device)
        earlier, last = given[:, :-1], given[:, -1:]
        no_speech = self._network.decode(earlier, cache)[:, list(prompts[0]).index(begin)]
        found = beam_search(
            self._network,
            cache,
            last,
            self._rules(search),
            beams=search.beam_size,
            longest=min(MAX_LENGTH // 2, MAX_LENGTH - earlier.shape[1]),
        )
        silence = no_speech.softmax(dim=-1)[:, self._settings.no_speech].tolist()
        return [
            Hypothesis(
                tokens=text.tokens,
                avg_logprob=text.score / (len(text.tokens) + 1),
                no_speech_prob=probability,
                ended=len(text.tokens) < longest_text(prompt),
                alternatives=tuple(Alternative(other.tokens, other.score) for other in others)
                if search.alternatives
                else (),
            )
            for (text, *others), probability, prompt in zip(found, silence, prompts, strict=True)
        ]

    @torch.inference_mode()
    def align(self, encoded: Encoded, tokenizer: Tokenizer, tokens: list[int], frames: int) -> Alignment:
        torch.set_num_threads(self._decoding_threads)
        before = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        given = self._repeated([*before, *tokens, tokenizer.eot], 1)
        logits, scores = self._network.cross_attention(
            given, self._network.start(_states(encoded)), self._settings.alignment_heads
        )
        positions = frames // 2
        if positions == 0:  # shorter than one position: there is nothing to tell tokens apart by
            starts = (0,) * (len(tokens) + 1)
        else:
            starts = token_starts(scores[..., :positions].cpu().numpy(), len(before) - 1)
        # Each token's probability among the text tokens, as the position before it foretold it.
        foretold = logits[0, len(before) - 1 : -2, : tokenizer.eot].softmax(dim=-1)
        wanted = torch.tensor(tokens, device=foretold.device)[:, None]
        return Alignment(starts, tuple(foretold.gather(1, wanted)[:, 0].tolist()))

    @torch.inference_mode()
    def language_probabilities(self, encoded: Encoded) -> list[dict[str, float]]:
        states = _states(encoded)
        given = self._repeated([self._settings.begin], len(states))
        logits = self._network.decode(given, self._network.start(states))[:, -1]
        codes, ids = zip(*self._settings.languages.items(), strict=True)
        probabilities = logits[:, list(ids)].softmax(dim=-1).tolist()
        return [dict(zip(codes, row, strict=True)) for row in probabilities]

    def _repeated(self, tokens: list[int], count: int) -> torch.Tensor:
        """The same tokens for `count` chunks, shape `(count, tokens)`."""
        return torch.tensor([tokens] * count, device=self._network.device)

    def _rules(self, search: Search) -> Rules:
        settings, device = self._settings, self._network.device
        return Rules(
            end=settings.end,
            suppressed=torch.tensor(search.suppressed, dtype=torch.long, device=device),
            first=torch.tensor(settings.suppressed_first, dtype=torch.long, device=device),
            rung=search.rung,
        )


def _states(encoded: Encoded) -> torch.Tensor:
    return cast("_Encoded", encoded).states


# -- device and precision ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Device:
    """`name` is ours (`cpu`, `cuda`, `rocm`, `xpu`), `torch` PyTorch's, which calls ROCm's devices cuda."""

    name: str
    torch: str


def find_device(wanted: str) -> Device:
    """The device asked for; for `auto` the first accelerator that torch sees, else the CPU.

    Raises WorkError DEPENDENCY where torch does not see it.
    """
    seen = visible_devices()
    if wanted == "auto":
        return seen[0]
    for device in seen:
        if wanted in (device.name, device.torch):
            return device
    builds = {"cuda": "CUDA", "rocm": "ROCm", "xpu": "Intel GPUs"}
    raise WorkError(
        FailureKind.DEPENDENCY,
        f"PyTorch {torch.__version__} sees no {wanted} device",
        f"install the driver and the build of PyTorch for {builds.get(wanted, wanted)}; or set the device to cpu",
    )


def visible_devices() -> list[Device]:
    """What torch can compute on, accelerators first."""
    found: list[Device] = []
    if torch.cuda.is_available():
        found.append(Device("rocm" if torch.version.hip else "cuda", "cuda"))
    if torch.xpu.is_available():
        found.append(Device("xpu", "xpu"))
    return [*found, Device("cpu", "cpu")]


def _precision(compute_type: str, device: Device) -> str:
    if compute_type in ("default", "auto"):
        return "float32" if device.name == "cpu" else "float16"
    if compute_type not in _PRECISIONS:
        raise WorkError(
            FailureKind.MODEL_LOAD,
            f"the torch engine does not compute in {compute_type}",
            f"set compute_type to default, or to one of: {', '.join(_PRECISIONS)}",
        )
    return compute_type


# -- the folder -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Settings:
    """What a model's folder says besides weights; token ids of its vocabulary."""

    multilingual: bool
    languages: dict[str, int]
    begin: int
    end: int
    no_speech: int
    suppressed_first: tuple[int, ...]
    alignment_heads: list[tuple[int, int]]


def _settings(folder: Path, config: Any, tokens: tokenizers.Tokenizer) -> _Settings:
    told: dict[str, Any] = {}
    for name in ("config.json", "generation_config.json"):
        if (folder / name).is_file():
            told |= json.loads((folder / name).read_text(encoding="utf-8"))
    heads = told.get("alignment_heads") or product(
        # By default those of the upper half, as the reference implementation has it.
        range(config.decoder_layers // 2, config.decoder_layers),
        range(config.decoder_attention_heads),
    )
    ids = {code: tokens.token_to_id(f"<|{code}|>") for code in _LANGUAGE_CODES}
    return _Settings(
        multilingual=config.vocab_size >= MULTILINGUAL_VOCABULARY,
        languages={code: token for code, token in ids.items() if token is not None},
        begin=_token(tokens, "<|startoftranscript|>"),
        end=_token(tokens, "<|endoftext|>"),
        no_speech=_token(tokens, "<|nospeech|>", "<|nocaptions|>"),
        suppressed_first=tuple(told.get("suppress_ids_begin") or told.get("begin_suppress_tokens") or ()),
        alignment_heads=[(layer, head) for layer, head in heads],
    )


def _token(tokens: tokenizers.Tokenizer, *names: str) -> int:
    """The id of the first of these tokens that there is."""
    for name in names:
        if (found := tokens.token_to_id(name)) is not None:
            return found
    raise WorkError(
        FailureKind.MODEL_LOAD, f"the model's tokenizer has no {names[0]}: it is none of Whisper's", DAMAGED
    )


def _load_weights(folder: Path, precision: str) -> Any:
    try:
        return load_network(folder, _PRECISIONS[precision])
    except (RuntimeError, ValueError, KeyError, EOFError, OSError) as error:
        if failure_of(error).kind in (FailureKind.OUT_OF_MEMORY, FailureKind.DEPENDENCY):
            raise
        raise WorkError(FailureKind.MODEL_LOAD, f"the model in {folder} can't be loaded: {error}", DAMAGED) from error
