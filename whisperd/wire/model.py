"""Parameters and results of `model.*`.

Owns: the shapes that cross the socket. Leaves to others: what the methods do (`whisperd.api.model`). Sizes are bytes,
`memory_mb` and `disk_mb` megabytes by estimate.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from whisperd.wire.types import NO_NUL, Params

ModelName = Annotated[str, Meta(min_length=1, max_length=4096, pattern=NO_NUL)]
"""A known name, a repository as `owner/name`, or the path of a model's folder."""


class PullView(Struct, frozen=True):
    """A download in progress: bytes, `total` None until the hub has said it; bytes a second; seconds left."""

    done: int
    total: int | None
    progress: float
    speed: float
    eta: float | None


class ModelView(Struct, frozen=True):
    """A model: installed (with `path` and `size`), being pulled, or known and available.

    `origin` says where an installed one lies: in the `package`, the state folder (`pulled`; only these are removed by
    `model.remove`) or the Hugging Face `cache`. `loaded` names the lanes whose worker holds it, `resident` is the
    largest of those workers. `languages` is `en` or `all`. `used_for` are the kinds of work that it is chosen for now.
    """

    name: str
    state: Literal["installed", "pulling", "available"]
    repository: str | None
    languages: str | None
    translates: bool
    disk_mb: int | None
    memory_mb: int | None
    origin: Literal["package", "pulled", "cache"] | None = None
    path: str | None = None
    size: int | None = None
    loaded: list[str] = []
    resident: int | None = None
    used_for: list[str] = []
    pull: PullView | None = None


class ChoiceView(Struct, frozen=True):
    """What a kind of work is done with at present and why; or, without a model, why it can't be and what to do."""

    kind: Literal["dictation", "file"]
    model: str | None
    reason: str
    hint: str | None = None


class ModelListResult(Struct, frozen=True):
    models: list[ModelView]
    choices: list[ChoiceView]


class ModelParams(Params, frozen=True):
    model: ModelName


class ModelPullResult(Struct, frozen=True):
    """The pull goes on by itself; `model.state` and `model.progress` events tell of it."""

    model: str
    state: Literal["installed", "pulling"]


class ModelLoadParams(Params, frozen=True):
    """Without `model`, the one that the lane's kind of work is done with."""

    model: ModelName | None = None
    lane: Literal["interactive", "background"] = "interactive"


class ModelLoadResult(Struct, frozen=True):
    """`seconds` is what loading took; 0 for a model that was there."""

    model: str
    lane: str
    device: str
    compute_type: str
    backend: str
    seconds: float


class ModelUnloadParams(Params, frozen=True):
    """Without `model`, whatever is loaded."""

    model: ModelName | None = None


class ModelUnloadResult(Struct, frozen=True):
    """The lanes whose worker was ended."""

    lanes: list[str]


class ModelRemoveResult(Struct, frozen=True):
    """`freed` is bytes on the disk."""

    model: str
    freed: int


class ModelBenchParams(Params, frozen=True):
    """Measure these, or every installed model. `anyway`: though jobs run, which makes the figures worse."""

    models: Annotated[list[ModelName], Meta(max_length=100)] = []
    anyway: bool = False


class BenchView(Struct, frozen=True):
    """What was measured of a model: seconds to load it, seconds of computing a second of audio when it transcribes a
    file, seconds from the end of a dictation of `dictation` seconds to its text, and its worker's memory in bytes.

    With an `error` nothing was.
    """

    model: str
    device: str | None = None
    compute_type: str | None = None
    load: float | None = None
    real_time_factor: float | None = None
    latency: float | None = None
    memory: int | None = None
    error: str | None = None


class ModelBenchResult(Struct, frozen=True):
    """`recommended` are the best models that this machine runs fast enough, a choice for each kind of work."""

    models: list[BenchView]
    dictation: float
    recommended: list[ChoiceView]
