"""The sides that `real` compares, in one process: faster-whisper's two ways; the worker with full and fitted context.

Owns: how each is asked, and keeping the rivals' outputs, which do not change from run to run, by the recording's
samples, the model and the library versions. All sides have the same weights, precision, threads and beam, and are told
the language; everything else stands at each side's defaults.
"""

import hashlib
import importlib.metadata
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from faster_whisper import BatchedInferencePipeline, WhisperModel

from tests.speech import Samples, write_audio
from tools.real_data.fetch import folder, model_folder
from tools.real_data.recordings import Recording
from tools.real_data.scoring import Heard
from whisperd import frames
from whisperd.frames import AudioContext, BlockPlan, Chunk, DecodeOptions, Load, Segment, Source
from whisperd.jobs.batching import ON_CPU, group
from whisperd.worker.handlers import Handlers

BEAM = 5
THREADS = 2
BATCH_SIZE = 8
"""Of the batched pipeline: its default, and what its documentation shows."""


@dataclass(frozen=True)
class Output:
    """What a side made of one recording, in `seconds`. `words` is empty for a side that was not asked for them."""

    segments: tuple[Heard, ...]
    words: tuple[Heard, ...]
    seconds: float

    @property
    def heard(self) -> tuple[Heard, ...]:
        return self.words or self.segments


Reply = TypeVar("Reply", bound=frames.Reply)

Side = Callable[[Path, str], Output]
"""A recording's file and its language → the output."""


class Rivals:
    """faster-whisper's sequential and batched ways with one model, loaded when first asked."""

    def __init__(self, model: str) -> None:
        self._model = model

    @cached_property
    def _whisper(self) -> WhisperModel:
        return WhisperModel(str(model_folder(self._model)), device="cpu", compute_type="int8", cpu_threads=THREADS)

    @cached_property
    def _pipeline(self) -> BatchedInferencePipeline:
        return BatchedInferencePipeline(self._whisper)

    def sequential(self, path: Path, language: str) -> Output:
        return self._output(self._whisper.transcribe, path, language=language, vad_filter=True)

    def batched(self, path: Path, language: str) -> Output:
        return self._output(self._pipeline.transcribe, path, language=language, batch_size=BATCH_SIZE)

    def _output(self, transcribe: Callable[..., Any], path: Path, **options: Any) -> Output:
        began = time.perf_counter()
        segments = tuple(
            Heard(one.text, one.start, one.end) for one in transcribe(str(path), beam_size=BEAM, **options)[0]
        )
        return Output(segments, (), time.perf_counter() - began)


class Worker:
    """The daemon's worker without the daemon: plans, and decodes in batches as large as the daemon's."""

    def __init__(self, model: str) -> None:
        self._handlers = Handlers()
        self._call = Load(str(model_folder(model)), compute_type="int8", threads=THREADS)

    def full(self, path: Path, language: str, *, words: bool = True) -> Output:
        return self._output(path, language, AudioContext.FULL, words)

    def fitted(self, path: Path, language: str, *, words: bool = True) -> Output:
        return self._output(path, language, AudioContext.FIT, words)

    def _output(self, path: Path, language: str, context: AudioContext, words: bool) -> Output:
        self._answer(self._call, frames.Loaded)
        source = Source(bytes(path))
        source = Source(source.path, self._answer(frames.Open(source), frames.Opened).identity)
        options = DecodeOptions(language, beam_size=BEAM, words=words)
        segments: list[Segment] = []
        spent = 0.0
        start: int | None = 0
        while start is not None:
            began = time.perf_counter()
            plan = self._answer(frames.Plan(source, start, context), frames.Planned).plan
            spent += time.perf_counter() - began
            began = time.perf_counter()
            segments += self._decoded(source, plan, options)
            spent += time.perf_counter() - began
            start = plan.next_start
        return Output(
            tuple(Heard(one.text, one.start, one.end) for one in segments),
            tuple(Heard(word.word, word.start, word.end) for one in segments for word in one.words or ()),
            spent,
        )

    def _decoded(self, source: Source, plan: BlockPlan, options: DecodeOptions) -> list[Segment]:
        found: list[Segment] = []
        for batch in group(plan.chunks, ON_CPU):
            chunks = tuple(plan.chunks[index] for index in batch)
            for result in self._answer(self._decode(source, plan, chunks, options), frames.Decoded).results:
                found += result.segments
        return sorted(found, key=lambda segment: segment.start)

    def _decode(
        self, source: Source, plan: BlockPlan, chunks: tuple[Chunk, ...], options: DecodeOptions
    ) -> frames.Decode:
        return frames.Decode(source, (plan.start, plan.end), chunks, options)

    def _answer(self, call: frames.Call, kind: type[Reply]) -> Reply:
        answer = self._handlers.answer(call)
        assert isinstance(answer, kind), answer
        return answer


# -- kept outputs -----------------------------------------------------------------------------------------------------


class Kept:
    """Outputs of the rivals, in a file beside the data. `again`: what is there is made anew."""

    def __init__(self, model: str, *, again: bool) -> None:
        self._path = folder() / "rivals.json"
        self._model = model
        self._again = again
        self._outputs: dict[str, Any] = {}
        if self._path.exists():
            self._outputs = json.loads(self._path.read_text(encoding="utf-8"))

    def output(self, name: str, side: Side, recording: Recording, path: Path) -> Output:
        """The output of a side for a recording: the kept one, or a new one, which is kept."""
        key = " ".join((name, self._model, recording.language, *_versions(), _digest(recording.mono)))
        if self._again or key not in self._outputs:
            made = side(path, recording.language)
            self._outputs[key] = {
                "segments": [(one.text, one.start, one.end) for one in made.segments], "seconds": made.seconds
            }  # fmt: skip
            self._write()
        kept = self._outputs[key]
        return Output(tuple(Heard(*one) for one in kept["segments"]), (), kept["seconds"])

    def _write(self) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(self._outputs, ensure_ascii=False), encoding="utf-8")
        temporary.rename(self._path)


def written(place: Path, recording: Recording) -> Path:
    """The recording as a file that every side reads the same: mono, 16 bits, without compression."""
    return write_audio(place, recording.mono)


def _digest(samples: Samples) -> str:
    return hashlib.sha256(samples.tobytes()).hexdigest()[:16]


def _versions() -> Sequence[str]:
    return [f"{name}={importlib.metadata.version(name)}" for name in ("faster-whisper", "ctranslate2", "onnxruntime")]
