"""Makes the speech that `whisperctl model bench` measures with: `python tools/bench_clips.py`.

Owns: what is said there and how it is encoded. Any Whisper does about the same work for it, since it is plain English.
"""

import random
import sys
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.speech import SAMPLE_RATE, VOICES, Samples, sentence, silence, synthesize

FOLDER = Path(__file__).resolve().parent.parent / "whisperd" / "data" / "bench"
BIT_RATE = 20_000


def window() -> Samples:
    """About as much speech as a packed window of a file holds."""
    draw = random.Random(3)
    parts = [silence(0.3)]
    while sum(map(len, parts)) < 23.5 * SAMPLE_RATE:
        parts += [synthesize(sentence(draw), draw.choice(VOICES), 150), silence(0.35)]
    return np.concatenate(parts)


def dictation() -> Samples:
    return np.concatenate([silence(0.2), synthesize("set a timer for fifteen minutes", "en-us+f4", 150), silence(0.3)])


def write(path: Path, samples: Samples) -> None:
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = BIT_RATE
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16).reshape(1, -1), "s16", "mono")
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=48_000, frame_size=960)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    write(FOLDER / "file.opus", window())
    write(FOLDER / "dictation.opus", dictation())
