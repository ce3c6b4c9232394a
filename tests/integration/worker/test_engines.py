"""Two engines, one result: PyTorch finds what CTranslate2 finds, for every search and remedy."""

import math
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.integration.worker.child import MODEL, Child, decode, plans
from tests.speech import SAMPLE_RATE, Samples, long_speech, noise, write_audio
from whisperd.frames import FULL_CONTEXT, Chunk, Decode, Decoded, DecodeOptions, FailureKind, Load, Loaded, Task
from whisperd.jobs.batching import group
from whisperd.worker import ladder
from whisperd.worker.ctranslate2_model import CTranslate2Model
from whisperd.worker.decoding import decode_chunks, prompt_tokens
from whisperd.worker.failures import WorkError
from whisperd.worker.model import Rung, Search, longest_text
from whisperd.worker.torch_model import TorchModel

WORDS = DecodeOptions(language="en", words=True)
TORCH = Load(MODEL, backend="torch", device="cpu", compute_type="float32", threads=2)


@pytest.fixture(scope="module")
def ctranslate2_model() -> CTranslate2Model:
    return CTranslate2Model(Load(MODEL, compute_type="float32"), threads=2)


@pytest.fixture(scope="module")
def torch_model() -> TorchModel:
    return TorchModel(TORCH, threads=2)


@pytest.fixture(scope="module")
def speech() -> list[tuple[Chunk, Samples]]:
    """Four chunks of different lengths; the last in noise."""
    samples, _ = long_speech(32, 21)
    samples[20 * SAMPLE_RATE :] += noise(40, 1, 0.02)[: len(samples) - 20 * SAMPLE_RATE]
    chunks = [Chunk(a * SAMPLE_RATE, b * SAMPLE_RATE) for a, b in pairwise((0, 4, 11, 20, 32))]
    return [(chunk, samples[chunk.start : chunk.end]) for chunk in chunks]


@pytest.mark.parametrize(
    ("beam_size", "rung", "prompt"),
    [
        (5, ladder.PLAIN, None),
        (1, ladder.PLAIN, None),
        (5, ladder.LADDER[0], None),
        (2, ladder.LADDER[1], "the old bridge"),
        # Stronger than any of ours: this speech repeats itself too little for those to change much.
        (3, Rung(1.8, 2), "the old bridge"),
        (1, Rung(1.8, 2), None),
    ],
    ids=["beams", "greedy", "penalty", "n-grams and prompt", "strong and prompt", "strong and greedy"],
)
def test_both_engines_find_the_same_tokens(
    ctranslate2_model: CTranslate2Model,
    torch_model: TorchModel,
    speech: list[tuple[Chunk, Samples]],
    beam_size: int,
    rung: Rung,
    prompt: str | None,
) -> None:
    features = np.stack([torch_model.features(samples, FULL_CONTEXT) for _, samples in speech])
    tokenizer = torch_model.tokenizer("en", Task.TRANSCRIBE)
    prompts = [prompt_tokens(tokenizer, DecodeOptions(language="en", prompt=prompt))] * len(speech)
    search = Search((tokenizer.encode(" the")[0], tokenizer.sot), beam_size, rung, alternatives=True)
    expected, found = (
        model.generate(model.encode(features), prompts, search) for model in (ctranslate2_model, torch_model)
    )
    assert [each.tokens for each in found] == [each.tokens for each in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.avg_logprob == pytest.approx(theirs.avg_logprob, abs=1e-3)
        assert ours.no_speech_prob == pytest.approx(theirs.no_speech_prob, abs=1e-3)
        assert ours.ended is theirs.ended
        assert len(ours.alternatives) == len(theirs.alternatives) == beam_size - 1
        assert [each.logprob for each in ours.alternatives] == pytest.approx(
            [each.logprob for each in theirs.alternatives], abs=0.05
        )


def test_a_text_without_an_end_is_cut_at_the_same_place(
    ctranslate2_model: CTranslate2Model, torch_model: TorchModel, speech: list[tuple[Chunk, Samples]]
) -> None:
    tokenizer = torch_model.tokenizer("en", Task.TRANSCRIBE)
    prompt = prompt_tokens(tokenizer, DecodeOptions(language="en"))
    features = torch_model.features(speech[0][1], 600)[np.newaxis]
    [expected], [found] = (
        model.generate(model.encode(features), [prompt], Search((tokenizer.eot,), 2, ladder.PLAIN))
        for model in (ctranslate2_model, torch_model)
    )
    assert len(found.tokens) == len(expected.tokens) == longest_text(prompt)
    assert not found.ended
    assert not expected.ended
    assert expected.alternatives == found.alternatives == ()


@pytest.mark.parametrize("context", [FULL_CONTEXT, 1400], ids=["full", "fit"])
def test_both_engines_write_the_same_segments_and_words(
    ctranslate2_model: CTranslate2Model, torch_model: TorchModel, speech: list[tuple[Chunk, Samples]], context: int
) -> None:
    chunks = [(msgspec.structs.replace(chunk, context=context), samples) for chunk, samples in speech]
    expected, found = (decode_chunks(model, chunks, WORDS) for model in (ctranslate2_model, torch_model))
    assert [result.attempts for result in found] == [result.attempts for result in expected]
    pairs = [pair for a, b in zip(found, expected, strict=True) for pair in zip(a.segments, b.segments, strict=True)]
    assert len(pairs) >= len(speech)
    for ours, theirs in pairs:
        assert (ours.text, ours.tokens, ours.seek) == (theirs.text, theirs.tokens, theirs.seek)
        assert math.dist((ours.start, ours.end), (theirs.start, theirs.end)) < 0.1
        assert ours.confidence == pytest.approx(theirs.confidence, abs=1e-3)
        assert [word.word for word in ours.words or ()] == [word.word for word in theirs.words or ()]
        for word, other in zip(ours.words or (), theirs.words or (), strict=True):
            assert abs(word.start - other.start) < 0.1 and abs(word.end - other.end) < 0.1
            assert word.probability == pytest.approx(other.probability, abs=1e-3)


def test_weights_of_a_hugging_face_folder_serve_as_well(
    torch_model: TorchModel, speech: list[tuple[Chunk, Samples]], tmp_path: Path
) -> None:
    for file in [*(Path(MODEL) / "original").iterdir(), Path(MODEL) / "tokenizer.json"]:
        (tmp_path / file.name).symlink_to(file)
    model = TorchModel(Load(str(tmp_path), backend="torch", device="cpu"), threads=2)
    assert model.loaded.compute_type == "float32"
    assert model.loaded.fingerprint != torch_model.loaded.fingerprint
    # The other one's are those weights rounded to 8 bits.
    [ours], [theirs] = (decode_chunks(each, speech[:1], DecodeOptions(language="en")) for each in (model, torch_model))
    assert [segment.text for segment in ours.segments] == [segment.text for segment in theirs.segments]


def test_half_precision_computes_too(speech: list[tuple[Chunk, Samples]]) -> None:
    model = TorchModel(Load(MODEL, backend="torch", device="cpu", compute_type="bfloat16"), threads=2)
    [result] = decode_chunks(model, speech[:1], WORDS)
    assert result.segments and result.segments[0].words
    assert model.loaded.compute_type == "bfloat16"


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (Load(MODEL, device="rocm"), FailureKind.DEPENDENCY, "sees no rocm device"),
        (Load(MODEL, device="xpu"), FailureKind.DEPENDENCY, "sees no xpu device"),
        (Load(MODEL, device="cpu", compute_type="int8_float16"), FailureKind.MODEL_LOAD, "int8_float16"),
        (Load("/no/such/model", device="cpu"), FailureKind.MODEL_LOAD, "no model folder"),
    ],
    ids=["no ROCm", "no XPU", "no 8 bits", "no folder"],
)
def test_what_torch_can_not_do_fails_with_its_kind_and_what_to_do(call: Load, kind: FailureKind, said: str) -> None:
    with pytest.raises(WorkError) as failed:
        TorchModel(call, threads=1)
    assert failed.value.kind is kind
    assert said in failed.value.message
    assert failed.value.hint


@pytest.mark.parametrize(
    "damage", [b"", b"\x06\x00\x00\x00\x05\x00BERT\x00", None], ids=["empty", "another", "cut off"]
)
def test_a_damaged_model_file_is_named(tmp_path: Path, damage: bytes | None) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).symlink_to(Path(MODEL) / name)
    whole = (Path(MODEL) / "model.bin").read_bytes()
    (tmp_path / "model.bin").write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(WorkError, match="can't be loaded") as failed:
        TorchModel(Load(str(tmp_path), backend="torch", device="cpu"), threads=1)
    assert failed.value.kind is FailureKind.MODEL_LOAD


def test_a_killed_torch_worker_is_replaced_with_the_same_bytes(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", long_speech(40, 8)[0])
    with Child() as first:
        loaded = first.call(TORCH, Loaded)
        source, _ = first.open(path)
        (plan,) = plans(first, source)
        whole = decode(first, source, plan, WORDS)
        first.kill()
    with Child() as second:
        assert second.call(TORCH, Loaded).fingerprint == loaded.fingerprint
        last = group(plan.chunks, 4)[-1]
        call = Decode(source, (plan.start, plan.end), tuple(plan.chunks[index] for index in last), WORDS)
        again = second.call(call, Decoded).results
    assert loaded.backend == "torch" and loaded.device == "cpu"
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode([whole[index] for index in last])
