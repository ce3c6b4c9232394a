"""Parameters and results of `dictate.*`, and the payloads of its events.

Owns: their shapes, and the words for a session's state. Leaves to others: how a session goes from state to state
(`whisperd.dictation`). A session is one dictation, from key-down to its text; its number counts from 1 in each life
of the daemon. Durations are seconds.
"""

import enum
from typing import Annotated

from msgspec import Meta, Struct

from whisperd.wire.types import NO_NUL, ErrorData, Params

SessionNumber = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Text = Annotated[str, Meta(max_length=10_000)]
Name = Annotated[str, Meta(min_length=1, max_length=4_096, pattern=NO_NUL)]


class SessionState(enum.StrEnum):
    """`opening` until the first frames are stored, `listening` until release, `thinking` until there is a text."""

    OPENING = "opening"
    LISTENING = "listening"
    THINKING = "thinking"
    DONE = "done"
    NOTHING_HEARD = "nothing_heard"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self not in (SessionState.OPENING, SessionState.LISTENING, SessionState.THINKING)

    @property
    def recording(self) -> bool:
        return self in (SessionState.OPENING, SessionState.LISTENING)


class DictationState(enum.StrEnum):
    """What dictation as a whole is doing: listening wins over thinking."""

    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"


class DictateStartParams(Params, frozen=True):
    """What is left out is as the configuration says. `language` and `languages` are as in a job's options. `device` is
    an input device's name, or a part of it.

    `private` keeps nothing: no recording, no history. `while_connected` ends the session when the connection that
    started it closes; what was said until then is transcribed into the history, and delivered to nobody.
    """

    language: str | None = None
    languages: tuple[str, ...] = ()
    model: Name | None = None
    prompt: Text | None = None
    hotwords: Text | None = None
    device: Name | None = None
    private: bool = False
    while_connected: bool = False


class SessionParams(Params, frozen=True):
    """Without a `session`, the one that is listening; for cancelling, else the one that thinks longest."""

    session: SessionNumber | None = None


class DictateStartResult(Struct, frozen=True):
    """The microphone is open. `device` is its name; `recording` the file that is being written."""

    session: int
    state: SessionState
    device: str
    recording: str


class DictateResult(Struct, frozen=True):
    """What became of a session; `text` is what is to be delivered, as the text rules left it.

    `job` is its number in the history (None: it is not there); `duration` the seconds that were recorded; `latency`
    the seconds from release to text. `error` says why it failed, or, beside a text, what went wrong on the way, such
    as a microphone that was unplugged.
    """

    session: int | None
    state: SessionState
    text: str = ""
    job: int | None = None
    duration: float = 0.0
    latency: float | None = None
    error: ErrorData | None = None


class DictateToggleResult(Struct, frozen=True):
    """`started` says which way it went; then there is `start`, otherwise `result`."""

    started: bool
    session: int
    start: DictateStartResult | None = None
    result: DictateResult | None = None


class SessionView(Struct, frozen=True):
    """A session that has not ended. `committed` is the text so far, which will not change any more."""

    session: int
    state: SessionState
    started_at: str
    duration: float
    level: float
    private: bool
    committed: str = ""
    device: str | None = None


class DictateStatusResult(Struct, frozen=True):
    """`sessions` in the order in which their texts come; `device` is the one that the next session would open, where
    it was named; `error` what went wrong with the microphone last, until it works again."""

    state: DictationState
    sessions: list[SessionView]
    device: str | None = None
    error: ErrorData | None = None


class DeviceView(Struct, frozen=True):
    """An input device as PortAudio lists it; `rate` is its own in Hz."""

    name: str
    host: str
    channels: int
    rate: float
    default: bool


class DictateDevicesResult(Struct, frozen=True):
    devices: list[DeviceView]


# -- events -----------------------------------------------------------------------------------------------------------


class DictateStateEvent(Struct, frozen=True, omit_defaults=True):
    """`dictate.state`, stored. `reason` says what ended it where that was not the person (`max_length`,
    `disconnected`, `microphone`), or why it failed; `job` is the text's number in the history."""

    session: int
    state: SessionState
    reason: str | None = None
    job: int | None = None


class DictateLevelEvent(Struct, frozen=True):
    """`dictate.level`: how loud the last moment was (root of mean square) and its peak, from 0 to 1 of full scale."""

    session: int
    level: float
    peak: float


class DictatePartialEvent(Struct, frozen=True):
    """`dictate.partial`: what has been decoded so far; `text` goes on where `committed` ends, and may change. It is
    empty unless `dictation.partial_text` is set."""

    session: int
    committed: str
    text: str
