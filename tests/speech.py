"""Speech for tests: sentences that the `test-en` model knows, spoken by espeak-ng, and files of every kind of it.

Owns: synthesizing (`synthesize`), long-form speech with pauses (`long_speech`), encoding (`write_audio`) and word
errors (`word_errors`). Audio is float32 mono at 16 kHz, shape `(samples,)`. Everything is a
pure function of its arguments.
"""

import random
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

SAMPLE_RATE = 16_000
VOICES = (
    "en-us+m3",
    "en-gb+f2",
    "en-gb-scotland+m1",
    "en-us+f4",
    "en-gb-x-rp+m7",
    "en-us+Annie",
    "en-029+m2",
    "en-us+f3",
)


def _words(text: str) -> list[str]:
    return text.split()


NOUNS = _words(
    """
    airport battery bird bottle bridge camera cat city computer doctor dog evening file folder forest garden horse
    hospital house keyboard kitchen letter meeting morning mountain paper phone picture printer project report
    river school server station street summer table teacher ticket train village window winter
    """
)
PLURALS = [noun + "s" for noun in NOUNS if not noun.endswith("y")]
ADJECTIVES = _words(
    """
    big black blue broken cold dark green happy heavy light long new old orange purple quiet red short small warm
    white yellow
    """
)
PAST = _words(
    """
    brought called carried checked cleaned closed copied deleted finished followed found moved opened painted
    printed repaired saved sent started stopped visited watched
    """
)
PRESENT = _words(
    """
    bring call carry check clean close copy delete find finish follow move open paint print repair save send start
    stop visit watch
    """
)
NAMES = _words(
    """
    alice bob carol david emma frank grace henry julia kevin laura nina oscar peter rachel simon tom
    """
)
NUMBERS = _words(
    """
    three five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty ninety
    """
)
ADVERBS = _words(
    """
    again carefully early later quickly slowly soon today tomorrow tonight yesterday
    """
)
MONTHS = _words(
    """
    january february march april june july august september october november december
    """
)
TEMPLATES = (
    "we will {present} the {adjective} {noun} in {month}",
    "did you {present} the {adjective} {noun} {adverb}",
    "please {present} the {noun} behind the house",
    "{name} {past} {number} {adjective} {plural} {adverb}",
    "there are {number} {plural} and {number} {plural} near the {noun}",
    "set a timer for {number} minutes",
)
_WORDS = {
    "noun": NOUNS, "plural": PLURALS, "adjective": ADJECTIVES, "past": PAST, "present": PRESENT, "name": NAMES,
    "number": NUMBERS, "adverb": ADVERBS, "month": MONTHS,
}  # fmt: skip


@dataclass(frozen=True)
class Encoding:
    """How `write_audio` makes one kind of file."""

    container: str
    codec: str
    rate: int = SAMPLE_RATE
    sample_format: str = "s16"
    layout: str = "mono"
    video: bool = False
    container_options: tuple[tuple[str, str], ...] = ()


_CODEC_OPTIONS = {"vorbis": {"strict": "experimental"}, "wmav1": {"b": "64000"}, "wmav2": {"b": "64000"}}
"""What FFmpeg's own encoders ask for: a word that one is new, a bit rate that is not left to them."""

ENCODINGS = {
    "wav": Encoding("wav", "pcm_s16le"),
    "mp3": Encoding("mp3", "libmp3lame", sample_format="s16p"),
    "flac": Encoding("flac", "flac"),
    "ogg": Encoding("ogg", "vorbis", rate=44_100, sample_format="fltp", layout="stereo"),
    "opus": Encoding("ogg", "libopus", rate=48_000),
    "m4a": Encoding("ipod", "aac", rate=44_100, sample_format="fltp"),
    "webm": Encoding("webm", "libopus", rate=48_000),
    "mp4": Encoding("mp4", "aac", rate=44_100, sample_format="fltp", video=True),
}
"""By file name suffix: the kinds of files people have speech in. `mp4` has a video stream beside the sound."""


def sentence(draw: random.Random) -> str:
    """One random sentence of words that the model knows: lower case, no punctuation."""
    template = draw.choice(TEMPLATES)
    while "{" in template:
        slot = template[template.index("{") + 1 : template.index("}")]
        template = template.replace("{" + slot + "}", draw.choice(_WORDS[slot]), 1)
    return template


@cache
def synthesize(text: str, voice: str = VOICES[0], speed: int = 150) -> Samples:
    """`text` spoken at `speed` words a minute, no silence at both ends, peak 0.7. Read-only, shape `(samples,)`."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout
    # espeak-ng writes a WAV header of 44 bytes whose length fields a pipe leaves wrong.
    rate = int.from_bytes(spoken[24:28], "little")
    samples = resample(np.frombuffer(spoken[44 : len(spoken) // 2 * 2], np.int16), rate, SAMPLE_RATE)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    samples = samples[max(0, loud[0] - 320) : loud[-1] + 320]
    samples = (samples * (0.7 / np.abs(samples).max())).astype(np.float32)
    samples.flags.writeable = False
    return samples


def resample(samples: NDArray[np.int16], rate: int, wanted: int) -> Samples:
    """16-bit mono samples at `rate` as float32 at `wanted` samples a second."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=wanted)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    parts = [part.to_ndarray()[0] for part in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts).astype(np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def noise(seconds: float, seed: int = 0, level: float = 0.05) -> Samples:
    """White noise of `level` root mean square."""
    return np.random.default_rng(seed).normal(0, level, round(seconds * SAMPLE_RATE)).astype(np.float32)


def long_speech(seconds: float, seed: int = 0, pauses: tuple[float, float] = (0.3, 1.5)) -> tuple[Samples, str]:
    """At least `seconds` of sentences in changing voices with pauses of `pauses` seconds between them, and their text.

    The voice changes every few sentences, as in a conversation; one pause in twenty is ten times longer.
    """
    draw = random.Random(seed)
    parts: list[Samples] = []
    texts: list[str] = []
    length = 0
    voice, speed = VOICES[0], 150
    while length < seconds * SAMPLE_RATE:
        if not texts or draw.random() < 0.3:
            voice, speed = draw.choice(VOICES), draw.randint(135, 180)
        text = sentence(draw)
        pause = draw.uniform(*pauses) * (10 if draw.random() < 0.05 else 1)
        parts += [synthesize(text, voice, speed), silence(pause)]
        texts.append(text)
        length += len(parts[-1]) + len(parts[-2])
    return np.concatenate(parts), " ".join(texts)


def write_audio(path: Path, samples: Samples, encoding: Encoding | str | None = None) -> Path:
    """Write `samples` as the kind of file that `encoding`, or else the suffix of `path`, names. Returns `path`."""
    kind = encoding if isinstance(encoding, Encoding) else ENCODINGS[encoding or path.suffix.removeprefix(".")]
    with av.open(str(path), "w", format=kind.container, options=dict(kind.container_options)) as container:
        stream = container.add_stream(kind.codec, rate=kind.rate, options=_CODEC_OPTIONS.get(kind.codec, {}))
        stream.layout = kind.layout
        stream.format = kind.sample_format
        picture = container.add_stream("mpeg4", rate=1) if kind.video else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        resampler = av.AudioResampler(format=kind.sample_format, layout=kind.layout, rate=kind.rate)
        for start in range(0, len(samples), SAMPLE_RATE):
            second = samples[start : start + SAMPLE_RATE]
            if picture is not None:
                still = av.VideoFrame.from_ndarray(np.full((64, 64, 3), start // SAMPLE_RATE % 256, np.uint8), "rgb24")
                still.pts = start // SAMPLE_RATE
                container.mux(picture.encode(still))
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(second.reshape(1, -1)), format="flt", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts = start
            for part in resampler.resample(frame):
                container.mux(stream.encode(part))
        for part in resampler.resample(None):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
        if picture is not None:
            container.mux(picture.encode(None))
    return path


def write_m4a_with_index_first(path: Path, samples: Samples) -> Path:
    """As for streaming: what there is of such a file can be played before the rest has come. Returns `path`."""
    whole = write_audio(path.with_suffix(".whole.m4a"), samples)
    with (
        av.open(str(whole)) as source,
        av.open(str(path), "w", format="ipod", options={"movflags": "+faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


def word_errors(heard: str, spoken: str) -> int:
    """Words substituted, left out or put in: the edit distance between the two texts, word by word."""
    hypothesis, reference = heard.split(), spoken.split()
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(hypothesis, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]


DEMO = (
    ("en-gb+f2", 0.7, "emma printed twenty purple villages tomorrow", "we will stop the blue winter in april"),
    ("en-gb+f2", 0.7, "did you move the blue garden slowly", "please stop the report behind the house"),
    ("en-us+f4", 0.3, "set a timer for fifteen minutes", "did you find the yellow river later"),
    ("en-us+f4", 0.3, "grace checked seven yellow projects slowly", "please open the computer behind the house"),
)
"""What `tests/data/demo.flac` says: voice, pause between sentences, two sentences. The voices are 7 s apart."""


def write_demo(folder: Path) -> None:
    """Make `demo.flac` and `demo.txt`, the shipped clip that the model hears without a mistake."""
    parts = [silence(0.3)]
    for index, (voice, pause, *sentences) in enumerate(DEMO):
        parts += [silence(7.0)] if index == len(DEMO) // 2 else []
        for text in sentences:
            parts += [synthesize(text, voice, 145), silence(pause)]
    # Spoken softly: fewer bits a sample make a small file.
    write_audio(folder / "demo.flac", np.concatenate(parts) * np.float32(0.35))
    text = "\n".join(text for _, _, *sentences in DEMO for text in sentences)
    (folder / "demo.txt").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_demo(Path(__file__).parent / "data")
