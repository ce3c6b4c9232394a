"""The messages between the daemon and a worker.

Owns: every call to and reply from a worker, and the values those carry (chunks, plans, segments, failures). Leaves to
others: how they travel (`whisperd.framing`), starting and killing children (`whisperd.workers`), computing the replies
(`whisperd.worker`). It imports the standard library, msgspec and the framing only, since worker and recorder import
nothing else of the daemon.

Audio positions are integer samples at 16 kHz counted from the beginning of the audio; times of segments and words are
seconds from the same origin. A worker keeps no state that a call depends on: every call names all that it needs, and
what a worker remembers (an open decoder, the last block's samples, the loaded model) only makes the answer faster.
"""

import enum
import socket
from typing import Final

import msgspec

from whisperd.framing import decode, receive_body

SAMPLE_RATE: Final = 16_000
"""Samples a second of all audio inside whisperd; Whisper's input rate."""

FRAMES_PER_SECOND: Final = 100
"""Mel frames a second (hop of 160 samples), the unit of `Chunk.context`."""

FULL_CONTEXT: Final = 3_000
"""Mel frames of Whisper's whole window (30 s)."""


class FailureKind(enum.StrEnum):
    """Why work on a job failed; decides whether and how it is retried (`whisperd.jobs.retry`)."""

    OUT_OF_MEMORY = "out_of_memory"
    MODEL_LOAD = "model_load"
    NETWORK = "network"
    IO = "io"
    BAD_INPUT = "bad_input"
    NO_AUDIO = "no_audio"
    INPUT_MISSING = "input_missing"
    INPUT_CHANGED = "input_changed"
    DEPENDENCY = "dependency"
    DEVICE_LOST = "device_lost"
    TIMEOUT = "timeout"
    WORKER_DIED = "worker_died"
    INTERNAL = "internal"


class Task(enum.StrEnum):
    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"


class Chinese(enum.StrEnum):
    """The characters that Chinese is written in; models write either, as it comes."""

    SIMPLIFIED = "simplified"
    TRADITIONAL = "traditional"


class AudioContext(enum.StrEnum):
    """How much of the 30 s window the encoder is given: all of it, or the chunk's own length plus a margin."""

    FULL = "full"
    FIT = "fit"


# -- values -----------------------------------------------------------------------------------------------------------


class Word(msgspec.Struct, frozen=True):
    start: float
    end: float
    word: str
    probability: float


class Segment(msgspec.Struct, frozen=True):
    """A stretch of text with its times; the fields carry the reference implementation's names and meanings.

    `seek` is the start of the chunk in mel frames of 10 ms; `confidence` is exp(avg_logprob), from 0 to 1.
    """

    start: float
    end: float
    text: str
    confidence: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    seek: int
    tokens: tuple[int, ...]
    words: tuple[Word, ...] | None = None


class FileIdentity(msgspec.Struct, frozen=True):
    """Which file, and which content, a job reads. `digest` is the hexadecimal BLAKE2b-256 of the content."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    digest: str

    def same_content(self, other: "FileIdentity") -> bool:
        return self.size == other.size and self.digest == other.digest


class Source(msgspec.Struct, frozen=True):
    """The audio a call reads: an absolute path as bytes, and the identity it must still have (None: not yet known).

    `growing`: a recording that may still be written to, which has no identity; what was there once stays as it is.
    """

    path: bytes
    identity: FileIdentity | None = None
    growing: bool = False


class Chunk(msgspec.Struct, frozen=True):
    """One window for the encoder: what is heard of samples `[start, end)`, at most 30 s, and its context in mel frames
    (even).

    `speech` are the stretches `[start, end)` in which somebody speaks; of longer pauses between them only the edges are
    heard (`whisperd.worker.window`). Without any, which is how chunks were stored before there was speech in them, all
    of it is heard.
    """

    start: int
    end: int
    context: int = FULL_CONTEXT
    speech: tuple[tuple[int, int], ...] = ()


class Damage(msgspec.Struct, frozen=True):
    """What could not be decoded: packets skipped, and samples of silence put in their place or lost at the end."""

    bad_packets: int = 0
    missing: int = 0


class BlockPlan(msgspec.Struct, frozen=True):
    """What is to be decoded of the samples `[start, end)`, as decided once and stored.

    `batches` are tuples of indices into `chunks`, in the order in which they are decoded; the worker leaves them to
    the daemon, which knows the batch size (`whisperd.jobs.batching`). `next_start` is where the next block begins (the
    last chunk of a block that is not the last one is carried into the next), None at the end of the audio. `damage`
    counts what lies in `[start, next_start or end)`.
    """

    start: int
    end: int
    next_start: int | None
    chunks: tuple[Chunk, ...]
    batches: tuple[tuple[int, ...], ...] = ()
    damage: Damage = Damage()


class DecodeOptions(msgspec.Struct, frozen=True):
    """Everything that decides a chunk's segments besides its samples and the engine.

    `languages`: those of which each chunk has its own, where one file may have several; without any all chunks are in
    `language`. Codes that the model does not know are passed over.
    """

    language: str
    task: Task = Task.TRANSCRIBE
    beam_size: int = 5
    prompt: str | None = None
    hotwords: str | None = None
    words: bool = False
    fallback: bool = True
    languages: tuple[str, ...] = ()


class ChunkResult(msgspec.Struct, frozen=True):
    """A chunk's segments. `attempts` is 1 plus the number of further decodings, by the ladder and for speech without
    words; `unheard` are the stretches `[start, end)`, in seconds, in which somebody speaks and no words were found;
    `language` is the chunk's own, None where it is that of the options."""

    chunk: Chunk
    segments: tuple[Segment, ...]
    attempts: int = 1
    unheard: tuple[tuple[float, float], ...] = ()
    language: str | None = None


# -- calls: daemon to worker ------------------------------------------------------------------------------------------


class Survey(msgspec.Struct, frozen=True, tag="survey"):
    """Look at the accelerators of this machine. → `Surveyed`"""


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Load a model, or keep it when exactly this one is loaded. `threads` 0 lets the worker choose. → `Loaded`

    `cpu_fallback` is for the daemon's lane: where the accelerator can't be used, the same model is loaded on the CPU.
    """

    model_path: str
    backend: str = "ctranslate2"
    device: str = "cpu"
    compute_type: str = "default"
    threads: int = 0
    cpu_fallback: bool = False


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Look at a file and identify it. `at_once` files are in progress: the worker keeps as many at hand. → `Opened`"""

    source: Source
    at_once: int = 1


class Plan(msgspec.Struct, frozen=True, tag="plan"):
    """Read the block that begins at sample `start`, find its speech and pack it into chunks. → `Planned`"""

    source: Source
    start: int
    audio_context: AudioContext = AudioContext.FULL


class DetectLanguage(msgspec.Struct, frozen=True, tag="detect_language"):
    """Find the language of up to a few chunks, together; one of those `allowed`, of all where none are named. Needs a
    loaded model. → `LanguageDetected`"""

    source: Source
    block: tuple[int, int]
    chunks: tuple[Chunk, ...]
    allowed: tuple[str, ...] = ()


class Calibrate(msgspec.Struct, frozen=True, tag="calibrate"):
    """Time decoding the chunks in growing batches until larger ones no longer pay or `budget` seconds are spent.

    → `Calibrated`
    """

    source: Source
    block: tuple[int, int]
    chunks: tuple[Chunk, ...]
    options: DecodeOptions
    budget: float


class Decode(msgspec.Struct, frozen=True, tag="decode"):
    """Decode one batch of chunks that lie in the block `[start, end)`. Needs a loaded model. → `Decoded`"""

    source: Source
    block: tuple[int, int]
    chunks: tuple[Chunk, ...]
    options: DecodeOptions


class Listen(msgspec.Struct, frozen=True, tag="listen"):
    """Find the utterances that a growing recording holds from sample `start` on. → `Heard`

    `ended`: nothing will be added, so what is spoken at its end is an utterance too.
    """

    source: Source
    start: int
    ended: bool
    audio_context: AudioContext = AudioContext.FULL


class WriteChinese(msgspec.Struct, frozen=True, tag="write_chinese"):
    """Put Chinese texts into these characters. Needs no model. → `ChineseWritten`"""

    texts: tuple[str, ...]
    characters: Chinese


class DecodeTogether(msgspec.Struct, frozen=True, tag="decode_together"):
    """Decode the batches of several files, all of one context and with the same options, as one. → `DecodedTogether`"""

    parts: tuple[Decode, ...]


Call = Survey | Load | Open | Plan | DetectLanguage | Calibrate | Decode | DecodeTogether | Listen | WriteChinese


# -- replies: worker to daemon ----------------------------------------------------------------------------------------


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The first frame of every worker: it has set its parent-death signal and takes calls."""

    pid: int


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """`fingerprint` names all that can change a result: model content, backend, device, compute type, threads and
    library versions."""

    fingerprint: str
    backend: str
    device: str
    compute_type: str
    threads: int
    multilingual: bool
    seconds: float


class Device(msgspec.Struct, frozen=True):
    """An accelerator: `kind` is `cuda`, `rocm` or `xpu`; memory in megabytes, None where nothing here can tell.

    `engines` are those that can compute on it: `ctranslate2`, `torch`.
    """

    kind: str
    name: str
    engines: tuple[str, ...]
    total_mb: int | None = None
    free_mb: int | None = None


class Surveyed(msgspec.Struct, frozen=True, tag="surveyed"):
    """`notes` say what could not be looked at, and why."""

    devices: tuple[Device, ...]
    notes: tuple[str, ...] = ()


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """`duration` is what the container declares, in seconds; None where it declares nothing."""

    identity: FileIdentity
    duration: float | None
    container: str
    codec: str
    sample_rate: int
    channels: int


class Planned(msgspec.Struct, frozen=True, tag="planned"):
    plan: BlockPlan


class LanguageDetected(msgspec.Struct, frozen=True, tag="language_detected"):
    """`probability` is that among the languages that were allowed."""

    language: str
    probability: float


class Calibrated(msgspec.Struct, frozen=True, tag="calibrated"):
    """Seconds a chunk by batch size, for the sizes that were tried; `batch_size` is the one to use."""

    batch_size: int
    seconds_per_chunk: dict[int, float]


class Decoded(msgspec.Struct, frozen=True, tag="decoded"):
    """Results in the order of the call's chunks, and the seconds of computing they took."""

    results: tuple[ChunkResult, ...]
    seconds: float


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    """The utterances that have ended, as chunks; `next_start` is where to listen from next. `speaking`: speech has
    begun after it. `end` is the number of samples that the recording has by now."""

    chunks: tuple[Chunk, ...]
    next_start: int
    speaking: bool
    end: int


class ChineseWritten(msgspec.Struct, frozen=True, tag="chinese_written"):
    """The call's texts in order, each as long as it was."""

    texts: tuple[str, ...]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The call failed; the worker lives on. `message` says what happened to what, `hint` what to do."""

    kind: FailureKind
    message: str
    hint: str | None = None


class DecodedTogether(msgspec.Struct, frozen=True, tag="decoded_together"):
    """For each part of the call what it gave, or why its file could not be read; the others are not affected."""

    parts: tuple[Decoded | Failed, ...]


Reply = (
    Ready
    | Surveyed
    | Loaded
    | Opened
    | Planned
    | LanguageDetected
    | Calibrated
    | Decoded
    | DecodedTogether
    | Heard
    | ChineseWritten
    | Failed
)


# -- on the wire -----------------------------------------------------------------------------------------------------

_call_decoder: Final = msgspec.msgpack.Decoder(Call)
_reply_decoder: Final = msgspec.msgpack.Decoder(Reply)


def decode_call(body: bytes) -> Call:
    """Raises FrameError for anything that is not a call."""
    return decode(_call_decoder, body, "a call")


def decode_reply(body: bytes) -> Reply:
    """Raises FrameError for anything that is not a reply."""
    return decode(_reply_decoder, body, "a reply")


def receive_call(connection: socket.socket) -> Call | None:
    """Block until the next call has arrived; None when the daemon has closed its end. Raises FrameError."""
    body = receive_body(connection)
    return None if body is None else decode_call(body)
