"""The speech model on CTranslate2, with faster-whisper's feature extractor and tokenizer.

Owns: loading from a folder without ever asking a hub, and translating between our values and the library's. Its batched
pipeline is not used: it carries state between chunks and now and then leaves out a whole window.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingTypeArgument=false

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import ctranslate2
import numpy as np
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from whisperd.frames import FailureKind, Load, Loaded, Task
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

_STREAMS: Final = 2
"""Chunks that a CPU of several cores decodes side by side, each with all its threads. A decoder's step is too small for
two cores: while one stream waits for its threads, the other computes. Eight chunks of `base` on two cores take 11 s
instead of 16, to the same bits, and a single one takes no longer."""


class EncodedChunks:
    """Encoder output in CTranslate2's own storage, shape `(chunks, positions, width)`."""

    def __init__(self, storage: ctranslate2.StorageView) -> None:
        self.storage = storage

    def one(self, index: int) -> Encoded:
        if self.storage.shape[0] == 1:
            return self
        on_cpu = self.storage if self.storage.device == "cpu" else self.storage.to_device(ctranslate2.Device.cpu)
        chunk = np.ascontiguousarray(np.asarray(on_cpu)[index : index + 1])
        return EncodedChunks(ctranslate2.StorageView.from_array(chunk))


class CTranslate2Model:
    """See `model.SpeechModel`."""

    def __init__(self, call: Load, threads: int) -> None:
        """Raises WorkError MODEL_LOAD for a folder that is no model, and what the library raises (`failures`)."""
        began = time.monotonic()
        folder = Path(call.model_path)
        require_files(folder, ("model.bin", "config.json", "tokenizer.json"))
        self._model = _load_weights(call, threads)
        self._hf_tokenizer = load_tokenizer(folder)
        self._log_mel = LogMel(self._model.n_mels)
        self._loaded = Loaded(
            fingerprint=fingerprint(
                folder,
                "ctranslate2",
                self._model.device,
                self._model.compute_type,
                threads,
                ("ctranslate2", *LIBRARIES),
            ),
            backend="ctranslate2",
            device=self._model.device,
            compute_type=self._model.compute_type,
            threads=threads,
            multilingual=self._model.is_multilingual,
            seconds=round(time.monotonic() - began, 3),
        )

    @property
    def loaded(self) -> Loaded:
        return self._loaded

    @property
    def streams(self) -> int:
        return self._model.num_workers

    def tokenizer(self, language: str, task: Task) -> Tokenizer:
        return Tokenizer(self._hf_tokenizer, self._model.is_multilingual, task=task.value, language=language)

    def features(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        return self._log_mel(samples, frames)

    def encode(self, features: Features) -> Encoded:
        return EncodedChunks(self._model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(features))))

    def generate(self, encoded: Encoded, prompts: Sequence[Sequence[int]], search: Search) -> list[Hypothesis]:
        results = self._model.generate(
            _storage(encoded),
            [list(prompt) for prompt in prompts],
            beam_size=search.beam_size,
            num_hypotheses=search.beam_size if search.alternatives else 1,
            repetition_penalty=search.rung.repetition_penalty,
            no_repeat_ngram_size=search.rung.no_repeat_ngram_size,
            max_length=MAX_LENGTH,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=list(search.suppressed),
            sampling_temperature=0,
        )
        return [_hypothesis(result, longest_text(prompt)) for result, prompt in zip(results, prompts, strict=True)]

    def align(self, encoded: Encoded, tokenizer: Tokenizer, tokens: list[int], frames: int) -> Alignment:
        (result,) = self._model.align(_storage(encoded), tokenizer.sot_sequence, [tokens], frames)
        starts: dict[int, int] = {}
        for token, position in result.alignments:
            starts.setdefault(token, position)
        if not starts:  # shorter than one position: there is nothing to tell tokens apart by
            starts = dict.fromkeys(range(len(tokens) + 1), 0)
        return Alignment(tuple(starts[index] for index in sorted(starts)), tuple(result.text_token_probs))

    def language_probabilities(self, encoded: Encoded) -> list[dict[str, float]]:
        return [
            {token.removeprefix("<|").removesuffix("|>"): probability for token, probability in ranking}
            for ranking in self._model.detect_language(_storage(encoded))
        ]


def _storage(encoded: Encoded) -> ctranslate2.StorageView:
    return cast("EncodedChunks", encoded).storage


def _hypothesis(result: Any, limit: int) -> Hypothesis:
    sequences: Sequence[Sequence[int]] = result.sequences_ids
    # A score is the mean over the tokens without the end token; Whisper's figure counts that one too.
    (tokens, logprob), *others = [
        (tuple(tokens), score * len(tokens)) for tokens, score in zip(sequences, result.scores, strict=True)
    ]
    return Hypothesis(
        tokens=tokens,
        avg_logprob=logprob / (len(tokens) + 1),
        no_speech_prob=result.no_speech_prob,
        ended=len(tokens) < limit,
        alternatives=tuple(Alternative(*other) for other in others),
    )


def _on_cpu(call: Load) -> bool:
    return call.device == "cpu" or (call.device == "auto" and not ctranslate2.get_cuda_device_count())


def _load_weights(call: Load, threads: int) -> Any:
    try:
        return ctranslate2.models.Whisper(
            call.model_path,
            device=call.device,
            compute_type=call.compute_type,
            intra_threads=threads,
            inter_threads=_STREAMS if _on_cpu(call) and threads > 1 else 1,
        )
    except (RuntimeError, ValueError) as error:
        failure = failure_of(error)
        if failure.kind is not FailureKind.INTERNAL:
            raise
        raise WorkError(
            FailureKind.MODEL_LOAD, f"the model in {call.model_path} can't be loaded: {error}", _hint(error)
        ) from error


def _hint(error: Exception) -> str:
    return "set compute_type to default" if "compute type" in str(error) else DAMAGED
