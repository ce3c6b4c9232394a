"""The answers to calls. Each call names all it needs; what is kept here (a model, a block) only makes answers faster.

Owns: which part of the worker does what for which call. Leaves to others: receiving and replying (`serve`), and turning
exceptions into failures (`failures`).
"""

import os
import time
from itertools import islice
from typing import Final, assert_never

from whisperd.frames import (
    BlockPlan,
    Calibrate,
    Calibrated,
    Call,
    ChineseWritten,
    Chunk,
    Decode,
    Decoded,
    DecodedTogether,
    DecodeTogether,
    DetectLanguage,
    Failed,
    FailureKind,
    Heard,
    LanguageDetected,
    Listen,
    Load,
    Loaded,
    Open,
    Plan,
    Planned,
    Reply,
    Source,
    Survey,
    WriteChinese,
)
from whisperd.worker import packing
from whisperd.worker.allocator import return_freed_blocks
from whisperd.worker.audio import Samples
from whisperd.worker.blocks import OpenFiles
from whisperd.worker.calibration import calibrate
from whisperd.worker.chinese import write_chinese
from whisperd.worker.cores import usable_cores
from whisperd.worker.ctranslate2_model import CTranslate2Model
from whisperd.worker.decoding import decode_chunks, detect_language
from whisperd.worker.devices import survey
from whisperd.worker.failures import WorkError, failure_of
from whisperd.worker.listening import utterances
from whisperd.worker.model import SpeechModel
from whisperd.worker.opening import look_at
from whisperd.worker.recordings import read_recording
from whisperd.worker.speech import find_speech, quietest

TORCH_ONLY: Final = ("rocm", "xpu")
"""Devices that CTranslate2 can't drive."""

_BACKENDS: Final = ("auto", "ctranslate2", "torch")


class Handlers:
    """Answers calls, one at a time. Raises WorkError and whatever the libraries raise."""

    def __init__(self, files: OpenFiles | None = None) -> None:
        self._files = files or OpenFiles()
        self._model: SpeechModel | None = None
        self._loaded_by: Load | None = None

    def answer(self, call: Call) -> Reply:
        match call:
            case Survey():
                return survey()
            case Load():
                return self._load(call)
            case Open():
                self._files.keep(call.at_once)
                return look_at(call.source)
            case Plan():
                return Planned(self._plan(call))
            case DetectLanguage():
                model = self._require_model()
                chunks = self._chunks(call.source, call.block, call.chunks)
                return LanguageDetected(*detect_language(model, chunks, call.allowed))
            case Calibrate():
                return self._calibrate(call)
            case Decode():
                began = time.monotonic()
                results = decode_chunks(
                    self._require_model(), self._chunks(call.source, call.block, call.chunks), call.options
                )
                return Decoded(results, round(time.monotonic() - began, 4))
            case Listen():
                return _listen(call)
            case WriteChinese():
                return ChineseWritten(write_chinese(call.texts, call.characters))
            case DecodeTogether():
                return self._decode_together(call)
            case _:
                assert_never(call)

    def _load(self, call: Load) -> Loaded:
        if self._model is None or self._loaded_by != call:
            if call.backend not in _BACKENDS:
                raise WorkError(
                    FailureKind.MODEL_LOAD,
                    f"there is no backend {call.backend!r}",
                    f"choose one of: {', '.join(_BACKENDS)}",
                )
            # The old model goes first: two at once might not fit.
            self._model = self._loaded_by = None
            return_freed_blocks()
            self._model = _make_model(call, call.threads or usable_cores())
            self._loaded_by = call
        return self._model.loaded

    def _plan(self, call: Plan) -> BlockPlan:
        blocks = self._files.of(call.source)
        block = blocks.from_start(call.source, call.start)
        speech = packing.split_long(find_speech(block.samples), lambda start, end: quietest(block.samples, start, end))
        moved = [packing.Stretch(block.start + start, block.start + end) for start, end in speech]
        chunks = packing.pack(moved, block.start, block.end, call.audio_context)
        next_start: int | None = None
        if not block.last:
            chunks, next_start = packing.next_block(chunks, block.start, block.end)
        return BlockPlan(
            start=block.start,
            end=block.end,
            next_start=next_start,
            chunks=tuple(chunks),
            damage=blocks.damage(block.start, next_start),
        )

    def _decode_together(self, call: DecodeTogether) -> DecodedTogether:
        began = time.monotonic()
        model = self._require_model()
        heard: list[list[tuple[Chunk, Samples]] | Failed] = []
        for part in call.parts:
            try:
                heard.append(self._chunks(part.source, part.block, part.chunks))
            except (WorkError, OSError) as error:
                heard.append(failure_of(error))
        chunks = [chunk for part in heard if not isinstance(part, Failed) for chunk in part]
        results = iter(decode_chunks(model, chunks, call.parts[0].options) if chunks else ())
        seconds = time.monotonic() - began
        return DecodedTogether(
            tuple(
                part
                if isinstance(part, Failed)
                else Decoded(tuple(islice(results, len(part))), round(seconds * len(part) / len(chunks), 4))
                for part in heard
            )
        )

    def _calibrate(self, call: Calibrate) -> Calibrated:
        model = self._require_model()
        chunks = self._chunks(call.source, call.block, call.chunks)
        if not chunks:
            raise WorkError(FailureKind.INTERNAL, "calibration was asked for without chunks")

        def seconds_for(size: int, count: int) -> float:
            began = time.monotonic()
            for first in range(0, count, size):
                decode_chunks(model, chunks[first : min(first + size, count)], call.options)
            return time.monotonic() - began

        return Calibrated(*calibrate(seconds_for, len(chunks), call.budget))

    def _chunks(self, source: Source, block: tuple[int, int], chunks: tuple[Chunk, ...]) -> list[tuple[Chunk, Samples]]:
        if source.growing:
            samples = read_recording(source.path, *block)
            return [(chunk, samples[chunk.start - block[0] : chunk.end - block[0]]) for chunk in chunks]
        read = self._files.of(source).between(source, *block)
        return [(chunk, read.samples[chunk.start - read.start : chunk.end - read.start]) for chunk in chunks]

    def _require_model(self) -> SpeechModel:
        if self._model is None:
            raise WorkError(FailureKind.INTERNAL, "no model is loaded")
        return self._model


def _make_model(call: Load, threads: int) -> SpeechModel:
    if call.backend == "torch" or (call.backend == "auto" and call.device in TORCH_ONLY):
        # It takes seconds and 250 MB to import. Its threads wait asleep between two operations: where they would spin,
        # each of thousands of small steps waits for whoever else uses the processors (twice as fast on two busy cores).
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from whisperd.worker.torch_model import TorchModel

        return TorchModel(call, threads)
    return CTranslate2Model(call, threads)


def _listen(call: Listen) -> Heard:
    samples = read_recording(call.source.path, call.start, None)
    speech = packing.split_long(find_speech(samples), lambda start, end: quietest(samples, start, end))
    return utterances(speech, call.start, call.start + len(samples), call.audio_context, ended=call.ended)
