"""Real weights in 8 bits on a real voice: what a chunk gives depends on the chunk alone."""

from functools import partial

import pytest

from tests.real_data import fetched
from tests.speech import Samples
from tools.real_data.fetch import model_folder
from tools.real_data.recordings import LONG_PAUSES, long, with_noise
from whisperd.frames import AudioContext, Chunk, DecodeOptions, Load
from whisperd.worker.ctranslate2_model import CTranslate2Model
from whisperd.worker.decoding import decode_chunks
from whisperd.worker.packing import pack, split_long
from whisperd.worker.speech import find_speech, quietest

MODEL = "tiny.en"
OPTIONS = DecodeOptions("en", words=True)

Pairs = list[tuple[Chunk, Samples]]


@pytest.fixture(scope="module")
def model() -> CTranslate2Model:
    fetched([MODEL, "voices-en"])
    return CTranslate2Model(Load(str(model_folder(MODEL)), compute_type="int8"), threads=2)


@pytest.fixture(scope="module")
def chunks(model: CTranslate2Model) -> Pairs:
    """The chunks of five short recordings, one of them in noise; the model is there before the voice is needed."""
    plain = [long(["en"], 8, seed=seed, pauses=LONG_PAUSES) for seed in range(11, 15)]
    noisy = with_noise(long(["en"], 8, seed=15), "pink", 5, seed=15)
    return [pair for recording in (*plain, noisy) for pair in chunks_of(recording.mono)]


def chunks_of(samples: Samples) -> Pairs:
    speech = split_long(find_speech(samples), partial(quietest, samples))
    return [(chunk, samples[chunk.start : chunk.end]) for chunk in pack(speech, 0, len(samples), AudioContext.FULL)]


@pytest.mark.timeout(900)  # the first run fetches 110 MB
def test_a_chunk_has_the_same_bits_alone_and_among_mates(model: CTranslate2Model, chunks: Pairs) -> None:
    assert len(chunks) >= 5
    alone = [decode_chunks(model, [pair], OPTIONS)[0] for pair in chunks]
    assert list(decode_chunks(model, chunks, OPTIONS)) == alone
    assert list(decode_chunks(model, chunks[::-1], OPTIONS)) == alone[::-1]
    pairs = [chunks[first : first + 2] for first in range(0, len(chunks), 2)]
    assert [result for mates in pairs for result in decode_chunks(model, mates, OPTIONS)] == alone
    assert all(result.segments for result in alone)
