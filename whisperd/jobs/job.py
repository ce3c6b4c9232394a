"""What a job is: one audio source to one transcript.

Owns: the words a job is described with (kind, state, stage, options, failure). Leaves to others: how it changes
(`transitions`), when it runs (`policy`), and where it is kept (`whisperd.store`).
"""

import enum
import hashlib

import msgspec

from whisperd.frames import AudioContext, Chinese, FailureKind, Task


class Kind(enum.StrEnum):
    """What the job was made for; decides its class."""

    DICTATION = "dictation"
    FILE = "file"
    BATCH = "batch"
    WATCH = "watch"


class Priority(enum.IntEnum):
    """A job's class; a smaller number goes first."""

    INTERACTIVE = 0
    NORMAL = 1
    LOW = 2


class State(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in (State.COMPLETED, State.FAILED, State.CANCELLED)


class Stage(enum.StrEnum):
    """What a running job is doing."""

    OPENING = "opening"
    LOADING_MODEL = "loading_model"
    DETECTING_LANGUAGE = "detecting_language"
    TRANSCRIBING = "transcribing"
    WRITING = "writing"


class Format(enum.StrEnum):
    """File formats of a transcript."""

    TXT = "txt"
    SRT = "srt"
    VTT = "vtt"
    JSON = "json"
    TSV = "tsv"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a job is to be transcribed. None leaves the choice to the configuration, or to whisperd (`auto`).

    `language` is a code (`en`, `pt-BR`), an English name, or `auto`; `languages` are those that may be found then, all
    without any. With `multilingual` it may change from one part to the next, and `language` is the main one. `chinese`
    are the characters of Chinese. `beam_size` is from 1 to 20, `compute_type` as in the configuration. `output_dir` is
    an absolute path; without it files go beside the audio. No `formats`, no files: the transcript is kept in the
    database in any case.

    Options of long ago can be read whatever they say; `whisperd.jobs.asked` says what may be asked for now.
    """

    model: str | None = None
    language: str | None = None
    task: Task | None = None
    beam_size: int | None = None
    audio_context: AudioContext | None = None
    prompt: str | None = None
    hotwords: str | None = None
    words: bool | None = None
    compute_type: str | None = None
    formats: tuple[Format, ...] = ()
    output_dir: str | None = None
    languages: tuple[str, ...] = ()
    multilingual: bool | None = None
    chinese: Chinese | None = None

    @property
    def signature(self) -> str:
        """The same for options that ask for the same transcript, whatever files of it they ask for."""
        asked = msgspec.structs.replace(self, formats=(), output_dir=None)
        return hashlib.blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()


class Failure(msgspec.Struct, frozen=True):
    """Why a job failed, in a sentence, and what to do about it."""

    kind: FailureKind
    message: str
    hint: str | None = None


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """A transcript file that was asked for: where it is and what was written, or why it could not be.

    `path_b64` has the path's bytes where they are not UTF-8; `digest` is the content's BLAKE2b-256 in hexadecimal, by
    which whisperd knows its own file again.
    """

    format: Format
    path: str
    path_b64: str | None = None
    size: int | None = None
    digest: str | None = None
    error: str | None = None
